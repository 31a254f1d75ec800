"""Plans: what is to be made by when, and the processes and intents that belong to it.

Records, with quantities as in `events`:
  plan      name; recipe, resourceQuantity: what is made by which recipe; due: ms
  plan.end  plan: of the author's member; nothing joins it or is promised for it any more
  process   as in `units_and_specs`; plannedWithin: a plan of the author's member
What is wanted and promised within a plan is in `exchange`. State: PLAN plans, and OF_PLAN what
belongs to them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.ledger.plans import recipes
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.quantities import is_unit, read
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import is_name

PLAN, OF_PLAN = Table.PLAN.prefix, Table.OF_PLAN.prefix

PLAN_PARTS_MAX = 400
"""Processes and intents of one plan, so that a plan can be written at once."""


class PlanHeader(NamedTuple):
    """A plan in the state. quantity: what it makes, [n, scale, unit]. due: ms since 1970.

    ended: the clock of the record that ended it; None, and not in the row, while it goes on.
    """

    member: bytes
    clock: int
    name: str
    recipe: bytes | None
    quantity: list[Any] | None
    due: int | None
    parts: int
    ended: int | None = None


def plan(state: State, record: Record, context: Context) -> Verdict:
    """Begin a plan, to which processes and intents of its member belong."""
    data = record.data
    name, recipe, due = data.get("name"), data.get("recipe"), data.get("due")
    quantity = read(data.get("resourceQuantity"))
    if not is_name(name) or (quantity is None and "resourceQuantity" in data):
        return Reason.SHAPE
    if due is not None and not is_count(due):
        return Reason.SHAPE
    if quantity is not None and quantity.n < 0:
        return Reason.NEGATIVE
    if quantity is not None and not is_unit(state, context, quantity.unit):
        return Reason.UNKNOWN_UNIT
    if recipe is not None:
        if not is_bytes(recipe):
            return Reason.SHAPE
        if recipes.recipe_row(state, recipe) is None:
            return Reason.UNKNOWN_RECIPE
    makes = None if quantity is None else [*quantity]
    state.put(PLAN + record.id, [context.member, record.clock, name, recipe, makes, due, 0])
    return None


def end(state: State, record: Record, context: Context) -> Verdict:
    """End a plan of the author's member, done or not."""
    header = _growing(state, context, record.data.get("plan"))
    if isinstance(header, Reason):
        return header
    state.put(PLAN + record.data["plan"], [*header._replace(ended=record.clock)])
    return None


def begin_process(state: State, record: Record, context: Context) -> Verdict:
    """Begin a process, which may belong to a plan."""
    refused = units_and_specs.begin_process(state, record, context)
    within = record.data.get("plannedWithin")
    if refused is not None or within is None:
        return refused
    return join(state, context, within, record.id, "process")


def join(state: State, context: Context, within: Any, record: bytes, sort: str) -> Verdict:
    """Let a record belong to a plan of its author's member. sort: "process" or "intent"."""
    header = _growing(state, context, within)
    if isinstance(header, Reason):
        return header
    if header.parts >= PLAN_PARTS_MAX:
        return Reason.PLAN_FULL
    state.put(PLAN + within, [*header._replace(parts=header.parts + 1)][:-1])
    state.put(OF_PLAN + within + record, sort)
    return None


def has_ended(state: State, plan: bytes) -> bool:
    """Return whether a plan, which is known, has ended."""
    return PlanHeader(*state.get(PLAN + plan)).ended is not None


def _growing(state: State, context: Context, plan: Any) -> PlanHeader | Reason:
    """Return a plan of the author's member that has not ended, or why there is none."""
    if not is_bytes(plan):
        return Reason.SHAPE
    value = state.get(PLAN + plan)
    if value is None:
        return Reason.UNKNOWN_PLAN
    header = PlanHeader(*value)
    if header.member != context.member:
        return Reason.NOT_YOURS
    return Reason.PLAN_ENDED if header.ended is not None else header
