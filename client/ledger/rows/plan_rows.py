"""Plans as members read them: what each asks for, and how that stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.language.quantity import exact
from commonweal.client.language.words import N_
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.commitments import (
    PROMISED,
    CommitmentRow,
    commitment_row,
)
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow, intent_row
from commonweal.protocol.ledger.plans import plans
from commonweal.protocol.ledger.plans.plans import PlanHeader
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

OPEN, TAKEN, LATE, MET = "open", "taken", "late", "met"
STATES = {
    OPEN: N_("to do"),
    TAKEN: N_("taken"),
    LATE: N_("late"),
    MET: N_("done"),
}
"""How a part of a plan stands, and the words for it. What is late may be taken."""


@dataclass(frozen=True, slots=True)
class ListedPlan:
    """A plan, and how many of its parts are open or taken, late, and done."""

    id: RecordId
    name: str
    quantity: Decimal | None
    unit: str | None
    due_ms: int | None
    open: int
    late: int
    met: int
    ended: bool
    member: MemberId
    member_name: str


@dataclass(frozen=True, slots=True)
class PlanPart:
    """Something that a plan asks for: an intent. state: a key of STATES.

    step: the number of its process in the plan, from 1, and its name; 0 without one. met: how much
    has come. taken_by: names of the members who promised some of it.
    """

    id: RecordId
    step: int
    step_name: str
    action: str
    what: str | None
    factor: str | None
    quantity: Decimal
    met: Decimal
    unit: str
    due_ms: int | None
    state: str
    taken_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanDetails(ListedPlan):
    """A plan, part by part: step by step, and what is first due first. recipe: its name."""

    recipe: str | None
    parts: tuple[PlanPart, ...]


def listed_plan(view: LedgerView, id: RecordId, header: PlanHeader, now_ms: int) -> ListedPlan:
    """Return a plan, and how it stands at a time."""
    states = [
        state for _id, row, taken in _intents(view, id) for state in (_state(row, taken, now_ms),)
    ]
    quantity = header.quantity
    return ListedPlan(
        id=id,
        name=header.name,
        quantity=None if quantity is None else exact(quantity[0], quantity[1]),
        unit=None if quantity is None else quantity[2],
        due_ms=header.due,
        open=states.count(OPEN) + states.count(TAKEN),
        late=states.count(LATE),
        met=states.count(MET),
        ended=header.ended is not None,
        member=MemberId(header.member),
        member_name=view.name(header.member),
    )


def _intents(
    view: LedgerView, plan: RecordId
) -> Iterator[tuple[RecordId, IntentRow, list[CommitmentRow]]]:
    """Yield each intent of a plan, with the commitments in force that satisfy it."""
    taken: dict[bytes, list[CommitmentRow]] = {}
    intents: list[RecordId] = []
    for id, sort in _of_plan(view, plan):
        if sort == "commitment":
            promise = commitment_row(view.state, id)
            assert promise is not None, "it has joined a plan"
            for intent in promise.satisfies if promise.status in PROMISED else ():
                taken.setdefault(intent, []).append(promise)
        elif sort == "intent":
            intents.append(id)
    for id in intents:
        row = intent_row(view.state, id)
        assert row is not None, "it has joined a plan"
        yield id, row, taken.get(id, [])


def _of_plan(view: LedgerView, plan: RecordId) -> Iterator[tuple[RecordId, str]]:
    table = plans.OF_PLAN + plan
    for key, sort in view.state.items(table):
        yield RecordId(key[len(table) :]), sort


def _state(row: IntentRow, taken: list[CommitmentRow], now_ms: int) -> str:
    if exact(row.met[0], row.met[1]) >= exact(row.quantity[0], row.quantity[1]):
        return MET
    if row.due is not None and row.due < now_ms:
        return LATE
    return TAKEN if taken else OPEN


def plan_parts(view: LedgerView, plan: RecordId, now_ms: int) -> list[PlanPart]:
    """Return what a plan asks for, by step, then by time."""
    begun = [id for id, sort in _of_plan(view, plan) if sort == "process"]
    begun.sort(key=lambda id: (_process(view, id).clock, id))
    numbers = {id: number for number, id in enumerate(begun, 1)}
    parts: list[tuple[int, PlanPart]] = []
    for id, row, taken in _intents(view, plan):
        process = row.input_of or row.output_of
        part = PlanPart(
            id=id,
            step=0 if process is None else numbers[RecordId(process)],
            step_name=_step_name(view, process),
            action=row.action,
            what=spec_name(view, row.spec),
            factor=row.factor,
            quantity=exact(row.quantity[0], row.quantity[1]),
            met=exact(row.met[0], row.met[1]),
            unit=row.quantity[2],
            due_ms=row.due,
            state=_state(row, taken, now_ms),
            taken_by=tuple(dict.fromkeys(view.name(promise.provider) for promise in taken)),
        )
        parts.append((row.clock, part))
    parts.sort(key=lambda part: (part[1].step, part[1].due_ms or 0, part[0]))
    return [part for _clock, part in parts]


def _step_name(view: LedgerView, process: bytes | None) -> str:
    if process is None:
        return ""
    row = _process(view, process)
    return spec_name(view, row.spec) or row.scope or ""


def _process(view: LedgerView, process: bytes) -> units_and_specs.ProcessRow:
    row = units_and_specs.process_row(view.state, process)
    assert row is not None, "it has joined a plan"
    return row
