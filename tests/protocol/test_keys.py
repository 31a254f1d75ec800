"""Keys: what is signed is checked strictly, and nothing made for one use serves another."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol import keys
from commonweal.protocol.errors import BadSignature
from commonweal.protocol.keys import HashPurpose, SeedPurpose, SignedContext, Signer

VECTORS = Path(__file__).parents[1] / "vectors"
SEED = bytes(range(32))


def _cases(name: str) -> list[Any]:
    cases: list[Any] = json.loads((VECTORS / name).read_text())["cases"]
    return [pytest.param(case, id=case["name"]) for case in cases]


def _golden(section: str) -> Any:
    return json.loads((VECTORS / "keys.json").read_text())[section]


@pytest.mark.parametrize("case", _cases("ed25519_rfc8032.json"))
def test_signing_follows_rfc_8032(case: dict[str, str]) -> None:
    signer = Signer(bytes.fromhex(case["seed"]))
    message, signature = bytes.fromhex(case["message"]), bytes.fromhex(case["signature"])
    assert signer.key.hex() == case["key"]
    assert signer.sign(message) == signature
    keys.verify(signer.key, message, signature)


@pytest.mark.parametrize("case", _cases("ed25519_adversarial.json"))
def test_a_signature_is_judged_as_strictly_as_libsodium_does(case: dict[str, Any]) -> None:
    key, message = bytes.fromhex(case["key"]), bytes.fromhex(case["message"])
    signature = bytes.fromhex(case["signature"])
    assert keys.is_signed(key, message, signature) is case["accepted"]
    if not case["accepted"]:
        with pytest.raises(BadSignature, match="by key"):
            keys.verify(key, message, signature)


def test_every_flipped_bit_of_a_signature_or_key_is_noticed() -> None:
    signer = Signer(SEED)
    signature = signer.sign(b"message")
    for bit in range(8 * len(signature)):
        assert not keys.is_signed(signer.key, b"message", _flipped(signature, bit))
    for bit in range(8 * len(signer.key)):
        assert not keys.is_signed(_flipped(signer.key, bit), b"message", signature)


def test_a_signature_for_one_context_does_not_serve_another() -> None:
    signer = Signer(SEED)
    for context in keys.SIGNED_CONTEXTS:
        signature = keys.sign_array(signer, context, b"field", 1)
        for other in keys.SIGNED_CONTEXTS:
            accepted = keys.is_signed(signer.key, keys.signed_array(other, b"field", 1), signature)
            assert accepted is (other == context)


def test_a_signature_holds_for_its_fields_alone() -> None:
    signer = Signer(SEED)
    signature = keys.sign_array(signer, keys.VOTE_CONTEXT, b"ab", b"c")
    keys.check_array(signer.key, signature, keys.VOTE_CONTEXT, b"ab", b"c")
    for fields in [(b"a", b"bc"), (b"ab",), (b"ab", b"c", None), (b"ab", "c")]:
        with pytest.raises(BadSignature):
            keys.check_array(signer.key, signature, keys.VOTE_CONTEXT, *fields)


def test_only_registered_uses_are_signed_hashed_or_derived() -> None:
    with pytest.raises(AssertionError, match="not registered"):
        keys.sign_array(Signer(SEED), SignedContext("commonweal/1/unheard"), 1)
    with pytest.raises(AssertionError, match="not a registered"):
        keys.hash32(HashPurpose(b"unheard"), b"")
    with pytest.raises(AssertionError, match="not a registered"):
        keys.derive(SEED, SeedPurpose(b"unheard"))


@pytest.mark.parametrize("seed", [b"", SEED[:31], SEED + b"\0"])
def test_a_seed_has_exactly_32_bytes(seed: bytes) -> None:
    with pytest.raises(AssertionError, match="32 bytes"):
        Signer(seed)
    with pytest.raises(AssertionError, match="32 bytes"):
        keys.derive(seed, keys.PEER_SEED)


def test_hashes_and_seeds_of_different_purposes_differ() -> None:
    hashes = {keys.hash32(purpose, b"same") for purpose in keys.HASH_PURPOSES}
    seeds = {keys.derive(SEED, purpose) for purpose in keys.SEED_PURPOSES}
    assert len(hashes) == len(keys.HASH_PURPOSES)
    assert len(seeds) == len(keys.SEED_PURPOSES)
    assert SEED not in seeds


def test_every_constant_of_a_purpose_is_registered() -> None:
    named = {value for name, value in vars(keys).items() if name[0].isupper() and name.isupper()}
    assert {value for value in named if type(value) is bytes} == (
        keys.HASH_PURPOSES | keys.SEED_PURPOSES
    )
    assert {value for value in named if type(value) is str} == keys.SIGNED_CONTEXTS


def test_the_keys_of_a_device_are_separate() -> None:
    device, peer = keys.device_signer(SEED), Signer(keys.peer_seed(SEED))
    assert len({device.key, peer.key, Signer(SEED).key}) == 3


def test_a_signer_shows_only_its_public_half() -> None:
    signer = Signer(SEED)
    assert repr(signer) == str(signer) == f"Signer({signer.key[:4].hex()})"
    assert SEED.hex()[:8] not in repr(signer)
    assert not hasattr(signer, "__dict__")
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            copied(signer)


def test_short_names_are_eight_hex_digits() -> None:
    assert keys.short(bytes.fromhex("00aBcdEf99")) == "00abcdef"


def test_hashes_keep_their_golden_bytes() -> None:
    golden = _golden("hash32")
    assert {case["purpose"].encode() for case in golden} <= keys.HASH_PURPOSES
    for case in golden:
        parts = [bytes.fromhex(part) for part in case["parts"]]
        assert keys.hash32(HashPurpose(case["purpose"].encode()), *parts).hex() == case["hash"]


def test_hashes_of_many_are_those_of_each() -> None:
    many = [bytes(size) for size in (0, 1, 127, 128, 129, 330, 2_047, 2_048, 100_000)]
    for purpose in (keys.RECORD, keys.BODY):
        assert keys.hash_each(purpose, many) == [keys.hash32(purpose, one) for one in many]
        parts = [keys.hash32(purpose, one[:100], one[100:]) for one in many]
        assert keys.hash_each(purpose, many) == parts
    assert keys.hash_each(keys.RECORD, many) != keys.hash_each(keys.BODY, many)
    assert keys.hash_each(keys.RECORD, []) == []


def test_derived_seeds_keep_their_golden_bytes() -> None:
    for case in _golden("derive"):
        seed, purpose = bytes.fromhex(case["seed"]), SeedPurpose(case["purpose"].encode())
        assert keys.derive(seed, purpose).hex() == case["derived"]
    device = _golden("device")
    seed = bytes.fromhex(device["seed"])
    assert keys.device_signer(seed).key.hex() == device["device"]
    assert Signer(keys.peer_seed(seed)).key.hex() == device["peer"]


def test_signed_arrays_keep_their_golden_bytes() -> None:
    assert set(_golden("contexts")) <= keys.SIGNED_CONTEXTS
    golden = _golden("signed_array")
    context, fields = SignedContext(golden["context"]), [bytes.fromhex(f) for f in golden["fields"]]
    assert keys.signed_array(context, *fields).hex() == golden["bytes"]
    signer = Signer(bytes.fromhex(golden["seed"]))
    assert keys.sign_array(signer, context, *fields).hex() == golden["signature"]


def _flipped(data: bytes, bit: int) -> bytes:
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)
