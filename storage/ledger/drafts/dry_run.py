"""Dry run: records folded over all that is held, to see what they would come to.

It is the fold itself, so nothing is refused here that would count, and nothing passes that
would not, unless another device writes at the same moment. Never writes to the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from commonweal.protocol.errors import UnknownId
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.state.context import NO_DOCUMENTS, NOBODY, Context, Verdict
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import Record, RecordDraft, RecordId
from commonweal.storage.ledger.drafts.citations import Citations
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.checkpoint import SealIds
from commonweal.storage.ledger.state.state_db import NEWEST, LayeredState
from commonweal.storage.records.blobs import PermanentBlobs

ID_BYTES = 32
UNSIGNED = b"commonweal/unsigned/"
"""What stands in for an id begins so, which no hash does."""


class Trial(NamedTuple):
    """What a draft would come to.

    id: stands for that of the record, in what is drafted after it. deps: what the record cites.
    reason: None when it counts, else why it would not.
    """

    id: RecordId
    deps: tuple[RecordId, ...]
    reason: Verdict


class DryRun:
    """Records that a device would write next, folded one after another.

    state: of all that is held and of those that passed. Valid while `kept` does not change.
    """

    def __init__(self, kept: LedgerState, device: DeviceKey, member: MemberId) -> None:
        """Begin with all that is held. member: whose device it is."""
        self.kept, self.device = kept, device
        self.state = State(LayeredState(kept.layers, NEWEST, cached=True))
        self.rules = kept.rules
        self._citations = Citations(kept, device, member, self.rules)
        self._bodies: dict[bytes, bytes] = {}
        self._records: dict[RecordId, Record] = {}
        self._tip = kept.store.log(device).tip
        documents = PermanentBlobs(kept.store, self._bodies)
        seals = SealIds(kept.store, kept.community)
        base = (kept.community, kept.cut, self.rules, NOBODY, documents, seals)
        self._context = Context(*base, self._record)

    def fold(
        self,
        draft: RecordDraft,
        bodies: Mapping[bytes, bytes] = NO_DOCUMENTS,
        *,
        keeps: bool = True,
    ) -> Trial:
        """Fold one more record, and say what it would come to.

        draft: its `deps` are those that are cited anyway. bodies: its permanent body, by its
        hash. keeps: False forgets it again, as what would be void always is. Raises UnknownId
        where something that is cited is not held, NotYet where too much would have to be cited.
        """
        from commonweal.protocol.ledger.fold.fold import judge

        cited = tuple(id for id in draft.deps if id not in self._records)
        deps = self._citations.of(self.state, draft.kind, draft.data, cited)
        record = self._placed(draft, deps)
        self._bodies.update(bodies)
        mark = self.state.mark()
        reason = judge(self.state, record, self._context)
        if reason is not None or not keeps:
            self.state.rollback(mark)
            return Trial(record.id, deps, reason)
        self._records[record.id] = record
        self._tip = Tip(record.seq + 1, record.id, record.clock)
        return Trial(record.id, deps, None)

    def unmet_condition(self, draft: RecordDraft) -> str | None:
        """Return the name of the first condition of the rules that an event does not meet."""
        from commonweal.protocol.ledger.fold.fold import judge

        record = self._placed(draft, draft.deps)
        for condition in self.rules.admissions:
            rules = replace(self.rules, admissions=(condition,))
            mark = self.state.mark()
            reason = judge(self.state, record, self._context._replace(rules=rules))
            self.state.rollback(mark)
            if reason is not None:
                return condition.name
        return None

    def _placed(self, draft: RecordDraft, cited: tuple[RecordId, ...]) -> Record:
        """Return the record that this device would write next; it is not signed."""
        tip = self._tip
        own = (id for id in draft.deps if id in self._records)
        deps = tuple(sorted({*cited, *own} - {tip.head}))
        community = self.kept.community
        return Record(
            id=RecordId(UNSIGNED + len(self._records).to_bytes(ID_BYTES - len(UNSIGNED))),
            community=community,
            author=self.device,
            seq=tip.length,
            prev=tip.head,
            clock=1 + max([tip.clock, *map(self._clock, deps)]),
            basis=RecordId(community),
            deps=deps,
            claimed_at=draft.claimed_at,
            kind=draft.kind,
            data=draft.data,
            body=draft.body,
            wire=b"",
        )

    def _clock(self, id: RecordId) -> int:
        record = self._records.get(id)
        clock = self.kept.store.clock_of(id) if record is None else record.clock
        if clock is None:
            raise UnknownId(id.hex())
        return clock

    def _record(self, id: RecordId) -> Record | None:
        return self._records.get(id) or self.kept.store.record(id)
