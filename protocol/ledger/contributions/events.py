"""Economic events as Valueflows defines them: who gave what, and who received it.

`event` holds, in `data`, under the names of Valueflows:
  action                 one of the 19 in `vocabulary/actions`
  provider, receiver     agents; receiver may be missing where nothing changes sides
  resourceQuantity, effortQuantity     as the action asks; effort never changes a balance
  resourceConformsTo     a spec.resource
  resourceInventoriedAs, toResourceInventoriedAs     resources
  newInventoriedResource {}: the event begins a resource, whose id is the event's
  inputOf, outputOf      a process; stage becomes that process's specification
  inScopeOf, factor, state, atLocation     short names; containedIn: a resource
  fulfills, satisfies    a commitment, an intent
  offer                  an offer whose income from outside it is; see `exchange/promotion`
  settles                1 to 16 claims that a transfer pays, in this order; see `settlement`
  content                {hash, size} of what an event begins that is data, with consent and purpose
                         of what is used of another's data; see `exchange/data`
  corrects               an event: then only action, quantities (which may be negative) and
                         corrects count, and the rest is that of the corrected event
The author must speak for the accountable agent of what is taken or raised, or for the custodian of
what only changes hands. What an event does to resources is in `inventory`, and for what no member
owns, in `commons`; what a payment does to balances is in `exchange/credit`. Which corrections need
consent is in `consent`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.contributions import commons, consent
from commonweal.protocol.ledger.exchange import credit, fulfilment
from commonweal.protocol.ledger.exchange.data import uses
from commonweal.protocol.ledger.exchange.deals import completion
from commonweal.protocol.ledger.exchange.lending import handovers
from commonweal.protocol.ledger.exchange.promotion import commissions
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.event_row import (
    INPUT,
    OF_PROCESS,
    OUTPUT,
    EventRow,
    event_row,
    put_event,
)
from commonweal.protocol.ledger.things.quantities import Quantity, is_unit, read
from commonweal.protocol.ledger.things.resources import RESOURCE
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.actions import ACTIONS, Action
from commonweal.protocol.vocabulary.identifiers import CODE_CHARACTERS_MAX, is_name


def event(state: State, record: Record, context: Context) -> Verdict:
    """Note an economic event, and apply its action to resources."""
    data = record.data
    name = data.get("action")
    action = ACTIONS.get(name) if type(name) is str else None
    if action is None:
        return Reason.UNKNOWN_ACTION
    quantities = _quantities(state, context, action, data)
    if isinstance(quantities, Reason):
        return quantities
    quantity, effort = quantities
    if "corrects" in data:
        return _correct(state, record, context, action, quantity, effort)
    for amount in quantities:
        if amount is not None and amount.n < 0:
            return Reason.NEGATIVE
    provider, receiver = data.get("provider"), data.get("receiver")
    if not agents.is_known(provider, state, context):
        return Reason.UNKNOWN_AGENT
    if receiver is None:
        if action.has_two_sides:
            return Reason.ONE_SIDE
    elif not agents.is_known(receiver, state, context):
        return Reason.UNKNOWN_AGENT
    row = EventRow(
        context.member,
        record.clock,
        action.name,
        provider,
        receiver,
        None if quantity is None else [*quantity],
        None if effort is None else [*effort],
        data.get("resourceConformsTo"),
        data.get("resourceInventoriedAs"),
        data.get("toResourceInventoriedAs"),
        data.get("inputOf"),
        data.get("outputOf"),
        data.get("inScopeOf"),
        data.get("factor"),
        data.get("fulfills"),
        data.get("satisfies"),
    )
    refused = _references(state, context, action, row, data)
    if refused is not None:
        return refused
    moved = commons.begin(state, record, context, row)
    if isinstance(moved, Reason):
        return moved
    row = moved
    refused = _count(state, record, context, row, quantities)
    if refused is not None:
        return refused
    put_event(state, record.id, row)
    if row.input_of is not None:
        state.put(OF_PROCESS + row.input_of + INPUT + record.id, row.clock)
    if row.output_of is not None:
        state.put(OF_PROCESS + row.output_of + OUTPUT + record.id, row.clock)
    waits = not commons.is_moved(state, record.id)
    handovers.note(state, record, context, row, waits=waits)
    return None


def _count(
    state: State, record: Record, context: Context, row: EventRow, amounts: _Quantities
) -> Verdict:
    """Count a new event in uses of data, balances, promises and claims, or return why not."""
    refused = (
        uses.count(state, record, context, row)
        or credit.pay(state, record, context, row)
        or fulfilment.count(state, context, record.id, row, amounts)
        or settlement.settle(state, record, row)
        or commissions.note(state, record, context, row)
    )
    if refused is None:
        completion.note_given(state, context, row.fulfills)
    return refused


_Quantities: TypeAlias = tuple[Quantity | None, Quantity | None]


def _quantities(
    state: State, context: Context, action: Action, data: dict[str, Any]
) -> _Quantities | Reason:
    """Return the quantities of resource and effort that the action asks for, in known units."""
    given: list[Quantity | None] = [None, None]
    for place, key in enumerate(("resourceQuantity", "effortQuantity")):
        if key in data:
            quantity = read(data[key])
            if quantity is None:
                return Reason.SHAPE
            if not is_unit(state, context, quantity.unit):
                return Reason.UNKNOWN_UNIT
            given[place] = quantity
    quantity, effort = given
    match action.quantity:
        case "resource":
            if effort is not None:
                return Reason.NOT_THIS_QUANTITY
            # A resource that is only cited may be cited without a quantity.
            if quantity is None and action.name != "cite":
                return Reason.NO_QUANTITY
        case "effort":
            if quantity is not None:
                return Reason.NOT_THIS_QUANTITY
            if effort is None:
                return Reason.NO_EFFORT
        case _:
            if quantity is None and effort is None:
                return Reason.NO_QUANTITY
    return quantity, effort


def _references(
    state: State, context: Context, action: Action, row: EventRow, data: dict[str, Any]
) -> Verdict:
    """Return why something that the event names is missing or does not fit; otherwise None."""
    if row.spec is not None:
        refused = _fits_spec(state, row)
        if refused is not None:
            return refused
    for process, side in ((row.input_of, "input"), (row.output_of, "output")):
        if process is None:
            continue
        if not is_bytes(process):
            return Reason.SHAPE
        known = units_and_specs.process_row(state, process)
        if known is None:
            return Reason.UNKNOWN_PROCESS
        if action.side not in (side, "outputInput"):
            return Reason.NOT_THIS_SIDE
        if known.ended is not None:
            return Reason.PROCESS_ENDED
    for resource in (row.source, row.target, data.get("containedIn")):
        if resource is not None:
            if not is_bytes(resource):
                return Reason.SHAPE
            if state.get(RESOURCE + resource) is None:
                return Reason.UNKNOWN_RESOURCE
    if row.factor is not None and row.factor not in context.rules.factors:
        return Reason.UNKNOWN_FACTOR
    if row.scope is not None and not is_name(row.scope):
        return Reason.SHAPE
    for key in ("state", "atLocation"):
        if key in data and not is_name(data[key], CODE_CHARACTERS_MAX):
            return Reason.SHAPE
    return None


def _fits_spec(state: State, row: EventRow) -> Verdict:
    if not is_bytes(row.spec):
        return Reason.SHAPE
    value = state.get(units_and_specs.SPEC + row.spec)
    if value is None:
        return Reason.UNKNOWN_SPEC
    spec = units_and_specs.SpecRow(*value)
    for unit, quantity in ((spec.unit, row.quantity), (spec.effort_unit, row.effort)):
        if unit is not None and quantity is not None and quantity[2] != unit:
            return Reason.WRONG_UNIT
    return None


def _correct(
    state: State,
    record: Record,
    context: Context,
    action: Action,
    quantity: Quantity | None,
    effort: Quantity | None,
) -> Verdict:
    """Correct an event of the author's by the given differences."""
    corrected = record.data["corrects"]
    if not is_bytes(corrected):
        return Reason.SHAPE
    row = event_row(state, corrected)
    if row is None:
        return Reason.UNKNOWN_EVENT
    if row.member != context.member:
        return Reason.NOT_YOURS
    if row.action != action.name:
        return Reason.WRONG_CORRECTION
    if uses.use_row(state, corrected) is not None:
        return Reason.USE_STANDS
    return consent.correct(state, record, context, corrected, quantity, effort)
