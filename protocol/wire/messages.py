"""Messages of the sync protocol `/commonweal/sync/1`, each with its limits.

A message is one frame: a canonical MessagePack array whose first item names it. The
stream carries a frame behind its length (4 bytes, big-endian). docs/protocol.md tells
when each is sent; `decode` checks shape and limits, not truth.
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
from commonweal.protocol.wire.seals import (
    SealMessage,
)
from commonweal.protocol.wire.state_sync import StateMessage

FRAME_BYTES_MAX = 1024 * 1024


RUNS_BYTES_AIM = 448 * 1024
"""A frame of records is closed at about this size."""


RUN_BYTES_MAX = 2 * RUNS_BYTES_AIM + RECORD_BYTES_MAX
"""The records of one run, which ends in a well-signed one, fit in this."""


BODY_BYTES_MORE = 8
"""What a body takes in a frame beside its own bytes."""


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
    """The first message of either side; `box` opens only for who knows the community."""

    nonce: bytes
    box: bytes


@dataclass(frozen=True, slots=True)
class Bye:
    """The last message: why the sender closes. code: a word of docs/protocol.md."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a `Pong` with the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a `Ping`."""

    number: int


@dataclass(frozen=True, slots=True)
class Compare:
    """The digest of the sender's frontier; `base` the digest that both last had in common."""

    digest: bytes
    base: bytes


@dataclass(frozen=True, slots=True)
class Same:
    """The answer to `Compare` by one whose frontier has the same digest."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class Buckets:
    """The 256 bucket digests of the sender's frontier."""

    digests: bytes


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of the sender's frontier.

    buckets: the numbers, ascending, of the buckets given whole; empty for a delta (what
    changed since the common base). reply: the receiver's are wanted in return. Each
    message stands alone; many entries are spread over several, bucket by bucket.
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
    """Asks for ranges; replaces what was asked before for the same logs."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive records of one log. bodies: (index in wires, body) pairs that go with them."""

    author: DeviceKey
    start: int
    wires: tuple[bytes, ...]
    bodies: tuple[tuple[int, bytes], ...] = ()

    @property
    def size(self) -> int:
        """About how many bytes it takes in a frame."""
        bodies = sum(len(body) + BODY_BYTES_MORE for _, body in self.bodies)
        return size_of(self.wires) + bodies + 64


@dataclass(frozen=True, slots=True)
class Runs:
    """Records, causally closed with what the receiver asked for or has.

    remaining: how many more records the sender will send for what was asked.
    asked: True when they answer a `WantRecords`, False for live ones.
    """

    runs: tuple[Run, ...]
    remaining: int
    asked: bool


@dataclass(frozen=True, slots=True)
class Have:
    """The sender keeps these logs so far, committed. took: asked frames taken since the last."""

    lengths: tuple[tuple[DeviceKey, int], ...]
    took: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Proofs of forks and bad signatures, encoded."""

    proofs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WantEvidence:
    """Asks for the proofs against these devices; naming none, for those of double votes."""

    authors: tuple[DeviceKey, ...]


@dataclass(frozen=True, slots=True)
class WantBranch:
    """Asks for the chains of frozen logs that end in these records, which others cite."""

    ids: tuple[RecordId, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """Records of a frozen log from where it is frozen, chained, the last one signed well."""

    wires: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WantBodies:
    """Asks for bodies by hash."""

    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BodyChunk:
    """Bytes `offset` onwards of a body of `size` bytes; size 0: the sender has it not."""

    hash: bytes
    size: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Addresses:
    """Signed addresses of members' devices (see `peering`), encoded."""

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
)


def size_of(wires: Sequence[bytes]) -> int:
    """Return about how many bytes `wires` take in a frame."""
    return sum(map(len, wires)) + 3 * len(wires)
