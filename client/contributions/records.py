"""Single records: shown in full, traced back and on, and their texts erased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.language.quantity import shown_unit
from commonweal.client.ledger.names.directory import PREFIX_DIGITS_MIN, begins, whole_id
from commonweal.client.ledger.rows.contribution_rows import (
    RecordBody,
    RecordDetails,
    TracedThing,
    TraceTree,
    contribution_state,
    event_words,
    resource_state,
    spec_name,
)
from commonweal.client.ledger.words.record_facts import RecordFact, record_facts
from commonweal.client.ledger.words.texts import body_of
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.contributions import consent
from commonweal.protocol.ledger.contributions.erasure import ERASE
from commonweal.protocol.ledger.contributions.trace import (
    Direction,
    FlowNode,
    TraceStep,
    neighbours,
    trace,
)
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.event_row import EVENT, event_row
from commonweal.protocol.ledger.things.resources import RESOURCE, resource_row
from commonweal.protocol.records import log
from commonweal.protocol.records.record import Record, RecordId
from commonweal.storage.ledger.contributions.event_times import EVENT_KIND, event_time
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import RecordPlace, SealStore

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


TRACE_STEPS_MAX = 2_000
"""A trace has at most so many steps each way."""


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """An erasure that was asked for. erased: False where another record names the same text."""

    id: RecordId
    seq: int
    record: RecordId
    erased: bool


class Records(HomeAccess):
    """Records by their ids."""

    def show(self, id: str | bytes) -> RecordDetails:
        """Return one record in full. Raises UnknownId, AmbiguousId.

        Also LightHome and NobodyGives, where a light home does not keep it.
        """
        self.look_up(id)
        view = self.view
        record = self._record(prefix(id))
        device = next(
            (row for row in membership.devices(view.state) if row.key == record.author), None
        )
        reason = view.kept.verdict(record)
        correction = consent.correction_row(view.state, record.id)
        asked = (
            () if correction is None or correction.held else tuple(map(MemberId, correction.asked))
        )
        sealed = view.kept.is_final(record)
        place = RecordPlace(record.author, record.seq, record.clock)
        seals = SealStore(view.store, view.community)

        return RecordDetails(
            id=record.id,
            community=view.community,
            author=record.author,
            member=None if device is None else device.member,
            member_name=None if device is None else view.name(device.member),
            seq=record.seq,
            prev=record.prev,
            clock=record.clock,
            basis=record.basis,
            deps=tuple(record.deps),
            when=event_time(record).when if record.kind == EVENT_KIND else None,
            claimed_at_ms=record.claimed_at,
            kind=record.kind,
            data=dict(record.data),
            body=record_body(view.store, record),
            signature=_signature_state(view.store, record),
            sealed=sealed,
            sealed_at=seals.heights_covering([place]).get(place) if sealed else None,
            counts=reason is None,
            reason=reason,
            waits_for=asked,
            holders=self.holders(record.id),
        )

    def holders(self, record: RecordId) -> tuple[bytes, ...] | None:
        """Return the devices of connected members that hold a record; None without a node."""
        if self.home.holder() is None:
            return None
        from commonweal.node.control.messages.held_records import Holders

        answer = self.node_answer(Holders(bytes(record)))
        return None if answer is None else tuple(filter(None, answer.holders))

    def facts(self, id: str | bytes) -> tuple[RecordFact, ...]:
        """Return what a record says, field by field. Raises UnknownId, AmbiguousId."""
        self.look_up(id)
        return tuple(record_facts(self.view, self._record(prefix(id)).data))

    def trace(
        self,
        id: str | bytes,
        *,
        up: bool = True,
        down: bool = True,
        steps_max: int = TRACE_STEPS_MAX,
    ) -> TraceTree:
        """Return what went into a thing, a process or a contribution, and what came of it.

        up, down: which ways are gone, so many steps at most. Raises UnknownId.
        """
        view = self.view
        start = _start(view, prefix(id))
        return TraceTree(
            id=start[1],
            sort=start[0].value,
            words=_step_words(view, *start),
            upstream=tuple(_walk(view, start, Direction.UPSTREAM, steps_max)) if up else (),
            downstream=tuple(_walk(view, start, Direction.DOWNSTREAM, steps_max)) if down else (),
        )

    def erasable(self, id: str | bytes) -> RecordId:
        """Return the record whose text `erase` would erase. Raises WouldNotCount, UnknownId."""
        record = self.view.held(prefix(id))
        self.view.check(wish_of(ERASE, {"record": bytes(record.id)}, (record.id,)))
        return record.id

    def erase(self, id: str | bytes) -> ErasureRequest:
        """Ask all members to erase the text or file of a record of this member.

        It cannot be taken back; the record itself stays, and counts as before.
        """
        record = self.view.held(prefix(id))
        written = self._write_one(ERASE, {"record": bytes(record.id)}, (record.id,))
        assert record.body is not None, "else it would not count"
        with self.home.store(readonly=True) as store:
            erased = store.is_erased(record.body.hash)
        return ErasureRequest(written.id, written.seq, record.id, erased)

    def _record(self, text: str) -> Record:
        digits = text.strip().lower()
        if len(digits) < PREFIX_DIGITS_MIN:
            least = self.words("{text}: give at least {least} digits of the id")
            raise UnknownId(least.format(text=text, least=PREFIX_DIGITS_MIN))
        store = self.view.store
        record = store.record(RecordId(begins(store.ids(digits), digits)))
        assert record is not None, "an id of the store is held"
        return record


def _signature_state(store: Store, record: Record) -> str:
    row = store.log(record.author)
    if row.frozen is not None and record.seq >= row.frozen:
        return "void"
    return "good" if log.is_signed(record) else "covered"


def record_body(store: Store, record: Record) -> RecordBody | None:
    """Return the text or file of a record, and what became of it; None where it has none."""
    ref = record.body
    if ref is None:
        return None
    held, erased = store.has_body(ref.hash), store.is_erased(ref.hash)
    content = body_of(store, record.id) if ref.is_text else None
    media_type = text = None
    if content is not None:
        media_type = content[0]
        if media_type.startswith("text/"):
            text = content[1].decode("utf-8", "replace")
    return RecordBody(ref.hash, ref.size, ref.permanent, held, erased, media_type, text, ref.sealed)


def _walk(
    view: LedgerView, start: tuple[FlowNode, bytes], way: Direction, steps_max: int
) -> list[TracedThing]:
    """Return what lies that way as a tree, each thing once: below what led there first."""
    steps: list[TracedThing] = []
    seen = {start}
    waiting = [(start, 0, b"")]
    while waiting and len(steps) <= steps_max:
        (sort, id), depth, parent = waiting.pop()
        if depth:
            steps.append(_step(view, sort, id, depth, parent))
        near = neighbours(view.state, TraceStep(sort, id, depth), way)
        after = [node for node in near if node not in seen]
        seen.update(after)
        waiting += [(node, depth + 1, id) for node in reversed(after)]
    return steps[:steps_max]


def _step(view: LedgerView, sort: FlowNode, id: bytes, depth: int, parent: bytes) -> TracedThing:
    row = event_row(view.state, id) if sort is FlowNode.EVENT else None
    event = None if row is None else contribution_state(view, id, row)
    return TracedThing(depth, sort.value, id, parent, _step_words(view, sort, id), event)


def _step_words(view: LedgerView, sort: FlowNode, id: bytes) -> str:
    match sort:
        case FlowNode.EVENT:
            return event_words(view, id)
        case FlowNode.RESOURCE:
            row = resource_row(view.state, id)
            assert row is not None, "a walk stands on what is known"
            resource = resource_state(view, id, row)
            amount = f"{resource.accounting:f} {shown_unit(row.unit, view.words)}"
            name = resource.name or view.words("a thing")
            return f"[{name}] {amount} · {resource.accountable_name}"
        case FlowNode.PROCESS:
            process = units_and_specs.ProcessRow(*view.state.get(units_and_specs.PROCESS + id))
            name = spec_name(view, process.spec) or process.scope or ""
            if not name:
                return view.words("(a process)")
            return view.words("(process {name})").format(name=name)


def _start(view: LedgerView, text: str) -> tuple[FlowNode, bytes]:
    """Return what has this id: a thing before the event that began it."""
    whole = whole_id(text)
    if whole is not None and (known := trace(view.state, whole, 1)):
        return known[0].sort, whole
    tables = (RESOURCE, units_and_specs.PROCESS, EVENT)
    ids = dict.fromkeys(RecordId(key[1:]) for table in tables for key, _ in view.state.items(table))
    id = begins(ids, text)
    steps = trace(view.state, id, 1)
    if not steps:
        raise UnknownId(text)
    return steps[0].sort, id
