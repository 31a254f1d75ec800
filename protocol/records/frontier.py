"""Frontiers: how far a node holds each log, and digests by which two nodes find differences.

An entry has a log's length and head. A frozen log has the length of its valid part and the number
where it is frozen, whichever branch or proof the node holds. Equal frontiers have equal digests.
The digest is a hash over 256 bucket digests, a bucket digest a hash over the entries of its logs:
one new record changes one bucket. (docs/protocol.md, "The frontier".) Messages are in `wire`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.keys import HASH_BYTES, DeviceKey

BUCKETS = 256
BUCKET_DIGEST_BYTES = 20
"""Authors choose what is hashed: a collision of 160 bits costs 2^80 attempts."""
HEAD_BYTES = HASH_BYTES


class FrontierEntry(NamedTuple):
    """One log in a frontier. head: the id of its last record. frozen: `seq` of a proof, or None."""

    author: DeviceKey
    length: int
    head: bytes
    frozen: int | None


class Frontier:
    """The entries of all logs that a node holds; digests are computed when they are read."""

    def __init__(self, entries: Iterable[FrontierEntry] = ()) -> None:
        self._entries: dict[DeviceKey, FrontierEntry] = {}
        self._buckets: list[dict[DeviceKey, None]] = [{} for _ in range(BUCKETS)]
        self._digests: list[bytes | None] = [None] * BUCKETS
        self._root: bytes | None = None
        self._changes: dict[DeviceKey, int] = {}
        self.changes = 0
        """Number of changes so far; a mark for `changed_since`."""
        for entry in entries:
            self.put(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[FrontierEntry]:
        """Yield every entry, by author."""
        return iter(self._entries[author] for author in sorted(self._entries))

    def __contains__(self, author: DeviceKey) -> bool:
        """Whether the log has an entry."""
        return author in self._entries

    def get(self, author: DeviceKey) -> FrontierEntry:
        """Return the entry of a log; an entry of length 0 when none of it is held."""
        return self._entries.get(author) or FrontierEntry(author, 0, b"", None)

    def put(self, new: FrontierEntry) -> None:
        """Set the entry of a log."""
        bucket = new.author[0]
        self._entries[new.author] = new
        self._buckets[bucket][new.author] = None
        self._digests[bucket] = None
        self._root = None
        self.changes += 1
        self._changes.pop(new.author, None)
        self._changes[new.author] = self.changes

    def remove(self, author: DeviceKey) -> None:
        """Remove the entry of a log. Raises KeyError when there is none."""
        bucket = author[0]
        del self._entries[author], self._buckets[bucket][author]
        self._digests[bucket] = None
        self._root = None
        self.changes += 1
        self._changes.pop(author, None)

    def digest(self) -> bytes:
        """Return the digest of the frontier, 32 bytes."""
        if self._root is None:
            self._root = keys.hash32(keys.FRONTIER, self.buckets())
        return self._root

    def buckets(self) -> bytes:
        """Return the 256 bucket digests, 20 bytes each, concatenated."""
        for number, known in enumerate(self._digests):
            if known is None:
                self._digests[number] = _bucket_digest(self.bucket(number))
        return b"".join(digest for digest in self._digests if digest is not None)

    def bucket(self, number: int) -> list[FrontierEntry]:
        """Return the entries of the logs whose device key starts with byte `number`, by author."""
        return [self._entries[author] for author in sorted(self._buckets[number])]

    def changed_since(self, mark: int) -> list[FrontierEntry]:
        """Return the entries that changed after `changes` was `mark`, latest first."""
        entries = []
        for author in reversed(self._changes):
            if self._changes[author] <= mark:
                break
            entries.append(self._entries[author])
        return entries


def differing_buckets(ours: bytes, theirs: bytes) -> list[int]:
    """Return the numbers of the buckets that differ in two results of `Frontier.buckets`."""
    size = BUCKET_DIGEST_BYTES
    return [
        number
        for number in range(BUCKETS)
        if ours[number * size : (number + 1) * size] != theirs[number * size : (number + 1) * size]
    ]


def _bucket_digest(entries: list[FrontierEntry]) -> bytes:
    if not entries:
        return bytes(BUCKET_DIGEST_BYTES)
    data = codec.encode([[*entry] for entry in entries])
    return keys.hash32(keys.BUCKET, data)[:BUCKET_DIGEST_BYTES]
