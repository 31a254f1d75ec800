"""Authors whose keys follow from their names, and what they write: where these tests begin."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from commonweal.protocol import codec, keys
from commonweal.protocol.identity import founding, identity
from commonweal.protocol.keys import DeviceKey, MemberId, PeerKey
from commonweal.protocol.records import record
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import (
    NO_ID,
    BodyRef,
    CommunityId,
    LogPosition,
    Record,
    RecordDraft,
    RecordId,
)

NOW_MS = 1_790_000_000_000
NONCE = b"\x4e" * 32


def seed(*words: object) -> bytes:
    """Return 32 bytes that follow from `words`."""
    return blake2b(repr(words).encode(), digest_size=32).digest()


class Author:
    """A person with one device, as a program holds them."""

    def __init__(self, name: str, device: int = 0) -> None:
        entropy = seed(name)
        device_seed = seed(name, device)
        self.member_signer = identity.member_signer(entropy)
        self.inception = identity.inception_from_entropy(entropy)
        self.id: MemberId = self.inception.member
        self.signer = keys.device_signer(device_seed)
        self.device = DeviceKey(self.signer.key)
        self.host = keys.peer_signer(device_seed)
        self.peer = PeerKey(self.host.key)


MEI, BO, EVE = Author("Mei"), Author("Bo"), Author("Eve")

FOUNDING = founding.found(
    MEI.member_signer, MEI.inception, MEI.signer, MEI.host, NONCE, "Lanxi", NOW_MS
)
FIRST = FOUNDING.record
COMMUNITY = CommunityId(FIRST.id)
OTHER_COMMUNITY = CommunityId(b"\x0c" * 32)


def write(
    author: Author,
    after: Record | None,
    *,
    clock: int | None = None,
    deps: tuple[RecordId, ...] = (),
    basis: RecordId | None = None,
    community: CommunityId = COMMUNITY,
    kind: str = "event",
    data: dict[str, codec.Value] | None = None,
    body: BodyRef | None = None,
    claimed_at: int = NOW_MS,
) -> Record:
    """Return the record that `author` signs after `after`; clock: one more than it, by default."""
    last_clock = after.clock if after else FIRST.clock
    place = LogPosition(
        community,
        after.seq + 1 if after else 0,
        after.id if after else NO_ID,
        last_clock + 1 if clock is None else clock,
        RecordId(COMMUNITY) if basis is None else basis,
    )
    return record.sign(author.signer, place, RecordDraft(kind, data or {}, claimed_at, deps, body))


def chain(author: Author, count: int, after: Record | None = None) -> list[Record]:
    """Return `count` records of one log."""
    run: list[Record] = []
    for number in range(count):
        run.append(write(author, run[-1] if run else after, data={"n": number}))
    return run


def spoiled(one: Record) -> Record:
    """Return the same header under a signature that does not fit, read unchecked."""
    flipped = bytes([one.wire[-1] ^ 1])
    return record.from_bytes_unchecked(one.wire[:-1] + flipped)


def tip(one: Record | None) -> Tip:
    """Return where a log ends whose last record is `one`."""
    return Tip(one.seq + 1, one.id, one.clock) if one else Tip()


def wires(run: list[Record]) -> list[bytes]:
    """Return the bytes of records, in order."""
    return [one.wire for one in run]


def header_fields(one: Record) -> list[Any]:
    """Return the twelve values of a record's header, to be changed and signed again."""
    fields = codec.decode(one.header)
    assert isinstance(fields, list)
    return fields


def signed(author: Author, fields: Any) -> bytes:
    """Return header and signature of any value, however wrong."""
    header = codec.encode(fields)
    return header + author.signer.sign(header)
