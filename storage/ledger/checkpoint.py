"""The last cut, as it is kept beside the state: its height and time, its seal, its logs."""

from __future__ import annotations

from collections.abc import Mapping

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.state.advance import BEFORE_ALL, CutHeader
from commonweal.protocol.records.record import CommunityId, Record, RecordId
from commonweal.protocol.seal.cut import SealedLog
from commonweal.protocol.seal.votes import SealId
from commonweal.storage.ledger.state_db import StateDb
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.seal_store import SealStore

BEGUN = "begun"
"""The mark of a ledger that has begun: with nothing, or with what it inherits."""


class Checkpoint:
    """The cut up to which all is final. seal: the id of its seal; the community's before any."""

    def __init__(self, layers: StateDb, community: CommunityId) -> None:
        self._layers, self._community = layers, community
        self.cut: CutHeader = BEFORE_ALL
        self.seal: bytes = b""
        self.logs: dict[DeviceKey, SealedLog] = {}
        self.read()

    def read(self) -> None:
        """Read it again, for another connection may have kept a later one."""
        found = self._layers.mark("cut")
        if found is None:
            self.cut, self.seal, self.logs = BEFORE_ALL, bytes(self._community), {}
            return
        *fields, seal = found
        # A re-founded community begins at a cut of its parent, under its own id as before any.
        if (CutHeader(*fields), seal) != (self.cut, self.seal):
            self.cut, self.seal = CutHeader(*fields), seal
            rows = self._layers.rows("SELECT author, length, head FROM sealed_log")
            self.logs = {DeviceKey(row[0]): SealedLog(*row) for row in rows}

    def write(self, cut: CutHeader, seal: bytes, grown: tuple[SealedLog, ...]) -> None:
        """Keep the next one. grown: the logs that are longer in it."""
        self._layers.change_many("INSERT OR REPLACE INTO sealed_log VALUES (?, ?, ?)", grown)
        marked = [cut.height, cut.time_ms, cut.clock, cut.prev, cut.root, seal]
        self._layers.put_mark("cut", marked)
        self.logs.update((log.author, log) for log in grown)
        self.cut, self.seal = cut, seal

    def covers(self, store: Store, record: Record) -> bool:
        """Whether it covers a record that the store holds."""
        return covers(store, self.logs, record)


def covers(store: Store, logs: Mapping[DeviceKey, SealedLog], record: Record) -> bool:
    """Whether a cut, of which these are the logs, covers a record that the store holds."""
    log = logs.get(record.author)
    if log is None or record.seq >= log.length:
        return False
    frozen = store.log(record.author).frozen
    if frozen is None or record.seq < frozen:
        return True
    at: RecordId = log.head
    while at != record.id:
        one = store.record(at)
        if one is None or one.seq <= record.seq:
            return False
        at = one.prev
    return True


class SealIds:
    """The heights of the seals in a store, by their ids."""

    def __init__(self, store: Store, community: CommunityId) -> None:
        self._seals, self._known = SealStore(store, community), dict[bytes, "int | None"]()

    def get(self, seal: bytes) -> int | None:
        """Return the height of a seal; None when it is not of this chain."""
        if seal not in self._known:
            self._known[seal] = self._seals.height_of(SealId(seal))
        return self._known[seal]
