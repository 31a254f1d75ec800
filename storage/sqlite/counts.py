"""Counts of digests that are too many for memory: a temporary database, gone when it is closed.

What lies on the disk are keyed hashes, and nobody keeps the key.
"""

from __future__ import annotations

import sqlite3
from hashlib import blake2b
from os import urandom

from commonweal.storage.sqlite.database import named

CACHE_KIB_MAX = 16 * 1024
KEY_BYTES, HASH_BYTES = 32, 16


class TemporaryCounts:
    """How often each of many byte strings was added. Close it."""

    def __init__(self) -> None:
        self._key = urandom(KEY_BYTES)
        try:
            self._database = sqlite3.connect("", isolation_level=None)
            self._do(f"PRAGMA cache_size = -{CACHE_KIB_MAX}")
            self._do("CREATE TABLE counted (hash BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID")
            self._do("BEGIN")
        except sqlite3.Error as error:
            raise named(error) from error

    def close(self) -> None:
        """Forget all of it."""
        self._database.close()

    def add(self, value: bytes) -> None:
        """Count `value` once more."""
        self._do(
            "INSERT INTO counted VALUES (?, 1) ON CONFLICT DO UPDATE SET number = number + 1",
            (self._hash(value),),
        )

    def has(self, value: bytes) -> bool:
        """Whether `value` is counted."""
        asked = "SELECT 1 FROM counted WHERE hash = ? AND number > 0"
        return self._do(asked, (self._hash(value),)).fetchone() is not None

    def take(self, value: bytes) -> bool:
        """Count `value` once less; say whether it was counted at all."""
        taken = self._do(
            "UPDATE counted SET number = number - 1 WHERE hash = ? AND number > 0",
            (self._hash(value),),
        )
        return taken.rowcount > 0

    def keep(self) -> None:
        """Let `restore` return to what is counted now."""
        self._do("COMMIT")
        self._do("BEGIN")

    def restore(self) -> None:
        """Count again what was counted at the last `keep`."""
        self._do("ROLLBACK")
        self._do("BEGIN")

    def _hash(self, value: bytes) -> bytes:
        return blake2b(value, digest_size=HASH_BYTES, key=self._key).digest()

    def _do(self, statement: str, values: tuple[bytes, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise named(error) from error
