"""What a node keeps of seals: the chain, its own votes until a height is sealed, and proofs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.protocol.errors import DamagedDatabase
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.chain import TrustedPoint, verify_adjacent
from commonweal.protocol.seal.consensus.events import Lock
from commonweal.protocol.seal.cut import Delta, delta_from_bytes, delta_to_bytes
from commonweal.protocol.seal.formats import SealedHeight, sealed_to_bytes
from commonweal.protocol.seal.votes import NIL, SealId, Step, prove_double_vote
from commonweal.storage.records import seal_store, sealed_heights
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import RecordPlace, SealStore
from commonweal.storage.records.sealed_heights import SealedHeights
from tests.protocol.seal import scenes
from tests.protocol.seal.scenes import DEVICES, POINT, certificate, delta, proposal, seal, vote
from tests.protocol.seal.witness import COMMUNITY, LOGS


def grown(count: int) -> list[tuple[SealedHeight, Delta]]:
    """Return the first sealed heights of a chain; each one covers a record more."""
    point: TrustedPoint = POINT
    found = []
    for number in range(count):
        of = delta(number + 1)
        sealed = scenes.sealed_after(point, cut_root=seal(of).cut_root)
        point = verify_adjacent(point, sealed)
        found.append((sealed, of))
    return found


def test_what_is_put_is_found_by_height_and_by_id() -> None:
    seals = SealStore(Store(), COMMUNITY)
    assert seals.height == 0 and seals.at(1) is None
    for sealed, of in grown(3):
        seals.put(sealed, of)
    assert seals.height == 3
    for sealed, of in grown(3):
        height, id = sealed.seal.height, sealed.seal.id
        assert seals.at(height) == (sealed, of)
        assert (seals.height_of(id), seals.clock_of(id)) == (height, sealed.seal.clock)
    unknown = SealId(bytes(32))
    assert seals.height_of(unknown) is seals.clock_of(unknown) is None
    assert {one.length for one in seals.cut().values()} == {3}


def test_each_record_has_the_height_that_sealed_it_however_late() -> None:
    seals = SealStore(Store(), COMMUNITY)
    assert seals.heights_covering([RecordPlace(LOGS[0], 0, 0)]) == {}
    chain = grown(4)
    for sealed, of in chain:
        seals.put(sealed, of)
    clocks = [sealed.seal.clock for sealed, _ in chain]
    assert clocks == sorted(clocks) and clocks[0] < clocks[-1]
    in_time = [RecordPlace(LOGS[0], seq, clock) for seq, clock in enumerate(clocks)]
    late = [RecordPlace(LOGS[0], seq, 0) for seq in range(4)]
    unsealed = [RecordPlace(LOGS[0], 4, clocks[0]), RecordPlace(LOGS[0], 4, clocks[-1] + 1)]
    unknown = RecordPlace(LOGS[1], 0, clocks[0])
    covering = seals.heights_covering([*late, unknown, *unsealed, *in_time, *late])
    assert covering == dict(zip([*late, *in_time], [1, 2, 3, 4] * 2, strict=True))


def test_few_deltas_are_read_for_an_old_record(monkeypatch: pytest.MonkeyPatch) -> None:
    seals = SealStore(Store(), COMMUNITY)
    for sealed, of in grown(40):
        seals.put(sealed, of)
    read: list[bytes] = []

    def noted(data: bytes) -> Delta:
        read.append(data)
        return delta_from_bytes(data)

    monkeypatch.setattr(seal_store, "delta_from_bytes", noted)
    kept = seals.at(3)
    assert kept is not None
    place = RecordPlace(LOGS[0], 2, kept.sealed.seal.clock)
    read.clear()
    assert seals.heights_covering([place]) == {place: 3}
    assert len(read) == 2, "the last that names the log, and the one that covers the record"


def test_the_heights_of_a_log_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seals = SealStore(Store(), COMMUNITY)
    heights = SealedHeights(seals)
    assert heights.covering(LOGS[0], 0) is None
    read: list[tuple[DeviceKey, int]] = []
    growth = seals.growth

    def noted(author: DeviceKey, above: int) -> Iterator[tuple[int, int]]:
        read.append((author, above))
        return growth(author, above)

    monkeypatch.setattr(seals, "growth", noted)
    for sealed, of in grown(4):
        seals.put(sealed, of)
    for seq in (2, 0, 3, 1, 4):
        covering = seals.heights_covering([RecordPlace(LOGS[0], seq, 0)])
        assert heights.covering(LOGS[0], seq) == next(iter(covering.values()), None)
        assert heights.covering(LOGS[1], seq) is None
    assert read == [(LOGS[0], 0), (LOGS[1], 0)]
    for sealed, of in grown(6)[4:]:
        seals.put(sealed, of)
        assert heights.covering(LOGS[0], seals.height - 1) == seals.height
    assert read[2:] == [(LOGS[0], 4), (LOGS[0], 5)], "only what is new"


def test_the_heights_of_few_logs_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_heights, "GROWTHS_KEPT_MAX", 6)
    seals = SealStore(Store(), COMMUNITY)
    for sealed, of in grown(4):
        seals.put(sealed, of)
    heights = SealedHeights(seals)
    for _ in range(3):
        for author in LOGS[:2]:
            heights.covering(author, 3)
    assert list(heights._growths) == list(LOGS[:2]), "one of 4 heights, one of none: the limit"
    heights.covering(LOGS[2], 0)
    assert list(heights._growths) == list(LOGS[1:3]) and heights._kept == 2
    assert heights.covering(LOGS[0], 3) == 4 and heights._kept == 6
    assert list(heights._growths) == [LOGS[2], LOGS[0]]


@pytest.mark.parametrize("column", ["id", "sealed", "delta"])
def test_a_seal_whose_parts_do_not_fit_each_other_is_damaged(column: str) -> None:
    store = Store()
    seals = SealStore(store, COMMUNITY)
    for sealed, of in grown(3):
        seals.put(sealed, of)
    store.change(f"UPDATE seal SET {column} = x'c1' WHERE height = 2")
    with pytest.raises(DamagedDatabase, match="seal 2"):
        seals.at(2)
    assert seals.at(1) is not None and seals.at(3) is not None
    if column == "delta":
        with pytest.raises(DamagedDatabase, match="seal 2"):
            seals.cut()


def test_own_votes_locks_and_proofs_that_the_disk_changed_are_damaged() -> None:
    store = Store()
    seals = SealStore(store, COMMUNITY)
    proposed = proposal()
    by_device = sorted(range(3), key=lambda place: DEVICES[place])
    polka = tuple(vote(place, Step.PREVOTE, proposed.seal.id) for place in by_device)
    seals.put_vote(polka[0], Lock(proposed, polka))
    seals.put_double_vote(
        prove_double_vote(vote(1, Step.PREVOTE, NIL), vote(1, Step.PREVOTE, seal().id))
    )
    seals.put_fork(certificate(seal(delta(1))), certificate(seal(delta(2))))
    assert seals.votes(1) and seals.lock(1) and seals.double_votes() and seals.fork()
    whole, signature = 0, -8
    for table, column, place, read in (
        ("own_vote", "vote", whole, lambda: seals.votes(1)),
        ("own_vote", "vote", signature, lambda: seals.votes(1)),
        ("own_lock", "lock", whole, lambda: seals.lock(1)),
        ("own_lock", "lock", signature, lambda: seals.lock(1)),
        ("double_vote", "proof", whole, seals.double_votes),
        ("double_vote", "proof", signature, seals.double_votes),
        ("finality_fork", "second", whole, seals.fork),
    ):
        ((data,),) = store.rows(f"SELECT {column} FROM {table}")
        changed = bytearray(data)
        changed[place] ^= 0x80
        store.change(f"UPDATE {table} SET {column} = ?", (bytes(changed),))
        with pytest.raises(DamagedDatabase):
            read()
        store.change(f"UPDATE {table} SET {column} = ?", (data,))
        assert read()


def test_heights_have_no_gap() -> None:
    seals = SealStore(Store(), COMMUNITY)
    first, _, third = grown(3)
    seals.put(*first)
    with pytest.raises(AssertionError):
        seals.put(*third)


def test_a_chain_is_handed_on_within_limits_but_one_seal_at_least() -> None:
    seals = SealStore(Store(), COMMUNITY)
    for sealed, of in grown(4):
        seals.put(sealed, of)
    size = sum(map(len, (sealed_to_bytes(grown(1)[0][0]), delta_to_bytes(grown(1)[0][1]))))
    assert [len(seals.chain(1, heights, 1 << 20)) for heights in (1, 3, 9)] == [1, 3, 4]
    assert len(seals.chain(2, 9, 1)) == 1
    assert len(seals.chain(1, 9, 2 * size)) == 2
    assert seals.chain(5, 9, 1 << 20) == []


def test_own_votes_and_the_lock_stay_until_their_height_is_sealed() -> None:
    seals = SealStore(Store(), COMMUNITY)
    offered = proposal()
    id = offered.seal.id
    polka = tuple(sorted((vote(n, Step.PREVOTE, id) for n in range(3)), key=lambda one: one.device))
    mine = [vote(0, Step.PREVOTE, id), vote(0, Step.PRECOMMIT, id), vote(0, Step.PREVOTE, NIL, 1)]
    seals.put_vote(mine[0])
    seals.put_vote(mine[1], Lock(offered, polka))
    seals.put_vote(mine[2])
    assert seals.votes(1) == mine and seals.votes(2) == []
    assert seals.lock(1) == Lock(offered, polka) and seals.lock(2) is None
    seals.put(*grown(1)[0])
    assert seals.votes(1) == [] and seals.lock(1) is None


def test_one_vote_is_kept_for_each_step_of_a_round() -> None:
    seals = SealStore(Store(), COMMUNITY)
    seals.put_vote(vote(0, Step.PREVOTE, NIL))
    with pytest.raises(Exception, match="UNIQUE"):
        seals.put_vote(vote(0, Step.PREVOTE, seal().id))


def test_a_vote_that_is_not_committed_is_gone(tmp_path: Path) -> None:
    store = Store(tmp_path / "ledger.db")
    SealStore(store, COMMUNITY).put_vote(vote(0, Step.PREVOTE, NIL))
    store.commit()
    SealStore(store, COMMUNITY).put_vote(vote(0, Step.PRECOMMIT, NIL))
    store.close()
    again = Store(tmp_path / "ledger.db")
    assert SealStore(again, COMMUNITY).votes(1) == [vote(0, Step.PREVOTE, NIL)]
    again.close()


def test_the_first_proof_against_a_device_is_kept() -> None:
    seals = SealStore(Store(), COMMUNITY)
    first = prove_double_vote(vote(0, Step.PREVOTE, NIL), vote(0, Step.PREVOTE, seal().id))
    second = prove_double_vote(vote(0, Step.PREVOTE, NIL, 1), vote(0, Step.PREVOTE, seal().id, 1))
    other = prove_double_vote(vote(1, Step.PREVOTE, NIL), vote(1, Step.PREVOTE, seal().id))
    assert [seals.put_double_vote(one) for one in (first, second, other)] == [True, False, True]
    assert seals.double_votes() == {DEVICES[0]: first, DEVICES[1]: other}


def test_the_first_fork_of_finality_is_shown() -> None:
    seals = SealStore(Store(), COMMUNITY)
    assert seals.fork() is None
    pair = certificate(seal()), certificate(seal(clock=9))
    seals.put_fork(*pair)
    seals.put_fork(pair[1], pair[0])
    assert seals.fork() == pair
