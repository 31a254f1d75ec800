"""What must be refused, by format: tests/vectors/refused.json.

`python -m tests.protocol.refusals` writes the file if it is not there.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

from nacl.secret import SecretBox

from commonweal.protocol import codec, keys
from commonweal.protocol.seal.votes import SealId, Step, sign_vote
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    EVE,
    FIRST,
    MEI,
    NOW_MS,
    OTHER_COMMUNITY,
    Author,
    header_fields,
    signed,
    spoiled,
    write,
)
from tests.protocol.golden import VECTORS

FILE = VECTORS / "refused.json"
SEAL = SealId(bytes(range(32)))
WITNESSES = (MEI, BO, EVE, Author("Ann"))
"""A quorum of four is three."""

ID = bytes(range(32))


def nested(depth: int) -> list[Any]:
    """Return lists in lists, so deep."""
    value: Any = 0
    for _ in range(depth):
        value = [value]
    assert isinstance(value, list)
    return value


def values() -> dict[str, str]:
    """Values that nothing but a state or a frame may hold, or nobody."""
    return {
        "lists nine deep": codec.encode(nested(9), 9).hex(),
        "a map in lists nine deep": codec.encode([[[[[[[[{"a": 1}]]]]]]]], 9).hex(),
        "a byte behind the value": "c0c0",
    }


def frames() -> dict[str, str]:
    """Frames that end a link."""
    ping: list[Any] = ["ping", 7]
    cases: dict[str, Any] = {
        "an unknown message": ["greetings", 1],
        "no name": [7],
        "no array": {"ping": 7},
        "an empty array": [],
        "a field too few": ping[:1],
        "a field too many": [*ping, 7],
        "lists seven deep": ["have", nested(6), 0],
        "a bool for a number": ["ping", True],
        "a negative number": ["ping", -1],
    }
    return {name: codec.encode(value, 9).hex() for name, value in cases.items()}


def records() -> dict[str, str]:
    """Records that are no records, or whose signature is bad."""
    good = write(BO, write(BO, None), deps=())
    cases: dict[str, Any] = {}

    def changed(name: str, place: int, value: Any) -> None:
        fields = header_fields(good)
        fields[place] = value
        cases[name] = signed(BO, fields)

    changed("another context", 0, "commonweal/2")
    changed("a community of 31 bytes", 1, bytes(31))
    changed("no community", 1, b"")
    changed("a negative number", 3, -1)
    changed("the first of a log with a prev", 3, 0)
    changed("no prev", 4, b"")
    changed("clock 0", 5, 0)
    changed("a clock that is true", 5, True)
    changed("no basis", 6, b"")
    changed("deps that descend", 7, [ID[::-1], ID])
    changed("a dep twice", 7, [ID, ID])
    changed("prev among the deps", 7, [good.prev])
    changed("17 deps", 7, [bytes([n]) * 32 for n in range(17)])
    changed("a time before 1970", 8, -1)
    changed("no kind", 9, "")
    changed("a kind of 33 characters", 9, "k" * 33)
    changed("data that is a list", 10, [])
    changed("a body of size 0", 11, [ID, 0, 0])
    changed("an erasable body of 65,537 bytes", 11, [ID, 65_537, 0])
    changed("a class of body that is not known", 11, [ID, 1, 3])
    fields = header_fields(good)
    cases["thirteen fields"] = signed(BO, [*fields, None])
    cases["eleven fields"] = signed(BO, fields[:-1])
    cases["a founding record that cites"] = signed(
        MEI, [*header_fields(FIRST)[:7], [ID], *header_fields(FIRST)[8:]]
    )
    cases["64 bytes"] = good.wire[-64:]
    cases["a bad signature"] = spoiled(good).wire
    return {name: wire.hex() for name, wire in cases.items()}


def links() -> dict[str, str]:
    """Texts that are no links."""
    contact: list[Any] = [bytes(MEI.peer), ["/ip4/192.0.2.7/tcp/4001"]]
    good: list[Any] = ["commonweal/1/link", bytes(COMMUNITY), [contact], None, 0, b""]

    def text(place: int, value: Any) -> str:
        fields = [*good[:place], value, *good[place + 1 :]]
        return "weal://" + urlsafe_b64encode(codec.encode(fields)).rstrip(b"=").decode()

    whole = text(4, 0)
    return {
        "another scheme": whole.replace("weal", "veal", 1),
        "cut off": whole[:-8],
        "another form": text(0, "commonweal/1/code"),
        "a community of 31 bytes": text(1, bytes(31)),
        "no peer": text(2, []),
        "nine peers": text(2, [[bytes([n]) * 32, []] for n in range(9)]),
        "a peer of 31 bytes": text(2, [[bytes(31), []]]),
        "17 addresses": text(2, [[bytes(MEI.peer), contact[1] * 17]]),
        "an address that is none": text(2, [[bytes(MEI.peer), ["192.0.2.7:4001"]]]),
        "an invite without seed": text(3, [ID, 3]),
        "an invite with clock 0": text(3, [ID, 0, ID]),
        "a negative height": text(4, -1),
        "a seal of 31 bytes": text(5, bytes(31)),
    }


def hellos() -> dict[str, str]:
    """Hellos from Bo that Mei does not open, or cannot read."""
    greeting: list[Any] = [[1], bytes(BO.device), [], None, 0, b"", b"", ID, NOW_MS]

    def closed(fields: Any, community: bytes = COMMUNITY, receiver: Author = MEI) -> str:
        key = keys.hash32(keys.HELLO, community, BO.peer, receiver.peer)
        nonce = bytes(range(24))
        box = SecretBox(key).encrypt(codec.encode(fields), nonce).ciphertext
        return codec.encode(["hello", nonce, box]).hex()

    def changed(place: int, value: Any) -> str:
        return closed([*greeting[:place], value, *greeting[place + 1 :]])

    return {
        "for another receiver": closed(greeting, receiver=EVE),
        "of another community": closed(greeting, OTHER_COMMUNITY),
        "eight fields": closed(greeting[:-1]),
        "ten fields": closed([*greeting, 0]),
        "nine versions": changed(0, [1] * 9),
        "25 credentials": changed(2, [b"c"] * 25),
        "7,169 bytes of credentials": changed(2, [bytes(7_169)]),
        "an invite without signature": changed(3, [ID]),
        "a seal of 31 bytes": changed(5, bytes(31)),
        "a digest of 31 bytes": changed(7, bytes(31)),
    }


def certificates() -> dict[str, str]:
    """Certificates of height 6 that a set of four does not stand behind."""
    votes = [
        sign_vote(one.signer, COMMUNITY, 6, 1, Step.PRECOMMIT, SEAL)
        for one in sorted(WITNESSES, key=lambda author: author.device)
    ]
    pairs: list[Any] = [[bytes(vote.device), vote.signature] for vote in votes]
    stranger = sign_vote(Author("Dai").signer, COMMUNITY, 6, 1, Step.PRECOMMIT, SEAL)
    prevote = sign_vote(WITNESSES[0].signer, COMMUNITY, 6, 1, Step.PREVOTE, SEAL)
    mixed = [[bytes(prevote.device), prevote.signature]]
    mixed += [pair for pair in pairs if pair[0] != mixed[0][0]][:2]
    strange = sorted([*pairs[:2], [bytes(stranger.device), stranger.signature]])
    cases: dict[str, Any] = {
        "a signature too few": [6, 1, SEAL, pairs[:2]],
        "a signature too many": [6, 1, SEAL, pairs],
        "signatures that descend": [6, 1, SEAL, pairs[2::-1]],
        "one signature three times": [6, 1, SEAL, [pairs[0]] * 3],
        "signed by who has no seat": [6, 1, SEAL, strange],
        "signed in another round": [6, 2, SEAL, pairs[:3]],
        "signed for another seal": [6, 1, SEAL[::-1], pairs[:3]],
        "a prevote among the precommits": [6, 1, SEAL, sorted(mixed)],
        "height 0": [0, 1, SEAL, pairs[:3]],
    }
    return {name: codec.encode(value).hex() for name, value in cases.items()}


def vectors() -> dict[str, Any]:
    """Return what the file holds."""
    return {
        "about": "what must be refused. values: no value of section 1. frames: end the link."
        " records, links: are none. hellos: from `sender` to `receiver`, as frames."
        " certificates: of height 6, for `seal`, by exactly three of `witnesses`",
        "community": COMMUNITY.hex(),
        "sender": BO.peer.hex(),
        "receiver": MEI.peer.hex(),
        "seal": SEAL.hex(),
        "witnesses": sorted(one.device.hex() for one in WITNESSES),
        "values": values(),
        "frames": frames(),
        "records": records(),
        "links": links(),
        "hellos": hellos(),
        "certificates": certificates(),
    }


if __name__ == "__main__" and not FILE.exists():
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n", "utf-8")
