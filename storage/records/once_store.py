"""Requests that were made under a key, and the records that they became.

A key stands here from the same commit on as the records, so a request that is repeated after any
crash is found, or was never written. Knows nothing of who makes keys.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.errors import KeyTaken, TooManyKeys
from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.records.record import RecordId
from commonweal.storage.sqlite.database import Database

KEYS_MAX = 100_000
"""Keys that are kept at once; a further one is refused, so that none is forgotten too early."""
KEPT_MS = 48 * 3_600_000
"""How long a key is kept at least, by the clock of this machine."""


class KeyedRequest(NamedTuple):
    """A request under a key, and what it wrote.

    key, request: hashes, 32 bytes each. seq: of the first record in the log of this device.
    """

    key: bytes
    request: bytes
    seq: int
    ids: tuple[RecordId, ...]


class OnceStore(Database):
    """The table `once`."""

    def keyed_request(self, key: bytes, request: bytes) -> KeyedRequest | None:
        """Return what was written under `key`; None before. Raises KeyTaken by another request."""
        row = self.row("SELECT request, seq, ids FROM once WHERE key = ?", (key,))
        if row is None:
            return None
        asked, seq, ids = row
        if asked != request:
            raise KeyTaken
        starts = range(0, len(ids), HASH_BYTES)
        listed = tuple(RecordId(ids[start : start + HASH_BYTES]) for start in starts)
        return KeyedRequest(key, request, seq, listed)

    def make_room_for_key(self, now_ms: int) -> None:
        """Forget keys that are older than KEPT_MS. Raises TooManyKeys while KEYS_MAX are left."""
        self.change("DELETE FROM once WHERE at_ms < ?", (now_ms - KEPT_MS,))
        row = self.row("SELECT count(*) FROM once")
        assert row is not None
        if row[0] >= KEYS_MAX:
            raise TooManyKeys

    def put_keyed_request(self, made: KeyedRequest, now_ms: int) -> None:
        """Remember what was written under a key, with the records that are written now."""
        row = (made.key, made.request, now_ms, made.seq, b"".join(made.ids))
        self.change("INSERT INTO once VALUES (?, ?, ?, ?, ?)", row)
