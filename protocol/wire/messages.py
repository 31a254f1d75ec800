"""Messages of the sync protocol `/commonweal/sync/1`, and the limits of each.

docs/protocol.md, "Messages", says when each is sent. Their bytes are in `frame_codec`; messages
about seals and state sync are in `seals` and `state_sync`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.frontier import (
    FrontierEntry,
)
from commonweal.protocol.records.record import RECORD_BYTES_MAX, RecordId
from commonweal.protocol.wire.lookup import LookupMessage
from commonweal.protocol.wire.seals import (
    SealMessage,
)
from commonweal.protocol.wire.state_sync import StateMessage

FRAME_BYTES_MAX = 1024 * 1024
"""The largest frame of an admitted peer; smaller for others (`node/transport.py`)."""
RUNS_BYTES_AIM = 448 * 1024
"""A frame of records is completed at about this size."""


RUN_BYTES_MAX = 2 * RUNS_BYTES_AIM + RECORD_BYTES_MAX
"""Size of the records of one run, which ends with a validly signed one."""


BODY_BYTES_MORE = 8
"""Bytes of a body in a frame in addition to its content."""


RUNS_MAX = 4096


ENTRIES_MAX = 4096


RANGES_MAX = 4096


EVIDENCE_MAX = 24


IDS_MAX = 256


ADDRESSES_MAX = 64


ADDRESS_BYTES_MAX = 5 * 1024


PART_BYTES_MAX = 256 * 1024


TEXT_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of either side; see `wire.hello`."""

    nonce: bytes
    box: bytes


@dataclass(frozen=True, slots=True)
class Bye:
    """The last message: why the sender closes. code: a word listed in docs/protocol.md."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Requests a `Pong` with the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a `Ping`."""

    number: int


@dataclass(frozen=True, slots=True)
class Compare:
    """The digest of the sender's frontier. base: the digest that both sides last had in common."""

    digest: bytes
    base: bytes


@dataclass(frozen=True, slots=True)
class Same:
    """The answer to `Compare` when the frontiers have the same digest."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class Buckets:
    """The 256 bucket digests of the sender's frontier."""

    digests: bytes


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of the sender's frontier.

    buckets: ascending numbers of the buckets that are complete; empty for a delta since the
    common base. reply: whether the receiver's entries are requested in return. Each message is
    complete in itself; many entries take several messages, bucket by bucket.
    """

    buckets: bytes
    entries: tuple[FrontierEntry, ...]
    reply: bool


@dataclass(frozen=True, slots=True)
class Range:
    """Records `start` to `stop` - 1 of a log."""

    author: DeviceKey
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class WantRecords:
    """Requests ranges of records; replaces earlier requests for the same logs."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive records of one log. bodies: pairs (index in wires, body)."""

    author: DeviceKey
    start: int
    wires: tuple[bytes, ...]
    bodies: tuple[tuple[int, bytes], ...] = ()

    @property
    def size(self) -> int:
        """Approximate size in a frame, in bytes."""
        bodies = sum(len(body) + BODY_BYTES_MORE for _, body in self.bodies)
        return size_of(self.wires) + bodies + 64


@dataclass(frozen=True, slots=True)
class Runs:
    """Records, causally closed together with what the receiver requested or has.

    remaining: number of further records that the sender will send for the request. asked: True
    for answers to `WantRecords`, False for live records.
    """

    runs: tuple[Run, ...]
    remaining: int
    asked: bool


@dataclass(frozen=True, slots=True)
class Have:
    """The lengths that the sender committed. took: requested frames processed since the last."""

    lengths: tuple[tuple[DeviceKey, int], ...]
    took: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Proofs of forks, bad signatures and double votes, encoded."""

    proofs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WantEvidence:
    """Requests the proofs against these devices; without devices, those of double votes."""

    authors: tuple[DeviceKey, ...]


@dataclass(frozen=True, slots=True)
class WantBranch:
    """Requests the chains of frozen logs that end in these records, which other records cite."""

    ids: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """Chained records of a frozen log from where it is frozen; the last signature is valid."""

    wires: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WantBodies:
    """Requests bodies by hash."""

    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BodyChunk:
    """Bytes of a body of `size` bytes, from `offset` on; size 0: the sender does not have it."""

    hash: bytes
    size: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Addresses:
    """Signed addresses of members' devices (see `identity.signed_address`), encoded."""

    signed: tuple[bytes, ...]


Message: TypeAlias = (
    Hello
    | Bye
    | Ping
    | Pong
    | Compare
    | Same
    | Buckets
    | Entries
    | WantRecords
    | Runs
    | Have
    | Evidence
    | WantEvidence
    | WantBranch
    | Branch
    | WantBodies
    | BodyChunk
    | Addresses
    | SealMessage
    | StateMessage
    | LookupMessage
)


def size_of(wires: Sequence[bytes]) -> int:
    """Return the approximate size of `wires` in a frame, in bytes."""
    return sum(map(len, wires)) + 3 * len(wires)
