"""Erasure: forgetting the texts that members ask to have forgotten.

What to erase follows from the records held. They are read at start, and again when a record came
that may ask for it or that decides who may ask. A text that another member names as well stays;
otherwise naming it would be enough to have it erased for that member.
"""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.node.service.core import Core
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.contributions import erasure
from commonweal.protocol.ledger.members import membership, registry
from commonweal.protocol.records.record import BodyRef, Record
from commonweal.storage.records.logs.blob_references import authors_naming, erasures

ROUND_MS = 60_000
"""How often the records are read again, since one that names a text may come late."""


class Erasure:
    """Erases some texts at each tick."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.reload()

    def reload(self) -> None:
        """Look through all that is stored again."""
        self._after: int | None = None
        self._seen = -1
        self._begun_ms = 0

    def step(self) -> None:
        """Look through some records, and erase what they ask for."""
        replica = self.core.replica
        if self._after is None:
            now_ms = self.core.now_ms
            if self._seen == replica.deciding and now_ms - self._begun_ms < ROUND_MS:
                return
            self._begun_ms = now_ms
            self._seen, self._after = replica.deciding, -1
        records, self._after = erasures(replica.store, self._after)
        self.erase(records)

    def erase(self, records: Sequence[Record]) -> None:
        """Erase what these records ask for, unless another member names it too.

        records: at most HASHES_PER_SCAN_MAX. Permanent bodies stay.
        """
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
        if not asked:
            return
        for digest, author in authors_naming(store, asked):
            other = registry.device_row(state, author)
            if other is None or not membership.was_admitted(state, author):
                continue  # strangers keep nothing here
            if digest in asked and other.member != asked[digest]:
                del asked[digest]
                if store.is_erased(digest):  # before the other's record was here
                    store.want_again(BodyRef(digest, sizes[digest], permanent=False))
        for digest in asked:
            if not store.is_erased(digest):
                store.erase_body(digest)
