"""Blobs: the bodies that records name by hash, held, erased, or wanted from peers.

Checks that bytes are what a reference names. Never decides who may erase, and never fetches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from commonweal.protocol.errors import InvalidRecord
from commonweal.protocol.records.record import BodyRef, is_body
from commonweal.storage.sqlite.database import Database
from commonweal.storage.sqlite.placeholders import in_list

NO_BLOBS: Mapping[bytes, bytes] = MappingProxyType({})

REMOVED = "texts.removed"
"""Setting that counts how often an erasable body went, or may come back; decimal digits."""


class BlobStore(Database):
    """The tables `body` and `wanted`."""

    def body(self, digest: bytes) -> bytes | None:
        """Return the bytes with this hash; None when they are not held, or erased."""
        row = self.row("SELECT content FROM body WHERE hash = ?", (digest,))
        return row[0] if row else None

    def bodies_named(self, digests: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """Return (hash, bytes) of those that are held. digests: at most some hundred."""
        places, values = in_list(digests)
        return self.rows(
            f"SELECT hash, content FROM body WHERE hash IN ({places}) AND content NOTNULL",  # noqa: S608
            values,
        )

    def has_body(self, digest: bytes) -> bool:
        """Whether `body` would return bytes, without reading them."""
        return bool(self.row("SELECT 1 FROM body WHERE hash = ? AND content NOTNULL", (digest,)))

    def holds(self, ref: BodyRef) -> bool:
        """Whether the body that `ref` names is held; another size is another body."""
        row = self.row("SELECT length(content) FROM body WHERE hash = ?", (ref.hash,))
        return row is not None and row[0] == ref.size

    def put_body(self, ref: BodyRef, data: bytes) -> None:
        """Store a body. An erased one stays erased.

        Raises InvalidRecord when `data` is not what `ref` names.
        """
        if not is_body(ref, data):
            raise InvalidRecord(f"{len(data)} bytes are not the body {ref.hash.hex()}")
        self.change(
            "INSERT INTO body VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET permanent = 1,"
            " content = excluded.content WHERE excluded.permanent AND NOT permanent",
            (ref.hash, int(ref.permanent), data),
        )
        self.change("DELETE FROM wanted WHERE hash = ?", (ref.hash,))

    def erase_body(self, digest: bytes) -> bool:
        """Overwrite an erasable body and never accept it again; False for a permanent one.

        A body that is not held is marked as erased, so that it is not fetched later.
        """
        self.change(
            "INSERT INTO body VALUES (?, 0, NULL) ON CONFLICT DO UPDATE SET content = NULL"
            " WHERE NOT permanent",
            (digest,),
        )
        self.change("DELETE FROM wanted WHERE hash = ?", (digest,))
        self._count_removed()
        self._erased = True
        return not self.has_body(digest)

    def is_erased(self, digest: bytes) -> bool:
        """Whether a body was erased here, so that it is never accepted again."""
        return bool(self.row("SELECT 1 FROM body WHERE hash = ? AND content IS NULL", (digest,)))

    def want_again(self, ref: BodyRef) -> None:
        """Accept an erased body again: the request to erase came from someone without the right."""
        self.change("DELETE FROM body WHERE hash = ? AND content IS NULL", (ref.hash,))
        self.change("INSERT OR IGNORE INTO wanted VALUES (?, ?)", (ref.hash, ref.size))
        self._count_removed()

    def bodies(self, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return (hash, bytes) of up to `limit` held bodies with a hash above `after`, by hash."""
        return [
            (digest, content)
            for digest, content in self.rows(
                "SELECT hash, content FROM body WHERE hash > ? AND content NOTNULL"
                " ORDER BY hash LIMIT ?",
                (after, limit),
            )
        ]

    def lose_body(self, digest: bytes) -> None:
        """Remove a body that the disk corrupted; an erasable one is wanted from peers again."""
        self.change(
            "INSERT OR IGNORE INTO wanted SELECT hash, length(content) FROM body"
            " WHERE hash = ? AND NOT permanent",
            (digest,),
        )
        self.change("DELETE FROM body WHERE hash = ?", (digest,))
        self._count_removed()

    def removed_bodies(self) -> int:
        """Return a count that changes when a body was erased, lost, or is wanted again."""
        row = self.row("SELECT CAST(value AS TEXT) FROM setting WHERE name = ?", (REMOVED,))
        return int(row[0]) if row else 0

    def wanted_bodies(self, limit: int, after: bytes = b"") -> list[bytes]:
        """Return up to `limit` hashes above `after` of erasable bodies that are missing."""
        rows = self.rows("SELECT hash FROM wanted WHERE hash > ? LIMIT ?", (after, limit))
        return [digest for (digest,) in rows]

    def wanted_body(self, digest: bytes) -> BodyRef | None:
        """Return the reference of a missing erasable body; None when it is not wanted."""
        row = self.row("SELECT size FROM wanted WHERE hash = ?", (digest,))
        return BodyRef(digest, row[0], permanent=False) if row else None

    def _count_removed(self) -> None:
        self.change(
            "INSERT INTO setting VALUES (?, CAST(1 AS BLOB)) ON CONFLICT DO UPDATE"
            " SET value = CAST(CAST(value AS TEXT) + 1 AS BLOB)",
            (REMOVED,),
        )


class PermanentBlobs(Mapping[bytes, bytes]):
    """The permanent bodies of a store by hash, each read when it is asked for.

    pending: bodies by hash that are not stored yet, and are found as well.
    """

    def __init__(self, store: BlobStore, pending: Mapping[bytes, bytes] = NO_BLOBS) -> None:
        self._store, self._pending = store, pending

    def __getitem__(self, digest: bytes) -> bytes:
        data = self._pending.get(digest) or self._store.body(digest)
        if data is None:
            raise KeyError(digest)
        return data

    def __iter__(self) -> Iterator[bytes]:
        rows = self._store.rows("SELECT hash FROM body WHERE permanent AND content NOTNULL")
        return iter(dict.fromkeys([*self._pending, *(digest for (digest,) in rows)]))

    def __len__(self) -> int:
        return len(list(iter(self)))
