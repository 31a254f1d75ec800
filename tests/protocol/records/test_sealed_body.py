"""Sealed bodies: what is sealed, who opens it, and every way in which the bytes can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import SealedBox
from nacl.signing import SigningKey

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import CommonwealError, InvalidRecord, Malformed, NotForThisDevice
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.records import batch_decode, record, sealed_body
from commonweal.protocol.records.data_content import CONTENT_KEY_BYTES, PART_BYTES_MAX
from commonweal.protocol.records.record import ERASABLE_BYTES_MAX, BodyRef
from commonweal.protocol.records.sealed_body import BOX_BYTES, SEALED_DEVICES_MAX
from tests.protocol.authors import BO, EVE, MEI, header_fields, seed, signed
from tests.protocol.records.test_record import BODY, HASH, KIND, LAST

SECRET = b"the harvest of each plot"


def chances(*words: object) -> Callable[[int], bytes]:
    """Return what gives bytes that follow from `words` and from how often it was asked."""
    count = 0

    def chance(size: int) -> bytes:
        nonlocal count
        count += 1
        return blake2b(repr((words, count)).encode(), digest_size=size).digest()

    return chance


DATA, REF = sealed_body.seal(SECRET, [MEI.device, BO.device], chances("body"))


def fields() -> list[Any]:
    value = codec.decode(DATA)
    assert isinstance(value, list)
    return value


def test_the_devices_that_are_named_open_it_and_no_other() -> None:
    body = sealed_body.from_bytes(DATA)
    assert body.devices == tuple(sorted([MEI.device, BO.device]))
    assert sealed_body.opened(body, MEI.signer) == sealed_body.opened(body, BO.signer) == SECRET
    with pytest.raises(NotForThisDevice, match="it names 2 others"):
        sealed_body.opened(body, EVE.signer)
    assert SECRET not in DATA


def test_its_reference_is_of_the_third_class() -> None:
    assert BodyRef(keys.hash32(keys.BODY, DATA), len(DATA), permanent=False, sealed=True) == REF
    assert record.is_body(REF, DATA)
    assert not REF.is_text
    assert record.erasable_body(bytes(16), "", b"")[1].is_text
    assert not record.permanent_body(b"x").is_text


@pytest.mark.parametrize("kind", ["event", "data.release", "a kind of later"])
def test_a_record_of_any_kind_may_have_one_since_it_can_be_erased(kind: str) -> None:
    values = header_fields(LAST)
    values[KIND], values[BODY] = kind, [HASH, 1, 2]
    wire = signed(BO, values)
    read = record.from_bytes(wire)
    assert read.body == BodyRef(HASH, 1, permanent=False, sealed=True)
    assert header_fields(read)[BODY] == [HASH, 1, 2]


def test_a_reference_past_its_limit_is_refused() -> None:
    values = header_fields(LAST)
    for wrong in ([HASH, ERASABLE_BYTES_MAX + 1, 2], [HASH, 0, 2], [HASH, 1, 3], [HASH, 1, -1]):
        values[BODY] = wrong
        with pytest.raises(InvalidRecord, match="reference to the body"):
            record.from_bytes_unchecked(signed(BO, values))
        with pytest.raises(InvalidRecord, match="reference to the body"):
            batch_decode.read([signed(BO, values)] * 2)


def test_a_text_is_no_sealed_body_and_a_sealed_body_is_no_text() -> None:
    with pytest.raises(Malformed, match="not an erasable body"):
        record.read_erasable_body(DATA)
    with pytest.raises(Malformed, match="not a sealed body"):
        sealed_body.from_bytes(record.erasable_body(bytes(16), "text/plain", b"x")[0])


def test_a_box_is_one_that_libsodium_opens_by_itself() -> None:
    private = SigningKey(keys.derive(seed("Bo", 0), keys.RECORD_SEED)).to_curve25519_private_key()
    box = dict(sealed_body.from_bytes(DATA).boxes)[BO.device]
    assert SealedBox(private).decrypt(box) == BO.signer.unsealed(box)


def test_the_largest_part_for_the_most_devices_fits() -> None:
    devices = [DeviceKey(Signer(seed(n)).key) for n in range(SEALED_DEVICES_MAX)]
    part = bytes(CONTENT_KEY_BYTES + PART_BYTES_MAX)
    data, _ref = sealed_body.seal(part, devices, chances("large"))
    assert len(data) <= ERASABLE_BYTES_MAX
    assert sealed_body.from_bytes(data).devices == tuple(sorted(devices))
    with pytest.raises(InvalidRecord, match="17 devices"):
        sealed_body.seal(b"", [*devices, MEI.device], chances("large"))
    with pytest.raises(InvalidRecord, match="sealed to 0"):
        sealed_body.seal(b"", [], chances("large"))
    room = ERASABLE_BYTES_MAX - len(data)
    sealed_body.seal(part + bytes(room), devices, chances("large"))
    with pytest.raises(InvalidRecord, match="65537 bytes"):
        sealed_body.seal(part + bytes(room + 1), devices, chances("large"))


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_nothing_is_sealed_to_what_is_no_key(key: bytes) -> None:
    with pytest.raises(InvalidRecord, match="nothing seals to the key"):
        sealed_body.seal(b"x", [MEI.device, DeviceKey(key)], chances("odd"))


def test_one_device_twice_is_sealed_to_once() -> None:
    data, _ref = sealed_body.seal(SECRET, [BO.device, BO.device], chances("twice"))
    assert sealed_body.from_bytes(data).devices == (BO.device,)


PAIR: list[Any] = fields()[1][0]
OTHER: list[Any] = fields()[1][1]
WRONG: dict[str, Callable[[list[Any]], Any]] = {
    "nil": lambda _: None,
    "no list": lambda _: {"version": 1},
    "three fields": lambda good: good[:3],
    "five fields": lambda good: [*good, b""],
    "version 0": lambda good: [0, *good[1:]],
    "version true": lambda good: [True, *good[1:]],
    "a later version": lambda good: [2, *good[1:]],
    "no devices": lambda good: [1, [], *good[2:]],
    "17 devices": lambda good: [1, [PAIR] * 17, *good[2:]],
    "one device twice": lambda good: [1, [PAIR, PAIR], *good[2:]],
    "devices that descend": lambda good: [1, [OTHER, PAIR], *good[2:]],
    "a device of 31 bytes": lambda good: [1, [[PAIR[0][1:], PAIR[1]]], *good[2:]],
    "a box of 79 bytes": lambda good: [1, [[PAIR[0], PAIR[1][1:]]], *good[2:]],
    "a box that is a text": lambda good: [1, [[PAIR[0], "x" * BOX_BYTES]], *good[2:]],
    "a pair of three": lambda good: [1, [[*PAIR, b""]], *good[2:]],
    "a nonce of 23 bytes": lambda good: [*good[:2], good[2][1:], good[3]],
    "content without its MAC": lambda good: [*good[:3], bytes(15)],
    "content that is a text": lambda good: [*good[:3], "x" * 40],
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_no_sealed_body_is_refused(change: Callable[[list[Any]], Any]) -> None:
    with pytest.raises(Malformed, match="sealed body"):
        sealed_body.from_bytes(codec.encode(change(fields())))


def test_a_body_that_is_too_long_is_not_decoded() -> None:
    with pytest.raises(Malformed, match="64 KiB"):
        sealed_body.from_bytes(bytes(ERASABLE_BYTES_MAX + 1))


def test_every_changed_byte_is_noticed_by_who_opens_it() -> None:
    """The nonce, the boxes and the content are each authenticated; other bytes are their form."""
    data, _ref = sealed_body.seal(SECRET, [BO.device], chances("one"))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x20
        with pytest.raises(CommonwealError):
            sealed_body.opened(sealed_body.from_bytes(bytes(changed)), BO.signer)


def test_a_box_with_a_secret_of_another_length_is_refused() -> None:
    private = SigningKey(keys.derive(seed("Bo", 0), keys.RECORD_SEED)).to_curve25519_private_key()
    short = SealedBox(private.public_key).encrypt(b"s" * 31)
    body = sealed_body.SealedBody(((BO.device, short),), bytes(24), bytes(40))
    with pytest.raises(Malformed, match="holds no key"):
        sealed_body.opened(body, BO.signer)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_sealed_body_or_refused_by_name(data: bytes) -> None:
    with pytest.raises((Malformed, NotForThisDevice)):
        sealed_body.opened(sealed_body.from_bytes(data), BO.signer)


@given(st.binary(max_size=200), st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_spoiled_body_is_refused_by_name(content: bytes, place: int, noise: bytes) -> None:
    data, _ref = sealed_body.seal(content, [BO.device], chances("spoiled"))
    spoiled = data[:place] + noise + data[place + len(noise) :]
    try:
        assert sealed_body.opened(sealed_body.from_bytes(spoiled), BO.signer) == content
        assert spoiled == data
    except (Malformed, NotForThisDevice):
        assert spoiled != data
