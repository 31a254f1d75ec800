"""A second reader of the protocol, written from docs/protocol.md and nothing of ours.

It shares no line with the code that it checks: only hashlib, base64 and libsodium.
"""

from __future__ import annotations

import hmac
import struct
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from hashlib import blake2b
from itertools import pairwise
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import SealedBox
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.signing import SigningKey, VerifyKey


class Refused(Exception):
    """The bytes do not follow the document."""


def need(holds: bool, what: str) -> None:
    """Refuse unless something holds."""
    if not holds:
        raise Refused(what)


# Values.


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        need(count <= len(self.data) - self.at, "the bytes end early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(count), "big", signed=signed)


def value(data: bytes) -> Any:
    """Return the one value that `data` encodes."""
    source = _Bytes(data)
    found = _value(source, 8)
    need(source.at == len(data), "bytes follow the value")
    return found


def _value(source: _Bytes, room: int) -> Any:
    first = source.number(1)
    if first < 0x80:
        return first
    if first >= 0xE0:
        return first - 256
    if first in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[first]
    if 0xCC <= first <= 0xD3:
        return _integer(source, first)
    if 0xA0 <= first < 0xC0 or 0xD9 <= first <= 0xDB:
        return _text(source, first)
    if 0xC4 <= first <= 0xC6:
        return source.take(_size(source, first - 0xC4, (0, 2**8, 2**16)))
    need(room > 0, "nested deeper than 8")
    if 0x90 <= first < 0xA0:
        return [_value(source, room - 1) for _ in range(first & 15)]
    if first in (0xDC, 0xDD):
        count = _size(source, first - 0xDB, (0, 16, 2**16))
        return [_value(source, room - 1) for _ in range(count)]
    if 0x80 <= first < 0x90:
        return _map(source, first & 15, room)
    if first in (0xDE, 0xDF):
        return _map(source, _size(source, first - 0xDD, (0, 16, 2**16)), room)
    raise Refused(f"the byte {first:#x} begins no value")


def _size(source: _Bytes, form: int, least: tuple[int, int, int]) -> int:
    size = source.number(2**form)
    need(size >= least[form], "a shorter form exists")
    return size


def _integer(source: _Bytes, first: int) -> int:
    if first <= 0xCF:
        number = source.number(2 ** (first - 0xCC))
        least = (2**7, 2**8, 2**16, 2**32)[first - 0xCC]
        need(least <= number < 2**63, "not the shortest form, or beyond 64 bits")
        return number
    number = source.number(2 ** (first - 0xD0), signed=True)
    most = (-33, -(2**7) - 1, -(2**15) - 1, -(2**31) - 1)[first - 0xD0]
    need(number <= most, "not the shortest form")
    return number


def _text(source: _Bytes, first: int) -> str:
    size = first & 31 if first < 0xC0 else _size(source, first - 0xD9, (32, 2**8, 2**16))
    try:
        return source.take(size).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8") from error


def _map(source: _Bytes, count: int, room: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    last: bytes | None = None
    for _ in range(count):
        key = _value(source, 0)
        need(type(key) is str, "a key is a string")
        need(last is None or last < key.encode(), "keys are sorted and unique")
        last = key.encode()
        found[key] = _value(source, room - 1)
    return found


def written(one: Any) -> bytes:
    """Return the encoding of a small value, as far as what is signed or hashed needs it."""
    match one:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if one else b"\xc2"
        case int() if 0 <= one < 128:
            return bytes([one])
        case int() if one >= 0:
            for form, kind in ((0xCC, ">B"), (0xCD, ">H"), (0xCE, ">I"), (0xCF, ">Q")):
                if one < 2 ** (8 * struct.calcsize(kind)):
                    return bytes([form]) + struct.pack(kind, one)
        case str() if len(one.encode()) < 256:
            size = len(one.encode())
            return (bytes([0xA0 | size]) if size < 32 else bytes([0xD9, size])) + one.encode()
        case bytes() if len(one) < 256:
            return bytes([0xC4, len(one)]) + one
        case list() if len(one) < 65_536:
            size = len(one)
            head = bytes([0x90 | size]) if size < 16 else b"\xdc" + struct.pack(">H", size)
            return head + b"".join(map(written, one))
    raise Refused("nothing that is signed or hashed here")


def digest(purpose: str, *parts: bytes) -> bytes:
    """Return the BLAKE2b-256 of the joined parts under a purpose."""
    return blake2b(b"".join(parts), digest_size=32, person=purpose.encode()).digest()


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of `key` signed the message."""
    try:
        VerifyKey(key).verify(message, signature)
    except (CryptoError, ValueError, TypeError):
        return False
    return True


# Records and logs.

HEADER = (
    *("context", "community", "author", "seq", "prev", "clock"),
    *("basis", "deps", "claimed_at", "kind", "data", "body"),
)


def record(wire: bytes) -> dict[str, Any]:
    """Return the fields of a record, with `id` and whether it is `signed`."""
    need(64 < len(wire) <= 16_448, "a record has 65 to 16,448 bytes")
    header, signature = wire[:-64], wire[-64:]
    fields = value(header)
    need(type(fields) is list and len(fields) == 12, "a header has twelve fields")
    one = dict(zip(HEADER, fields, strict=True))
    founds = one["kind"] == "community.found"
    need(one["context"] == "commonweal/1", "another context")
    for name, size in (
        ("community", 0 if founds else 32),
        ("author", 32),
        ("prev", 32 if one["seq"] else 0),
        ("basis", 0 if founds else 32),
    ):
        need(type(one[name]) is bytes and len(one[name]) == size, f"{name} is not {size} bytes")
    for name, least in (("seq", 0), ("clock", 1), ("claimed_at", 0)):
        need(type(one[name]) is int and one[name] >= least, f"{name} is no number")
    need(type(one["kind"]) is str and 1 <= len(one["kind"]) <= 32, "kind")
    need(type(one["data"]) is dict, "data")
    need(type(one["deps"]) is list and len(one["deps"]) <= 16, "deps")
    need(all(type(id) is bytes and len(id) == 32 for id in one["deps"]), "deps are ids")
    need(all(low < high for low, high in pairwise(one["deps"])), "deps are sorted and unique")
    need(one["prev"] not in one["deps"], "prev is no dependency")
    need(not founds or (one["seq"] == 0 and one["deps"] == []), "a founding record is the first")
    if one["body"] is not None:
        named, size, kind = one["body"]
        need(type(named) is bytes and len(named) == 32 and type(kind) is int, "body")
        need(0 < size <= {0: 65_536, 1: 1_048_576, 2: 65_536}[kind], "the size of a body")
    one["id"] = digest("cw1/record", wire)
    one["signed"] = is_signed(one["author"], header, signature)
    one["in"] = one["id"] if founds else one["community"]
    return one


def sealed(body: bytes, device_seed: bytes) -> bytes:
    """Return what a sealed body holds for the device with this seed."""
    need(len(body) <= 65_536, "a sealed body has at most 65,536 bytes")
    version, boxes, nonce, content = value(body)
    need(type(version) is int and version == 1, "the version of a sealed body")
    need(1 <= len(boxes) <= 16, "a sealed body is for 1 to 16 devices")
    need(all(len(one) == 32 and len(box) == 80 for one, box in boxes), "a device and its box")
    need(all(low[0] < high[0] for low, high in pairwise(boxes)), "devices ascend, each once")
    need(len(nonce) == 24 and len(content) >= 16, "nonce and content")
    key = SigningKey(derived(device_seed, b"record"))
    box = dict(boxes).get(key.verify_key.encode())
    if box is None:
        raise Refused("it is sealed to others")
    try:
        secret = SealedBox(key.to_curve25519_private_key()).decrypt(box)
        return SecretBox(secret).decrypt(content, nonce)
    except (CryptoError, ValueError, TypeError) as error:
        raise Refused("it does not open") from error


def derived(of: bytes, purpose: bytes) -> bytes:
    """Return the seed for a purpose that follows from a device's seed."""
    extracted = hmac.digest(b"commonweal/1", of, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")


def run(community: bytes, author: bytes, wires: list[bytes], held: Mapping[bytes, int]) -> None:
    """Take a run from the start of a log, or refuse it."""
    clocks = dict(held)
    last: dict[str, Any] = {"seq": -1, "id": b"", "clock": 0, "signed": True}
    for wire in wires:
        one = record(wire)
        need(one["in"] == community and one["author"] == author, "another log")
        need(one["seq"] == last["seq"] + 1 and one["prev"] == last["id"], "does not follow")
        cited = [id for id in (*one["deps"], one["basis"]) if id]
        need(all(id in clocks for id in cited), "cites what is not here")
        largest = max([last["clock"], *(clocks[id] for id in cited)])
        need(one["clock"] == largest + 1, "another clock")
        clocks[one["id"]] = one["clock"]
        last = one
    need(last["signed"], "the last signature is bad")


def proof(data: bytes, community: bytes) -> dict[str, Any]:
    """Return the device that a proof convicts, and from which number."""
    match value(data):
        case ["commonweal/1/proof", bytes(first), bytes(second)]:
            one, two = record(first), record(second)
        case _:
            raise Refused("not a proof")
    need(one["in"] == community == two["in"], "of another community")
    need(one["author"] == two["author"], "names two devices")
    need(two["signed"], "the second is not signed")
    if one["seq"] == two["seq"]:
        need(one["signed"] and one["id"] != two["id"], "no rival")
        need(one["prev"] == two["prev"], "parted earlier")
    else:
        need(two["seq"] == one["seq"] + 1 and two["prev"] == one["id"], "not linked")
        need(not one["signed"], "nothing is wrong")
    id = digest("cw1/evidence", data)
    return {"author": one["author"], "seq": one["seq"], "prev": one["prev"], "id": id}


def enrolment(one: Mapping[str, Any], inception: bytes) -> bytes:
    """Return the member whose keys, with its peer key, signed the device of a record; or refuse."""
    match value(inception):
        case ["commonweal/1/inception", list(keys), int(threshold), bytes(nonce)]:
            need(1 <= threshold <= len(keys) <= 16 and len(nonce) == 32, "an inception")
            need(all(low < high for low, high in pairwise(keys)), "keys ascend")
        case _:
            raise Refused("not an inception")
    member = digest("cw1/inception", inception)
    where = one["data"]["nonce"] if one["kind"] == "community.found" else one["community"]
    peer = one["data"]["peer"]
    proven = written(["commonweal/1/peer", where, member, one["author"], peer])
    need(is_signed(peer, proven, one["data"]["proof"]), "the peer key did not sign")
    signed = written(["commonweal/1/enrol", where, member, one["author"], peer])
    pairs = one["data"]["signatures"]
    need(len(pairs) >= threshold, "too few signatures")
    need(all(key in keys and is_signed(key, signed, by) for key, by in pairs), "signatures")
    return member


# Frontiers.


def buckets(entries: list[list[Any]]) -> list[bytes]:
    """Return the 256 bucket digests of a frontier."""
    found = []
    for number in range(256):
        inside = sorted((one for one in entries if one[0][0] == number), key=lambda one: one[0])
        found.append(digest("cw1/bucket", written(inside))[:20] if inside else bytes(20))
    return found


# Hello and links.


def hello(frame: bytes, community: bytes, sender: bytes, receiver: bytes) -> list[Any]:
    """Return the nine fields of a greeting."""
    match value(frame):
        case ["hello", bytes(nonce), bytes(box)]:
            key = digest("cw1/hello", community, sender, receiver)
            try:
                fields = value(SecretBox(key).decrypt(box, nonce))
            except CryptoError as error:
                raise Refused("the box does not open") from error
        case _:
            raise Refused("not a hello")
    need(type(fields) is list and len(fields) == 9, "a greeting has nine fields")
    return list(fields)


def link(text: str) -> list[Any]:
    """Return the six fields of a link, and a seventh where there is one."""
    text = "".join(text.split())
    need(text.startswith("weal://") and len(text) <= 4096, "not a link")
    coded = text.removeprefix("weal://")
    fields = value(urlsafe_b64decode(coded + "=" * (-len(coded) % 4)))
    need(type(fields) is list and len(fields) in (6, 7), "a link")
    need(fields[0] == "commonweal/1/link", "a link")
    return list(fields)


# Join codes.

CODE_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def join_code(text: str) -> tuple[bytes, int, bytes]:
    """Return secret, port and IP address of a join code."""
    plain = "".join(text.split()).replace("-", "").upper()
    plain = plain.replace("O", "0").replace("I", "1").replace("L", "1")
    need(len(plain) in (28, 47) and set(plain) <= set(CODE_CHARACTERS), "a code")
    number = 0
    for character in plain[:-2]:
        number = number * 32 + CODE_CHARACTERS.index(character)
    check = CODE_CHARACTERS.index(plain[-2]) * 32 + CODE_CHARACTERS.index(plain[-1])
    size = 16 if len(plain) == 28 else 28
    spare = 5 * len(plain[:-2]) - 8 * size
    need(number % 1021 == check and number % (1 << spare) == 0, "mistyped")
    payload = (number >> spare).to_bytes(size)
    return payload[:10], int.from_bytes(payload[10:12]), payload[12:]


def code_question(secret: bytes, asker: bytes, host: bytes) -> bytes:
    """Return what a newcomer sends to ask for the link of a code."""
    return digest("cw1/code-ask", code_keys(secret)[0], asker, host)


def code_link(secret: bytes, asker: bytes, host: bytes, answer: bytes) -> str:
    """Return the link in the answer."""
    key = digest("cw1/code-box", code_keys(secret)[1], asker, host)
    return SecretBox(key).decrypt(answer).decode()


def code_keys(secret: bytes) -> tuple[bytes, bytes]:
    """Return the keys to ask and to answer."""
    key = argon2id.kdf(64, secret, b"commonweal/1code", opslimit=2, memlimit=64 << 20)
    return key[:32], key[32:]
