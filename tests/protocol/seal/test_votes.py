"""Votes, certificates and proofs of double votes: what is accepted and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import (
    BadSignature,
    InvalidRecord,
    Malformed,
    NotCertified,
)
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal import votes
from commonweal.protocol.seal.votes import NIL, Certificate, SealId, Step
from tests.protocol.seal import scenes
from tests.protocol.seal.forms import CERTIFICATE, DOUBLE, ID, OTHER
from tests.protocol.seal.witness import COMMUNITY


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
