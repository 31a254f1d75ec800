"""What seals are made of keeps its bytes, and what is not in form is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import (
    BadSignature,
    CommonwealError,
    InvalidRecord,
    Malformed,
    NotCertified,
)
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal import cut, formats, have_frontiers, votes
from commonweal.protocol.seal.quorum import WITNESSES_MAX
from commonweal.protocol.seal.votes import NIL, Certificate, SealId, Step
from commonweal.protocol.seal.witnesses import read_witnesses
from tests.protocol.seal import scenes
from tests.protocol.seal.witness import COMMUNITY

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "seals.json").read_text())
OTHER = CommunityId(bytes(32))
ID = scenes.seal().id

REPROPOSED = formats.sign_proposal(
    scenes.SIGNERS[scenes.DEVICES[2]],
    1,
    scenes.seal(),
    scenes.delta(3, 2),
    tuple(scenes.vote(place, Step.PREVOTE, ID) for place in (2, 0, 1)),
)
CERTIFICATE = scenes.certificate(scenes.seal())
DOUBLE = votes.prove_double_vote(
    scenes.vote(1, Step.PREVOTE, ID), scenes.vote(1, Step.PREVOTE, NIL)
)

FORMS: dict[str, tuple[bytes, Callable[[bytes], object], object]] = {
    "seal": (
        formats.seal_to_bytes(scenes.seal()),
        lambda data: formats.seal_from_bytes(data, COMMUNITY),
        scenes.seal(),
    ),
    "delta": (
        cut.delta_to_bytes(scenes.delta(3, 2)),
        cut.delta_from_bytes,
        scenes.delta(3, 2),
    ),
    "vote": (
        votes.vote_to_bytes(scenes.vote(0, Step.PRECOMMIT, ID, round_=3)),
        lambda data: votes.vote_from_bytes(data, COMMUNITY),
        scenes.vote(0, Step.PRECOMMIT, ID, round_=3),
    ),
    "have": (
        have_frontiers.have_to_bytes(scenes.haves((3, 2))[0]),
        lambda data: have_frontiers.have_from_bytes(data, COMMUNITY),
        scenes.haves((3, 2))[0],
    ),
    "proposal": (
        formats.proposal_to_bytes(scenes.proposal()),
        lambda data: formats.proposal_from_bytes(data, COMMUNITY),
        scenes.proposal(),
    ),
    "proposal that was voted on": (
        formats.proposal_to_bytes(REPROPOSED),
        lambda data: formats.proposal_from_bytes(data, COMMUNITY),
        REPROPOSED,
    ),
    "certificate": (
        votes.certificate_to_bytes(CERTIFICATE),
        votes.certificate_from_bytes,
        CERTIFICATE,
    ),
    "double vote": (
        votes.double_vote_to_bytes(DOUBLE),
        lambda data: votes.double_vote_from_bytes(data, COMMUNITY),
        DOUBLE,
    ),
    "sealed height": (
        formats.sealed_to_bytes(scenes.sealed_after(scenes.POINT)),
        lambda data: formats.sealed_from_bytes(data, COMMUNITY),
        scenes.sealed_after(scenes.POINT),
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_read_as_it_was_written(name: str) -> None:
    data, read, value = FORMS[name]
    assert read(data) == value


@pytest.mark.parametrize("name", FORMS)
def test_each_form_keeps_its_golden_bytes(name: str) -> None:
    assert FORMS[name][0].hex() == VECTORS["forms"][name]


def test_ids_keep_their_golden_bytes() -> None:
    assert scenes.seal().id.hex() == VECTORS["seal id"]
    assert DOUBLE.id.hex() == VECTORS["double vote id"]
    assert scenes.seal().witnesses.hex() == VECTORS["witnesses"]
    assert scenes.seal().cut_root.hex() == VECTORS["cut root"]


@pytest.mark.parametrize("name", FORMS)
@given(data=st.data())
def test_whatever_bytes_come_a_form_is_read_or_refused(name: str, data: st.DataObject) -> None:
    good, read, _ = FORMS[name]
    place = data.draw(st.integers(0, len(good) - 1))
    bad = (
        good[:place]
        + data.draw(st.binary(max_size=3))
        + good[place + data.draw(st.integers(0, 3)) :]
    )
    try:
        assert read(bad) is not None
    except CommonwealError:
        return
    assert bad == good or name in ("seal", "delta", "certificate", "sealed height"), "unsigned"


def vote_with(**changed: Any) -> bytes:
    return votes.vote_to_bytes(replace(scenes.vote(0, Step.PREVOTE, ID), **changed))


def signed_vote(height: Any, round_: Any, step: Any, on: Any) -> bytes:
    """A vote whose signature is good, whatever it says."""
    device = scenes.SIGNERS[scenes.DEVICES[0]]
    place = (height, round_, step, on)
    signature = keys.sign_array(device, keys.VOTE_CONTEXT, COMMUNITY, *place)
    return codec.encode([*place, device.key, signature, ""])


BAD_VOTES = {
    "another height": (vote_with(height=2), BadSignature),
    "another round": (vote_with(round=1), BadSignature),
    "another step": (vote_with(step=Step.PRECOMMIT), BadSignature),
    "another seal": (vote_with(seal=SealId(bytes(32))), BadSignature),
    "another device": (vote_with(device=scenes.DEVICES[1]), BadSignature),
    "a reason for a yes": (vote_with(reason="since"), Malformed),
    "height 0": (signed_vote(0, 0, 1, ID), Malformed),
    "height true": (signed_vote(True, 0, 1, ID), Malformed),
    "a negative round": (signed_vote(1, -1, 1, ID), Malformed),
    "a round too large": (signed_vote(1, 2**31, 1, ID), Malformed),
    "an unknown step": (signed_vote(1, 0, 3, ID), Malformed),
    "a short seal": (signed_vote(1, 0, 1, ID[:31]), Malformed),
    "a proposal of none": (signed_vote(1, 0, 0, b""), Malformed),
    "a vote that is too long": (bytes(1025), Malformed),
    "nothing": (b"", Malformed),
}


@pytest.mark.parametrize("name", BAD_VOTES)
def test_a_bad_vote_is_refused(name: str) -> None:
    data, error = BAD_VOTES[name]
    with pytest.raises(error):
        votes.vote_from_bytes(data, COMMUNITY)


def test_the_signed_vote_that_the_refusals_are_made_of_is_good() -> None:
    read = votes.vote_from_bytes(signed_vote(1, 0, 1, ID), COMMUNITY)
    assert read == scenes.vote(0, Step.PREVOTE, ID)
    with pytest.raises(BadSignature):
        votes.vote_from_bytes(signed_vote(1, 0, 1, ID), OTHER)


def test_the_reason_of_a_vote_for_none_is_not_signed() -> None:
    nil = replace(scenes.vote(0, Step.PREVOTE, NIL), reason="it leaves out records")
    assert votes.vote_from_bytes(votes.vote_to_bytes(nil), COMMUNITY) == nil
    assert str(nil).endswith("none (it leaves out records)")
    with pytest.raises(Malformed):
        votes.vote_from_bytes(votes.vote_to_bytes(replace(nil, reason="x" * 201)), COMMUNITY)


def _signatures(*places: int, on: SealId = ID, round_: int = 0) -> Any:
    made = [scenes.vote(place, Step.PRECOMMIT, on, round_) for place in places]
    return tuple((one.device, one.signature) for one in made)


BAD_CERTIFICATES = {
    "too few": (_signatures(0, 1), NotCertified),
    "more than a quorum": (_signatures(0, 1, 2, 3), NotCertified),
    "of another round": (_signatures(0, 1, 2, round_=1), BadSignature),
    "for another seal": (_signatures(0, 1) + _signatures(2, on=SealId(bytes(32))), BadSignature),
}


@pytest.mark.parametrize("name", BAD_CERTIFICATES)
def test_a_certificate_without_a_quorum_certifies_nothing(name: str) -> None:
    signatures, error = BAD_CERTIFICATES[name]
    with pytest.raises(error):
        votes.check_certificate(Certificate(1, 0, ID, signatures), COMMUNITY, scenes.DEVICES)


def test_a_certificate_counts_each_witness_once_and_no_stranger() -> None:
    votes.check_certificate(CERTIFICATE, COMMUNITY, scenes.DEVICES)
    one, two, three = CERTIFICATE.signatures
    for bad in ((one, one, two), (two, one, three), ()):
        with pytest.raises(Malformed):
            votes.certificate_from_bytes(
                votes.certificate_to_bytes(replace(CERTIFICATE, signatures=bad))
            )
    with pytest.raises(NotCertified):
        votes.check_certificate(CERTIFICATE, COMMUNITY, (*scenes.DEVICES[1:], DeviceKey(bytes(32))))
    with pytest.raises(BadSignature):
        votes.check_certificate(CERTIFICATE, OTHER, scenes.DEVICES)


def test_a_double_vote_convicts_whatever_the_order_and_reasons() -> None:
    one = scenes.vote(1, Step.PREVOTE, ID)
    two = replace(scenes.vote(1, Step.PREVOTE, NIL), reason="why")
    assert votes.prove_double_vote(one, two) == votes.prove_double_vote(two, one) == DOUBLE
    assert DOUBLE.device == scenes.DEVICES[1]


INNOCENT = {
    "the same seal": (scenes.vote(1, Step.PREVOTE, ID), scenes.vote(1, Step.PREVOTE, ID)),
    "two steps": (scenes.vote(1, Step.PREVOTE, ID), scenes.vote(1, Step.PRECOMMIT, NIL)),
    "two rounds": (scenes.vote(1, Step.PREVOTE, ID), scenes.vote(1, Step.PREVOTE, NIL, 1)),
    "two heights": (scenes.vote(1, Step.PREVOTE, ID), scenes.vote(1, Step.PREVOTE, NIL, 0, 2)),
    "two devices": (scenes.vote(1, Step.PREVOTE, ID), scenes.vote(2, Step.PREVOTE, NIL)),
}


@pytest.mark.parametrize("name", INNOCENT)
def test_what_is_no_double_vote_convicts_nobody(name: str) -> None:
    one, two = INNOCENT[name]
    with pytest.raises(InvalidRecord):
        votes.prove_double_vote(one, two)
    listed: codec.Value = [votes.DOUBLE_VOTE, votes.vote_fields(one), votes.vote_fields(two)]
    with pytest.raises(InvalidRecord):
        votes.double_vote_from_bytes(codec.encode(listed), COMMUNITY)


def test_a_forged_proof_of_a_double_vote_is_refused() -> None:
    bare, nil = DOUBLE.second, DOUBLE.first
    for one, two, error in (
        (replace(nil, signature=bytes(64)), bare, BadSignature),
        (bare, nil, Malformed),
        (replace(nil, reason="x"), bare, Malformed),
    ):
        listed: codec.Value = [votes.DOUBLE_VOTE, votes.vote_fields(one), votes.vote_fields(two)]
        with pytest.raises(error):
            votes.double_vote_from_bytes(codec.encode(listed), COMMUNITY)
    with pytest.raises(InvalidRecord):
        votes.double_vote_from_bytes(codec.encode(["other", [], []]), COMMUNITY)
    with pytest.raises(Malformed):
        votes.double_vote_from_bytes(bytes(3000), COMMUNITY)


def evidence(count: int) -> tuple[bytes, ...]:
    return tuple(number.to_bytes(32, "big") for number in range(count))


BAD_SEALS: dict[str, dict[str, Any]] = {
    "of another community": {"community": OTHER},
    "at height 0": {"height": 0},
    "with a short link": {"prev": SealId(b"x" * 31)},
    "with a negative fold": {"fold": -1},
    "with true for a clock": {"clock": True},
    "with a negative time": {"time_ms": -1},
    "with a short ruleset": {"ruleset": b"x"},
    "with evidence twice": {"evidence": (bytes(32), bytes(32))},
    "with evidence unsorted": {"evidence": evidence(2)[::-1]},
    "with too much evidence": {"evidence": evidence(65)},
    "with short evidence": {"evidence": (b"x",)},
    "with a short root": {"state_root": bytes(31)},
    "without a cut": {"cut_root": b""},
}


@pytest.mark.parametrize("name", BAD_SEALS)
def test_a_seal_out_of_form_is_refused(name: str) -> None:
    data = formats.seal_to_bytes(scenes.seal(**BAD_SEALS[name]))
    with pytest.raises(Malformed):
        formats.seal_from_bytes(data, COMMUNITY)


def test_a_seal_at_its_limits_is_read() -> None:
    full = scenes.seal(evidence=evidence(64), ruleset=bytes(32), clock=2**63 - 1)
    data = formats.seal_to_bytes(full)
    assert formats.seal_from_bytes(data, COMMUNITY) == full
    assert len(data) <= formats.SEAL_BYTES_MAX
    with pytest.raises(Malformed):
        formats.seal_from_bytes(data + bytes(formats.SEAL_BYTES_MAX), COMMUNITY)
    with pytest.raises(Malformed, match="14 fields"):
        formats.seal_from_bytes(codec.encode([formats.CONTEXT]), COMMUNITY)


BAD_DELTAS: dict[str, Any] = {
    "not a pair": [[]],
    "unsorted logs": [[[*log] for log in scenes.logs(1, 1)[::-1]], []],
    "a log twice": [[[*scenes.logs(1)[0]]] * 2, []],
    "an empty log": [[[bytes(32), 0, bytes(32)]], []],
    "a short head": [[[bytes(32), 1, bytes(16)]], []],
    "a short author": [[[bytes(31), 1, bytes(32)]], []],
    "somebody present twice": [[], [bytes(32), bytes(32)]],
    "somebody without a key": [[], [b"x"]],
    "too many present": [[], list(evidence(WITNESSES_MAX + 1))],
    "too many logs": [[[one, 1, bytes(32)] for one in evidence(cut.CUT_LOGS_MAX + 1)], []],
}


@pytest.mark.parametrize("name", BAD_DELTAS)
def test_a_delta_out_of_form_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        cut.delta_from_bytes(codec.encode(BAD_DELTAS[name]))


def test_the_largest_proposal_fits_a_frame() -> None:
    authors = [DeviceKey(one) for one in evidence(cut.CUT_LOGS_MAX)]
    logs = tuple(cut.SealedLog(one, 2**40, bytes(32)) for one in authors)  # type: ignore[arg-type]
    big = scenes.SIGNERS[scenes.DEVICES[1]]
    shown = [
        have_frontiers.sign_have(
            signer, COMMUNITY, 1, SealId(COMMUNITY), logs[: have_frontiers.have_logs_max(10)]
        )
        for signer in list(scenes.SIGNERS.values())[:7]
    ]
    delta = cut.Delta(logs, tuple(sorted(have.device for have in shown)))
    made = formats.sign_proposal(
        big, 0, scenes.seal(delta, evidence=evidence(64)), delta, tuple(shown)
    )
    data = formats.proposal_to_bytes(made)
    assert formats.proposal_from_bytes(data, COMMUNITY) == made
    with pytest.raises(Malformed):
        formats.proposal_from_bytes(data + bytes(formats.PROPOSAL_BYTES_MAX), COMMUNITY)


BAD_PROPOSALS: dict[str, tuple[formats.Proposal, type[CommonwealError]]] = {
    "the vote for another seal": (
        replace(scenes.proposal(), vote=scenes.vote(1, Step.PROPOSE, SealId(bytes(32)))),
        Malformed,
    ),
    "a prevote as its vote": (
        replace(scenes.proposal(), vote=scenes.vote(1, Step.PREVOTE, ID)),
        Malformed,
    ),
    "the vote of another device": (
        replace(scenes.proposal(), vote=scenes.vote(0, Step.PROPOSE, ID)),
        BadSignature,
    ),
    "another delta": (replace(scenes.proposal(), delta=scenes.delta(4, 2)), BadSignature),
    "fewer have-frontiers": (
        replace(scenes.proposal(), haves=scenes.proposal().haves[:1]),
        BadSignature,
    ),
    "a fresh one without have-frontiers": (replace(scenes.proposal(), haves=()), Malformed),
    "a fresh one with prevotes": (
        replace(scenes.proposal(), polka=REPROPOSED.polka),
        Malformed,
    ),
    "a valid round that is its own": (replace(REPROPOSED, valid_round=1), Malformed),
    "a valid round below none": (replace(scenes.proposal(), valid_round=-2), Malformed),
    "prevotes twice": (
        replace(REPROPOSED, polka=REPROPOSED.polka[:1] * 3),
        Malformed,
    ),
    "prevotes for none": (
        replace(REPROPOSED, polka=(scenes.vote(0, Step.PREVOTE, NIL),)),
        Malformed,
    ),
    "precommits": (
        replace(REPROPOSED, polka=(scenes.vote(0, Step.PRECOMMIT, ID),)),
        Malformed,
    ),
    "a have-frontier after another seal": (
        replace(
            scenes.proposal(),
            haves=(
                have_frontiers.sign_have(
                    scenes.SIGNERS[scenes.DEVICES[0]], COMMUNITY, 1, SealId(bytes(32)), ()
                ),
            ),
        ),
        Malformed,
    ),
}


@pytest.mark.parametrize("name", BAD_PROPOSALS)
def test_a_bad_proposal_is_refused(name: str) -> None:
    bad, error = BAD_PROPOSALS[name]
    with pytest.raises(error):
        formats.proposal_from_bytes(formats.proposal_to_bytes(bad), COMMUNITY)


def test_a_have_frontier_out_of_form_is_refused() -> None:
    good = scenes.haves((3, 2))[0]
    for bad, error in (
        (replace(good, height=2), BadSignature),
        (replace(good, logs=good.logs[:1]), BadSignature),
        (replace(good, logs=good.logs[::-1]), Malformed),
        (replace(good, logs=((good.logs[0][0], 0),)), Malformed),
        (replace(good, height=0), Malformed),
    ):
        with pytest.raises(error):
            have_frontiers.have_from_bytes(have_frontiers.have_to_bytes(bad), COMMUNITY)


def test_a_set_of_witnesses_out_of_form_is_refused() -> None:
    one, two = [*scenes.SET[0]], [*scenes.SET[1]]
    assert read_witnesses([one, two]) == scenes.SET[:2]
    for bad in ([], [two, one], [one, one], [[b"x", bytes(32)]], None, [[bytes(32), None]]):
        with pytest.raises(Malformed):
            read_witnesses(bad)
