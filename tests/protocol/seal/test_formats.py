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

from commonweal.protocol import codec
from commonweal.protocol.errors import (
    BadSignature,
    CommonwealError,
    Malformed,
)
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal import cut, formats, have_frontiers, votes
from commonweal.protocol.seal.quorum import WITNESSES_MAX
from commonweal.protocol.seal.votes import NIL, SealId, Step
from commonweal.protocol.seal.witnesses import read_witnesses
from tests.protocol.seal import scenes
from tests.protocol.seal.forms import CERTIFICATE, DOUBLE, ID, OTHER, REPROPOSED
from tests.protocol.seal.witness import COMMUNITY

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "seals.json").read_text())


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
