"""Identity: the words alone restore a member, and only their keys enrol a device."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import (
    BadSignature,
    Malformed,
)
from commonweal.protocol.identity import identity
from commonweal.protocol.identity.identity import Enrolment, Inception
from commonweal.protocol.identity.phrase import entropy_from_phrase, phrase_from_entropy
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey, PeerKey, Signer

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors/keys.json").read_text())
ENTROPY = bytes(range(32))
ENGLISH = phrase_from_entropy(ENTROPY)
SIGNERS = sorted((Signer(bytes([n]) * 32) for n in range(1, 4)), key=lambda signer: signer.key)
KEYS = tuple(MemberKey(signer.key) for signer in SIGNERS)
MEMBER = Inception(KEYS, 2, b"n" * 32)
HOST = Signer(b"\x08" * 32)
ENROLMENT = Enrolment(b"c" * 32, MEMBER.member, DeviceKey(b"d" * 32), PeerKey(HOST.key))
PROOF = identity.sign_as_peer(ENROLMENT, HOST)


def test_an_inception_is_read_as_it_was_written() -> None:
    assert Inception.from_bytes(MEMBER.to_bytes()) == MEMBER
    largest = Inception(tuple(MemberKey(bytes([n]) * 32) for n in range(16)), 16, bytes(32))
    assert Inception.from_bytes(largest.to_bytes()) == largest


@pytest.mark.parametrize("case", GOLDEN["inception"], ids=lambda case: case["member"][:8])
def test_inceptions_keep_their_golden_bytes(case: dict[str, Any]) -> None:
    inception = Inception.from_bytes(bytes.fromhex(case["bytes"]))
    assert [key.hex() for key in inception.keys] == case["keys"]
    assert (inception.threshold, inception.nonce.hex()) == (case["threshold"], case["nonce"])
    assert inception.to_bytes().hex() == case["bytes"]
    assert inception.member.hex() == case["member"]


_FORM = "commonweal/1/inception"
_ONE: list[codec.Value] = [KEYS[0]]
_TWO: list[codec.Value] = [KEYS[0], KEYS[1]]
_NONCE = bytes(32)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([_FORM, [], 1, _NONCE], id="no keys"),
        pytest.param([_FORM, [bytes([n]) * 32 for n in range(17)], 1, _NONCE], id="17 keys"),
        pytest.param([_FORM, [KEYS[1], KEYS[0]], 1, _NONCE], id="keys not sorted"),
        pytest.param([_FORM, [KEYS[0], KEYS[0]], 1, _NONCE], id="a key twice"),
        pytest.param([_FORM, [KEYS[0][:31]], 1, _NONCE], id="short key"),
        pytest.param([_FORM, [KEYS[0] + b"\0"], 1, _NONCE], id="long key"),
        pytest.param([_FORM, ["k" * 32], 1, _NONCE], id="key is text"),
        pytest.param([_FORM, [*_ONE, None], 1, _NONCE], id="key is nil"),
        pytest.param([_FORM, _TWO, 0, _NONCE], id="threshold 0"),
        pytest.param([_FORM, _TWO, -1, _NONCE], id="threshold negative"),
        pytest.param([_FORM, _TWO, 3, _NONCE], id="threshold above the keys"),
        pytest.param([_FORM, _ONE, True, _NONCE], id="threshold true"),
        pytest.param([_FORM, _ONE, "1", _NONCE], id="threshold text"),
        pytest.param([_FORM, _ONE, 1, _NONCE[:31]], id="short nonce"),
        pytest.param([_FORM, _ONE, 1, "n" * 32], id="nonce is text"),
        pytest.param([_FORM, _ONE, 1], id="no nonce"),
        pytest.param([_FORM, _ONE, 1, _NONCE, None], id="a field more"),
        pytest.param(["commonweal/1", _ONE, 1, _NONCE], id="another form"),
        pytest.param([_FORM.encode(), _ONE, 1, _NONCE], id="form is bytes"),
        pytest.param({"keys": _ONE}, id="a map"),
        pytest.param(None, id="nil"),
    ],
)
def test_a_document_that_is_no_inception_is_refused(value: codec.Value) -> None:
    with pytest.raises(Malformed):
        Inception.from_bytes(codec.encode(value))


def test_an_inception_has_one_encoding() -> None:
    data = MEMBER.to_bytes()
    for bad in (data[:-1], data + b"\0", b"", data.replace(b"\x02\xc4\x20", b"\xcc\x02\xc4\x20")):
        assert bad != data
        with pytest.raises(Malformed):
            Inception.from_bytes(bad)
    with pytest.raises(Malformed, match="at most 1024"):
        Inception.from_bytes(bytes(1025))


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_any_bytes_are_an_inception_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert Inception.from_bytes(data).to_bytes() == data


def test_words_alone_restore_the_member() -> None:
    entropy = entropy_from_phrase(ENGLISH)
    assert identity.inception_from_entropy(entropy) == identity.inception_from_entropy(ENTROPY)
    golden = GOLDEN["member"]
    entropy = bytes.fromhex(golden["entropy"])
    assert identity.member_signer(entropy).key.hex() == golden["key"]
    assert identity.inception_from_entropy(entropy).member.hex() == golden["member"]


def test_the_member_key_is_not_the_key_of_the_words() -> None:
    inception = identity.inception_from_entropy(ENTROPY)
    assert inception.keys == (identity.member_signer(ENTROPY).key,)
    assert inception.keys != (Signer(ENTROPY).key,)
    assert ENTROPY not in inception.to_bytes()


def _signed(*signers: Signer) -> list[tuple[MemberKey, bytes]]:
    return [(MemberKey(s.key), identity.sign_enrolment(ENROLMENT, s)) for s in signers]


def test_enough_member_keys_enrol_a_device() -> None:
    identity.check_enrolment(ENROLMENT, KEYS, 2, _signed(*SIGNERS[:2]), PROOF)
    identity.check_enrolment(ENROLMENT, KEYS, 2, _signed(SIGNERS[0], SIGNERS[2]), PROOF)
    identity.check_enrolment(ENROLMENT, KEYS, 2, _signed(*SIGNERS), PROOF)
    identity.check_enrolment(ENROLMENT, KEYS[:1], 1, _signed(SIGNERS[0]), PROOF)


def test_enrolments_keep_their_golden_bytes() -> None:
    golden = {name: bytes.fromhex(value) for name, value in GOLDEN["enrolment"].items()}
    enrolment = Enrolment(
        golden["community"],
        MemberId(golden["member"]),
        DeviceKey(golden["device"]),
        PeerKey(golden["peer"]),
    )
    signer = identity.member_signer(bytes.fromhex(GOLDEN["member"]["entropy"]))
    assert identity.sign_enrolment(enrolment, signer) == golden["signature"]
    host = keys.peer_signer(bytes.fromhex(GOLDEN["device"]["seed"]))
    assert identity.sign_as_peer(enrolment, host) == golden["proof"]


_FIRST, _SECOND, _THIRD = SIGNERS
_STRANGER = Signer(b"\x09" * 32)
_SPOILED = (MemberKey(_SECOND.key), _signed(_FIRST)[0][1])


@pytest.mark.parametrize(
    "signatures",
    [
        pytest.param([], id="none"),
        pytest.param(_signed(_FIRST), id="too few"),
        pytest.param(_signed(_FIRST, _FIRST), id="one key twice"),
        pytest.param(_signed(_SECOND, _FIRST), id="not in order"),
        pytest.param(sorted(_signed(_FIRST, _STRANGER)), id="a stranger"),
        pytest.param(sorted(_signed(_FIRST, _SECOND, _STRANGER)), id="enough and a stranger"),
        pytest.param([*_signed(_FIRST), _SPOILED], id="another's signature"),
        pytest.param(
            [*_signed(_FIRST), _SPOILED, *_signed(_THIRD)], id="enough and a bad signature"
        ),
    ],
)
def test_an_enrolment_without_the_member_is_refused(
    signatures: list[tuple[MemberKey, bytes]],
) -> None:
    with pytest.raises(BadSignature):
        identity.check_enrolment(ENROLMENT, KEYS, 2, signatures, PROOF)


def test_an_enrolment_serves_one_community_member_device_and_peer() -> None:
    other = b"x" * 32
    for changed in (
        Enrolment(other, MEMBER.member, ENROLMENT.device, ENROLMENT.peer),
        Enrolment(b"", MEMBER.member, ENROLMENT.device, ENROLMENT.peer),
        Enrolment(ENROLMENT.community, MemberId(other), ENROLMENT.device, ENROLMENT.peer),
        Enrolment(ENROLMENT.community, MEMBER.member, DeviceKey(other), ENROLMENT.peer),
        Enrolment(ENROLMENT.community, MEMBER.member, ENROLMENT.device, PeerKey(other)),
    ):
        signatures = [
            (MemberKey(one.key), identity.sign_enrolment(changed, one)) for one in SIGNERS
        ]
        with pytest.raises(BadSignature, match="by key"):
            identity.check_enrolment(changed, KEYS, 2, _signed(_FIRST, _SECOND), PROOF)
        with pytest.raises(BadSignature, match="peer key"):
            identity.check_enrolment(changed, KEYS, 2, signatures, PROOF)
        assert not identity.is_signed_by_peer(changed, PROOF)


@pytest.mark.parametrize(
    "proof",
    [
        pytest.param(b"", id="none"),
        pytest.param(PROOF[:-1], id="too short"),
        pytest.param(bytes(64), id="nothing signed"),
        pytest.param(identity.sign_enrolment(ENROLMENT, HOST), id="signed as a member"),
        pytest.param(
            keys.sign_array(_STRANGER, keys.PEER_CONTEXT, *ENROLMENT.fields()), id="by another"
        ),
    ],
)
def test_a_device_is_not_enrolled_with_a_peer_key_that_did_not_sign(proof: bytes) -> None:
    with pytest.raises(BadSignature, match="peer key"):
        identity.check_enrolment(ENROLMENT, KEYS, 2, _signed(_FIRST, _SECOND), proof)
    identity.check_enrolment(ENROLMENT, KEYS, 2, _signed(_FIRST, _SECOND), PROOF)


@pytest.mark.parametrize(
    ("community", "member", "device", "peer"),
    [
        (b"c" * 31, b"m" * 32, b"d" * 32, b"p" * 32),
        (b"c" * 32, b"m" * 31, b"d" * 32, b"p" * 32),
        (b"c" * 32, b"m" * 32, b"d" * 33, b"p" * 32),
        (b"c" * 32, b"m" * 32, b"d" * 32, b""),
        (b"c" * 32, b"m" * 32, b"d" * 32, b"d" * 32),
        (b"c" * 32, "m" * 32, b"d" * 32, b"p" * 32),
    ],
)
def test_an_enrolment_of_wrong_shape_is_malformed(
    community: bytes, member: MemberId, device: DeviceKey, peer: PeerKey
) -> None:
    with pytest.raises(Malformed):
        Enrolment(community, member, device, peer)


def test_enrolment_fields_stand_in_the_order_of_the_protocol() -> None:
    value = codec.decode(keys.signed_array(keys.ENROL_CONTEXT, *ENROLMENT.fields()))
    community, device, peer = ENROLMENT.community, ENROLMENT.device, ENROLMENT.peer
    assert value == ["commonweal/1/enrol", community, MEMBER.member, device, peer]
