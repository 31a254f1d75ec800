"""The checkpoint: the last cut that the ledger has folded, which decides what is final.

The one owner of "final" in storage: `Checkpoint.covers` for a record, `SealIds` for a seal. It
never folds; the finalizer writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, cast

import msgpack

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.state.advance import BEFORE_ALL, CutHeader
from commonweal.protocol.records.record import CommunityId, Record
from commonweal.protocol.seal.cut import SealedLog
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import LogRow, Store
from commonweal.storage.records.seal_store import SealStore

if TYPE_CHECKING:
    from commonweal.protocol.seal.votes import SealId

BEGUN = "begun"
"""Mark of a ledger that has begun: empty, or with the state that it inherits."""

MARK_BYTES = 32
"""Bytes of the hash of what was read."""


class Checkpoint:
    """The cut up to which all is final.

    seal: id of its seal; the community's id before the first. logs: length and head of each
    sealed log, by author. lengths: the lengths alone.
    """

    def __init__(self, layers: StateDb, community: CommunityId) -> None:
        self._layers, self._community = layers, community
        self.cut: CutHeader = BEFORE_ALL
        self.seal: bytes = b""
        self.logs: dict[DeviceKey, SealedLog] = {}
        self.lengths: dict[bytes, int] = {}
        self.read()

    def read(self) -> None:
        """Read it again, since another connection may have written a later one."""
        stored = self._layers.mark("cut")
        if stored is None:
            self.cut, self.seal = BEFORE_ALL, bytes(self._community)
            self.logs, self.lengths = {}, {}
            return
        *fields, seal = stored
        # A re-founded community begins at a cut of its parent, and at its own id as the seal.
        if (CutHeader(*fields), seal) != (self.cut, self.seal):
            self.cut, self.seal = CutHeader(*fields), seal
            rows = self._layers.rows("SELECT author, length, head FROM sealed_log")
            self.logs = {DeviceKey(row[0]): SealedLog(*row) for row in rows}
            self.lengths = {author: log.length for author, log in self.logs.items()}

    def write(self, cut: CutHeader, seal: bytes, grown: tuple[SealedLog, ...]) -> None:
        """Store the next cut. grown: the logs that are longer in it."""
        self._layers.change_many("INSERT OR REPLACE INTO sealed_log VALUES (?, ?, ?)", grown)
        marked = [cut.height, cut.time_ms, cut.clock, cut.prev, cut.root, seal]
        self._layers.put_mark("cut", marked)
        self.logs.update((log.author, log) for log in grown)
        self.lengths.update((log.author, log.length) for log in grown)
        self.cut, self.seal = cut, seal

    def reaches(self, rows: Sequence[LogRow]) -> bool:
        """Whether it covers all that a light home dropped.

        Where it does not, as after the state was lost, a state has to come from peers.
        """
        based = [row for row in rows if row.base]
        return all(row.base <= self.lengths.get(row.author, 0) for row in based)

    def covers(self, store: Store, record: Record) -> bool:
        """Whether a held record is final."""
        return covers(store, self.logs, record)


def covers(store: Store, logs: Mapping[DeviceKey, SealedLog], record: Record) -> bool:
    """Whether a cut with these logs covers a held record."""
    log = logs.get(record.author)
    if log is None or record.seq >= log.length:
        return False
    frozen = store.log(record.author).frozen
    if frozen is None or record.seq < frozen:
        return True
    return store.is_on_branch(record, log.head, log.length)


class SealIds:
    """Heights of the stored seals by id, cached."""

    def __init__(self, store: Store, community: CommunityId) -> None:
        self._seals, self._known = SealStore(store, community), dict[bytes, "int | None"]()

    def get(self, seal: bytes) -> int | None:
        """Return the height of a seal; None when it is not of this chain."""
        if seal not in self._known:
            self._known[seal] = self._seals.height_of(cast("SealId", seal))
        return self._known[seal]


def read_mark(store: Store, rows: Sequence[LogRow], community: CommunityId) -> bytes:
    """Return a mark that changes with every record, seal, proof and text that came or went."""
    others = store.row(
        "SELECT (SELECT count(*) FROM wanted), (SELECT max(height) FROM seal),"
        " (SELECT count(*) FROM double_vote)"
    )
    heads = b"".join([row.head for row in rows])  # each names its log and its length
    frozen = [(row.author, row.frozen) for row in rows if row.frozen is not None]
    read = (bytes(community), heads, frozen, others, store.removed_bodies())
    return blake2b(msgpack.packb(read, use_bin_type=True), digest_size=MARK_BYTES).digest()
