"""Erasure: forgetting the texts that members ask to have forgotten.

What to erase follows from the records held. They are read at start, and again when a record came
that may ask for it or that decides who may ask. A text that another member names as well stays;
otherwise naming it would be enough to have it erased for that member. What is settled is looked at
again now and then, in the records that came since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from commonweal.node.service.core import Core
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.contributions import erasure
from commonweal.protocol.ledger.members import membership, registry
from commonweal.protocol.records.record import BodyRef, Record
from commonweal.storage.records.logs.blob_references import (
    authors_naming,
    authors_naming_later,
    erasures,
)
from commonweal.storage.records.logs.log_store import LogRow

ROUND_MS = 60_000
"""How often what is settled is looked at again, since a record that names a text may come late."""
LATER_MAX = 2_000
"""With more new records than this since the last look, one scan of all is faster."""
STAYING_MAX = 10_000
"""Texts of which it is remembered that another member names them."""

NOWHERE: Mapping[DeviceKey, int] = MappingProxyType({})


class Erasure:
    """Erases some texts at each tick."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.reload()

    def reload(self) -> None:
        """Look through all that is stored again."""
        self._after: int | None = None
        self._seen = -1
        self._looked_ms: int | None = None
        """When a round began that looked at settled texts too."""
        self._starts: Mapping[DeviceKey, int] | None = NOWHERE
        """From where on this round looks for settled texts, by log; None: in all records."""
        self._admitted: frozenset[DeviceKey] = frozenset()
        self._read: dict[DeviceKey, LogRow] = {}
        """The logs as they were when settled texts were last looked for."""
        self._staying: dict[bytes, None] = {}
        """Texts that another member names, so that they stay."""

    def step(self) -> None:
        """Look through some records, and erase what they ask for."""
        replica, now_ms = self.core.replica, self.core.now_ms
        if self._after is None:
            is_late = self._looked_ms is None or now_ms - self._looked_ms >= ROUND_MS
            if self._seen == replica.deciding and not is_late:
                return
            self._seen, self._after = replica.deciding, -1
            self._starts = NOWHERE
            if is_late:
                self._looked_ms = now_ms
                self._look_again()
        records, self._after = erasures(replica.store, self._after)
        self._erase(records, self._starts)

    def erase(self, records: Sequence[Record]) -> None:
        """Erase what these records ask for, unless another member names it too.

        records: at most HASHES_PER_SCAN_MAX. Permanent bodies stay.
        """
        self._erase(records, NOWHERE)

    # Inside

    def _look_again(self) -> None:
        """Let this round look for settled texts in what came since the last such round.

        Where other devices are members' than then, it looks in all records.
        """
        replica = self.core.replica
        rows = {row.author: row for row in replica.rows()}
        admitted = frozenset(filter(replica.was_admitted, rows))
        starts = {author: self._start(row) for author, row in rows.items()}
        later = sum(rows[author].length - start for author, start in starts.items())
        is_little = admitted == self._admitted and later <= LATER_MAX
        grown = {author: at for author, at in starts.items() if at < rows[author].length}
        self._starts = grown if is_little else None
        self._admitted, self._read = admitted, rows

    def _start(self, row: LogRow) -> int:
        known = self._read.get(row.author)
        if known is None or row.base < known.base:
            return row.base
        if row == known:
            return row.length
        is_same = self.core.replica.store.id_at(row.author, known.length - 1) == known.head
        return known.length if is_same else row.base

    def _erase(self, records: Sequence[Record], starts: Mapping[DeviceKey, int] | None) -> None:
        """Erase what these records ask for. starts: where settled texts are looked for."""
        replica = self.core.replica
        store, state = replica.store, replica.ledger.state
        asked: dict[bytes, MemberId] = {}
        sizes: dict[bytes, int] = {}
        for record in records:
            member = erasure.author_of(state, record)
            if record.kind != erasure.ERASE or member is None:
                continue
            text = erasure.text_named(state, record, member, store.record)
            if isinstance(text, BodyRef):
                asked[text.hash], sizes[text.hash] = member, text.size
        gone = {digest for digest in asked if store.is_erased(digest)}
        unsettled = [digest for digest in asked if (digest in gone) == (digest in self._staying)]
        settled = [digest for digest in asked if digest in gone and digest not in self._staying]
        pairs = authors_naming(store, unsettled) if unsettled else []
        if settled and starts is None:
            pairs += authors_naming(store, settled)
        elif settled and starts:
            pairs += authors_naming_later(store, settled, starts)
        for digest, author in pairs:
            other = registry.device_row(state, author)
            if other is None or not membership.was_admitted(state, author):
                continue  # strangers keep nothing here
            if digest in asked and other.member != asked[digest]:
                del asked[digest]
                self._stay(digest)
                if digest in gone:  # before the other's record was here
                    store.want_again(BodyRef(digest, sizes[digest], permanent=False))
        for digest in unsettled:
            if digest in asked:
                self._staying.pop(digest, None)
                if digest not in gone:
                    store.erase_body(digest)

    def _stay(self, digest: bytes) -> None:
        self._staying[digest] = None
        if len(self._staying) > STAYING_MAX:
            del self._staying[next(iter(self._staying))]
