"""A proof bundle shows to anybody that a record is final, and nothing else passes for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol import codec
from commonweal.protocol.errors import (
    BadSignature,
    CommonwealError,
    InvalidProof,
    InvalidRecord,
    Malformed,
)
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records.record import Record, RecordId, erasable_body
from commonweal.protocol.seal import chain, finality_proof
from commonweal.protocol.seal.chain import TrustedPoint, founding_point
from commonweal.protocol.seal.cut import Delta, SealedLog
from commonweal.protocol.seal.finality_proof import FinalityProof, SealCoverage
from commonweal.protocol.seal.formats import Seal, SealedHeight
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.votes import Step, certify, sign_vote
from commonweal.protocol.seal.witnesses import Witness, witness_set_root
from tests.builders.cuts import whole_cut_root
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    EVE,
    FIRST,
    MEI,
    NOW_MS,
    OTHER_COMMUNITY,
    Author,
    spoiled,
    write,
)
from tests.protocol.authors import chain as log_of

VECTOR = Path(__file__).parents[2] / "vectors" / "bundle.json"
AUTHORS = (MEI, BO, EVE, *map(Author, ("Ann", "Dai", "Fu")))
SEATS = tuple(Witness(one.device, one.id) for one in AUTHORS)
SIGNERS: dict[DeviceKey, Signer] = {one.device: one.signer for one in AUTHORS}

NOTE, NOTE_REF = erasable_body(bytes(range(16)), "text/plain", "谢谢".encode())
RUN = log_of(BO, 2)
RUN += [write(BO, RUN[-1], body=NOTE_REF)]
RUN += log_of(BO, 3, RUN[-1])

Heights = list[tuple[SealedHeight, Delta]]


def ends(run: list[Record], length: int) -> SealedLog:
    return SealedLog(run[0].author, length, run[length - 1].id)


class Chain:
    """A chain of seals whose witnesses are chosen here."""

    def __init__(self) -> None:
        self.point = founding_point(COMMUNITY, SEATS[0])
        self.heights: Heights = []
        self.logs: dict[DeviceKey, SealedLog] = {}

    def seal(self, *grown: SealedLog, then: tuple[Witness, ...] = (), gap: int = 1) -> SealedHeight:
        """Add a height, certified by all who have a seat. gap: heights that nobody made."""
        delta = Delta(tuple(sorted(grown)), (SEATS[0].device,))
        self.logs.update((log.author, log) for log in grown)
        sealed = certified(self.point, self.logs, delta, then or self.point.witnesses, gap)
        self.heights.append((sealed, delta))
        self.point = chain.verify_skipping(self.point, sealed)
        return sealed


def certified(
    point: TrustedPoint,
    logs: dict[DeviceKey, SealedLog],
    delta: Delta,
    then: tuple[Witness, ...],
    gap: int = 1,
    by: tuple[Witness, ...] = (),
) -> SealedHeight:
    then = tuple(sorted(then))
    height = point.height + gap
    seal = Seal(
        *(COMMUNITY, height, point.seal, 1, whole_cut_root(logs, delta.present), height + 9),
        *(NOW_MS + height, b"", (), witness_set_root(then)),
        *(bytes(32), bytes(32), bytes(32)),
    )
    seats = by or point.witnesses
    votes = [
        sign_vote(SIGNERS[one.device], COMMUNITY, height, 0, Step.PRECOMMIT, seal.id)
        for one in seats
    ]
    return SealedHeight(seal, certify(votes, quorum_of(len(seats)).needed), then)


def grown() -> Chain:
    """Six heights: the set grows to four and turns over; Bo's third record comes with the fifth."""
    made = Chain()
    made.seal(SealedLog(MEI.device, 1, FIRST.id), then=SEATS[:3])
    made.seal(ends(RUN, 1))
    made.seal(ends(log_of(EVE, 2), 2), then=SEATS[:4])
    made.seal(ends(log_of(EVE, 3), 3), then=SEATS[2:6])
    made.seal(ends(RUN, 5))
    made.seal(ends(RUN, 6), then=SEATS[2:5])
    return made


def proved(
    heights: Heights, record: Record, following: list[Record], body: bytes | None = None
) -> FinalityProof:
    found = finality_proof.first_covering_seal(FIRST, record.author, record.seq, heights)
    assert found is not None
    return made_of(found, record, following, body)


def made_of(
    found: SealCoverage, record: Record, following: list[Record], body: bytes | None
) -> FinalityProof:
    after = tuple(one.wire for one in following)
    return FinalityProof(FIRST, record, after, found.changes, found.sealed, *found[3:], body)


MADE = grown()
GOOD = proved(MADE.heights, RUN[2], RUN[3:5], NOTE)


def test_a_bundle_shows_the_record_the_seal_and_who_signed() -> None:
    shown = finality_proof.verify_proof(finality_proof.proof_to_bytes(GOOD))
    assert (shown.community, shown.record, shown.body) == (COMMUNITY, RUN[2], NOTE)
    assert shown.sealed == MADE.heights[4][0], "the first seal that covers it"
    assert set(shown.witnesses) == set(SEATS[2:6])
    assert len(shown.sealed.certificate.signatures) == 3


def test_only_heights_at_which_the_witnesses_change_are_shown() -> None:
    assert [one.seal.height for one in GOOD.changes] == [1, 3, 4]


@pytest.mark.parametrize("seq", range(6))
def test_each_record_is_shown_by_the_first_seal_that_covers_it(seq: int) -> None:
    height = (2, 5, 5, 5, 5, 6)[seq]
    end = {2: 1, 5: 5, 6: 6}[height]
    shown = finality_proof.check(proved(MADE.heights, RUN[seq], RUN[seq + 1 : end]))
    assert shown.sealed.seal.height == height


def test_the_founding_record_is_shown_too() -> None:
    shown = finality_proof.check(proved(MADE.heights, FIRST, []))
    assert (shown.sealed.seal.height, shown.witnesses) == (1, SEATS[:1])


def test_what_no_seal_covers_has_no_bundle() -> None:
    assert finality_proof.first_covering_seal(FIRST, BO.device, 6, MADE.heights) is None
    assert finality_proof.first_covering_seal(FIRST, AUTHORS[4].device, 0, MADE.heights) is None


def test_a_flipped_bit_of_any_byte_is_refused() -> None:
    data = finality_proof.proof_to_bytes(proved(MADE.heights[:2], RUN[0], []))
    finality_proof.verify_proof(data)
    for place in range(len(data)):
        for bit in (place % 8, (5 * place + 3) % 8):
            bad = bytearray(data)
            bad[place] ^= 1 << bit
            with pytest.raises(CommonwealError):
                finality_proof.verify_proof(bytes(bad))


def test_a_changed_byte_of_a_long_bundle_is_refused() -> None:
    data = finality_proof.proof_to_bytes(GOOD)
    for place in range(0, len(data), 3):
        bad = bytearray(data)
        bad[place] ^= 0x5A
        with pytest.raises(CommonwealError):
            finality_proof.verify_proof(bytes(bad))


def test_a_file_that_is_cut_or_longer_is_refused() -> None:
    data = finality_proof.proof_to_bytes(GOOD)
    for bad in (data[:-1], data + b"\0", b"", data[: len(data) // 2]):
        with pytest.raises(Malformed):
            finality_proof.verify_proof(bad)


def left(by: tuple[Witness, ...], hidden: tuple[int, ...]) -> FinalityProof:
    """Bo's record under a seal of height 6 by `by`, where changes at `hidden` are left out."""
    point = replace(MADE.point, height=5, witnesses=tuple(sorted(by)))
    delta = Delta((ends(RUN, 6),), ())
    logs = {**MADE.logs, BO.device: ends(RUN, 6)}
    sealed = certified(point, logs, delta, by)
    found = finality_proof.first_covering_seal(
        FIRST, BO.device, 5, [(sealed, Delta(tuple(sorted(logs.values())), ()))]
    )
    assert found is not None
    changes = tuple(one for one in GOOD.changes if one.seal.height not in hidden)
    return made_of(found._replace(changes=changes), RUN[5], [], None)


def test_a_set_that_handed_over_is_trusted_no_more() -> None:
    finality_proof.check(left(SEATS[2:6], ()))
    with pytest.raises(InvalidProof, match="no witness"):
        finality_proof.check(left(SEATS[:4], ()))


def test_a_change_that_is_left_out_breaks_the_way_to_the_later_set() -> None:
    for hidden in ((1,), (3,), (4,)):
        with pytest.raises(InvalidProof):
            finality_proof.check(left(SEATS[2:6], hidden))


def test_hiding_a_change_takes_a_quorum_of_the_old_set() -> None:
    """What the module says of trust: nothing but signatures of the old set gains by hiding."""
    finality_proof.check(left(SEATS[:4], (4,)))
    with pytest.raises(InvalidProof):
        finality_proof.check(left(SEATS[1:4], (4,)))


def changed(**fields: Any) -> Callable[[], FinalityProof]:
    return lambda: replace(GOOD, **fields)


def resealed(**fields: Any) -> SealedHeight:
    seal = replace(GOOD.sealed.seal, **fields)
    votes = [
        sign_vote(SIGNERS[one.device], COMMUNITY, seal.height, 0, Step.PRECOMMIT, seal.id)
        for one in SEATS[2:6]
    ]
    return SealedHeight(seal, certify(votes, 3), GOOD.sealed.witnesses)


OTHER_NOTE = erasable_body(bytes(range(1, 17)), "text/plain", b"no")[0]
SAME = MADE.heights[1][0]
BROKEN: dict[str, Callable[[], FinalityProof]] = {
    "another record": changed(record=RUN[1]),
    "a record that is not under the cut": changed(record=log_of(EVE, 3)[2]),
    "a record between left out": changed(following=GOOD.following[1:]),
    "the last record left out": changed(following=GOOD.following[:1]),
    "a record too many": changed(following=(*GOOD.following, RUN[5].wire)),
    "a record of another log between": changed(following=(log_of(EVE, 4)[3].wire,)),
    "a bad signature on the record": changed(record=spoiled(RUN[2])),
    "another text": changed(body=OTHER_NOTE),
    "a text where the record has none": lambda: replace(
        proved(MADE.heights, RUN[1], RUN[2:5]), body=NOTE
    ),
    "another founding record": changed(founding=RUN[0]),
    "a founding record under a bad signature": changed(founding=spoiled(FIRST)),
    "no changes of the witnesses": changed(changes=()),
    "the changes in another order": changed(changes=GOOD.changes[::-1]),
    "a change twice": changed(changes=(GOOD.changes[0], *GOOD.changes)),
    "a height that changes nothing": changed(changes=(GOOD.changes[0], SAME, *GOOD.changes[1:])),
    "another seal": changed(sealed=MADE.heights[3][0]),
    "a seal over another cut": changed(sealed=resealed(cut_root=bytes(32))),
    "a seal whose clock went back": changed(sealed=resealed(clock=1)),
    "another root": changed(logs_root=bytes(32)),
    "another path": changed(beside=(*GOOD.beside[:-1], bytes(32))),
    "a path that is too short": changed(beside=GOOD.beside[:-1]),
    "nobody present": changed(present=()),
    "two present in the wrong order": changed(present=(SEATS[0].device, SEATS[0].device)),
}


def test_a_record_that_its_author_signed_badly_is_not_shown_though_a_good_one_links_to_it() -> None:
    bad = spoiled(RUN[0])
    after = write(BO, bad)
    made = Chain()
    made.seal(SealedLog(BO.device, 2, after.id))
    with pytest.raises(InvalidProof, match="by key"):
        finality_proof.check(proved(made.heights, bad, [after]))
    finality_proof.check(proved(made.heights, after, []))


def test_a_record_of_another_community_is_not_shown_whoever_sealed_it() -> None:
    foreign = write(BO, None, community=OTHER_COMMUNITY)
    made = Chain()
    made.seal(SealedLog(BO.device, 1, foreign.id))
    with pytest.raises(InvalidProof, match="event"):
        finality_proof.check(proved(made.heights, foreign, []))


def test_only_a_founding_record_under_good_signatures_names_the_first_witness() -> None:
    assert chain.founder_of(FIRST) == SEATS[0]
    with pytest.raises(BadSignature):
        chain.founder_of(spoiled(FIRST))
    with pytest.raises(InvalidRecord, match="founds no"):
        chain.founder_of(write(MEI, None, data=FIRST.data))
    with pytest.raises(BadSignature):
        chain.founder_of(write(BO, None, data=FIRST.data))
    for name in FIRST.data:
        with pytest.raises(InvalidRecord):
            chain.founder_of(write(MEI, None, data={**FIRST.data, name: 7}))


@pytest.mark.parametrize("name", BROKEN)
def test_a_bundle_is_refused_that_holds(name: str) -> None:
    finality_proof.check(GOOD)
    with pytest.raises(InvalidProof):
        finality_proof.check(BROKEN[name]())


def test_a_resealed_height_with_nothing_wrong_passes() -> None:
    finality_proof.check(replace(GOOD, sealed=resealed(time_ms=NOW_MS + 7)))


@pytest.mark.parametrize("place", range(10))
def test_a_part_of_the_wrong_type_is_refused(place: int) -> None:
    fields = codec.decode(finality_proof.proof_to_bytes(GOOD))
    assert isinstance(fields, list)
    wrong: list[codec.Value] = [7, [7], "x", {}, True]
    for bad in wrong:
        with pytest.raises(CommonwealError):
            finality_proof.verify_proof(codec.encode([*fields[:place], bad, *fields[place + 1 :]]))


@pytest.mark.parametrize(
    ("place", "bad"),
    [
        (3, [b"x"] * (finality_proof.FOLLOWING_MAX + 1)),
        (4, [b"x"] * (finality_proof.CHANGES_MAX + 1)),
        (7, [bytes(32)] * 257),
        (8, [bytes(32)] * 65),
        (9, bytes(1024 * 1024 + 1)),
    ],
)
def test_a_part_above_its_limit_is_refused(place: int, bad: Any) -> None:
    fields = codec.decode(finality_proof.proof_to_bytes(GOOD))
    assert isinstance(fields, list)
    with pytest.raises(Malformed):
        finality_proof.proof_from_bytes(codec.encode([*fields[:place], bad, *fields[place + 1 :]]))


def test_a_bundle_above_the_limit_is_not_made_and_not_read() -> None:
    with pytest.raises(InvalidProof, match="allowed"):
        finality_proof.proof_to_bytes(
            replace(GOOD, following=(bytes(finality_proof.PROOF_BYTES_MAX),))
        )
    with pytest.raises(Malformed, match="proof of"):
        finality_proof.proof_from_bytes(bytes(finality_proof.PROOF_BYTES_MAX + 1))


def test_a_bundle_keeps_its_golden_bytes() -> None:
    kept = json.loads(VECTOR.read_text())
    assert finality_proof.proof_to_bytes(GOOD).hex() == kept["bundle"]
    shown = finality_proof.verify_proof(bytes.fromhex(kept["bundle"]))
    assert shown.community.hex() == kept["community"]
    assert RecordId(shown.record.id).hex() == kept["record"]
    assert shown.sealed.seal.id.hex() == kept["seal"]
