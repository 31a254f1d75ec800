"""Plans: intents, commitments and agreements, and how much of them was fulfilled.

Records, with actions, agents and quantities as in `events`:
  plan            name; recipe, resourceQuantity: what is made by which recipe; due: ms
  plan.end        plan: of the author's member; nothing joins it or is promised for it any more
  process         as in `units_and_specs`; plannedWithin: a plan of the author's member
  intent          action, provider or receiver (one at least), a quantity; resourceConformsTo;
                  plannedWithin: a plan of the author's member; then also inputOf, outputOf: a
                  process of the plan, and factor. An intent of the community, with nobody on the
                  other side, is open: any member may write it, and any member may do it
  proposal.offer  intents: [intent ids], of the author's member, 1..16
  commitment      action, provider, receiver, a quantity; satisfies: an intent; the author's
                  member is provider or receiver. It belongs where its intent does
  agreement       commitments: [ids], 1..16
  agreement.sign  agreement; by each member who gives or receives under it
An event that fulfills a commitment, or satisfies an intent, is counted there; it must have its
action, unit, process and specification. State: i intents, o offers, k commitments, g agreements, h
their signers, PLAN plans and OF_PLAN what belongs to them.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeGuard

from commonweal.protocol.ledger.contributions import flows, recipes
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.ledger.things.quantities import Quantity, is_unit, read, total
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.actions import ACTIONS
from commonweal.protocol.vocabulary.identifiers import is_name

INTENT, OFFER = Table.INTENT.prefix, Table.PLAN_OFFER.prefix
COMMITMENT, AGREEMENT = Table.COMMITMENT.prefix, Table.AGREEMENT.prefix
SIGNED = Table.SIGNED.prefix
PLAN, OF_PLAN = Table.PLAN.prefix, Table.OF_PLAN.prefix

PARTS_MAX = 16
PLAN_PARTS_MAX = 400
"""Processes and intents of one plan, so that a plan can be written at once."""
NEEDED = 10
"""Fields of a `PlanRow` that always stand; of the others, the last that are None are left out."""


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


class PlanRow(NamedTuple):
    """An intent or a commitment in the state. met: how much was fulfilled, [n, scale, unit].

    due: ms since 1970. input_of, output_of: the process of its plan that it is for.
    """

    member: bytes
    clock: int
    action: str
    provider: bytes | None
    receiver: bytes | None
    quantity: list[Any]
    met: list[Any]
    spec: bytes | None
    satisfies: bytes | None
    due: int | None
    plan: bytes | None = None
    input_of: bytes | None = None
    output_of: bytes | None = None
    factor: str | None = None

    def value(self) -> list[Any]:
        """Return the row as the state has it."""
        value: list[Any] = [*self]
        while len(value) > NEEDED and value[-1] is None:
            value.pop()
        return value


class AgreementRow(NamedTuple):
    """An agreement in the state; in force once all `parties` have signed."""

    member: bytes
    commitments: list[bytes]
    parties: list[bytes]
    signed: int


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
    return _join(state, context, within, record, "process")


def intend(state: State, record: Record, context: Context) -> Verdict:
    """Note what the author's member, or the community, wants to give or to receive."""
    row = _plan(state, record, context)
    if isinstance(row, Reason):
        return row
    sides = {row.provider, row.receiver} - {None}
    if context.member not in sides and sides != {context.community}:
        return Reason.NOT_YOURS
    if record.data.get("plannedWithin") is not None:
        placed = _placed(state, record, context, row)
        if isinstance(placed, Reason):
            return placed
        row = placed
    state.put(INTENT + record.id, row.value())
    return None


def offer(state: State, record: Record, context: Context) -> Verdict:
    """Publish some of the author's intents together."""
    intents = record.data.get("intents")
    if not _is_list_of_ids(intents):
        return Reason.SHAPE
    for intent in intents:
        row = state.get(INTENT + intent)
        if row is None:
            return Reason.UNKNOWN_PLAN
        if row[0] != context.member:
            return Reason.NOT_YOURS
    state.put(OFFER + record.id, [context.member, intents])
    return None


def commit(state: State, record: Record, context: Context) -> Verdict:
    """Note what one side promises, or asks of the other."""
    row = _plan(state, record, context)
    if isinstance(row, Reason):
        return row
    if row.provider is None or row.receiver is None:
        return Reason.ONE_SIDE
    if context.member not in (row.provider, row.receiver):
        return Reason.NOT_YOURS
    if row.satisfies is not None:
        value = state.get(INTENT + row.satisfies)
        if value is None:
            return Reason.UNKNOWN_PLAN
        intent = PlanRow(*value)
        if intent.action != row.action or intent.quantity[2] != row.quantity[2]:
            return Reason.DOES_NOT_FIT
        if row.spec is not None and intent.spec not in (None, row.spec):
            return Reason.DOES_NOT_FIT
        if intent.plan is not None:
            if PlanHeader(*state.get(PLAN + intent.plan)).ended is not None:
                return Reason.PLAN_ENDED
            row = row._replace(spec=row.spec or intent.spec, plan=intent.plan)
            row = row._replace(input_of=intent.input_of, output_of=intent.output_of)
            row = row._replace(factor=intent.factor)
            state.put(OF_PLAN + intent.plan + record.id, "commitment")
    state.put(COMMITMENT + record.id, row.value())
    return None


def agree(state: State, record: Record, context: Context) -> Verdict:
    """Bundle commitments into an agreement, which the author's member signs by writing it."""
    commitments = record.data.get("commitments")
    if not _is_list_of_ids(commitments):
        return Reason.SHAPE
    parties: list[bytes] = []
    for commitment in commitments:
        value = state.get(COMMITMENT + commitment)
        if value is None:
            return Reason.UNKNOWN_PLAN
        parties += [agent for agent in value[3:5] if not agents.is_outside(agent)]
    parties = sorted(dict.fromkeys(parties))
    if context.member not in parties:
        return Reason.NOT_YOURS
    row = AgreementRow(context.member, commitments, parties, 1)
    state.put(AGREEMENT + record.id, [*row])
    state.put(SIGNED + record.id + context.member, record.id)
    return None


def sign(state: State, record: Record, context: Context) -> Verdict:
    """Sign an agreement for the author's member."""
    agreement = record.data.get("agreement")
    if not is_bytes(agreement):
        return Reason.SHAPE
    value = state.get(AGREEMENT + agreement)
    if value is None:
        return Reason.UNKNOWN_PLAN
    row = AgreementRow(*value)
    if context.member not in row.parties:
        return Reason.NOT_YOURS
    if state.get(SIGNED + agreement + context.member) is not None:
        return Reason.NOTHING_NEW
    state.put(SIGNED + agreement + context.member, record.id)
    state.put(AGREEMENT + agreement, [*row._replace(signed=row.signed + 1)])
    return None


def in_force(state: State, agreement: bytes) -> bool:
    """Return whether every party of an agreement has signed it."""
    value = state.get(AGREEMENT + agreement)
    if value is None:
        return False
    row = AgreementRow(*value)
    return row.signed >= len(row.parties)


def count(state: State, event: EventRow, quantity: Quantity | None) -> Verdict:
    """Count `quantity` of an event towards the commitment and the intent that it names."""
    for table, plan in ((COMMITMENT, event.fulfills), (INTENT, event.satisfies)):
        if plan is not None:
            refused = _meet(state, table, plan, event, quantity)
            if refused is not None:
                return refused
    return None


def _meet(
    state: State, table: bytes, plan: Any, event: EventRow, quantity: Quantity | None
) -> Verdict:
    """Count `quantity` of an event towards the intent or commitment `plan`."""
    if not is_bytes(plan):
        return Reason.SHAPE
    value = state.get(table + plan)
    if value is None:
        return Reason.UNKNOWN_PLAN
    row = PlanRow(*value)
    if row.action != event.action or row.provider not in (None, event.provider):
        return Reason.DOES_NOT_FIT
    if quantity is None or quantity.unit != row.met[2]:
        return Reason.DOES_NOT_FIT
    for wanted, given in ((row.input_of, event.input_of), (row.output_of, event.output_of)):
        if wanted is not None and given != wanted:
            return Reason.DOES_NOT_FIT
    if row.spec is not None and _spec_of(state, event) not in (None, row.spec):
        return Reason.DOES_NOT_FIT
    met = total(Quantity(*row.met), quantity.n, quantity.scale)
    if met is None:
        return Reason.TOO_LARGE
    state.put(table + plan, row._replace(met=[*met]).value())
    return None


def _spec_of(state: State, event: EventRow) -> bytes | None:
    """Return the specification of what an event is about; None when nothing says it."""
    if event.spec is not None:
        return event.spec
    for id in (event.source, event.target):
        resource = None if id is None else resource_row(state, id)
        if resource is not None and resource.spec is not None:
            return resource.spec
    return None


def _join(state: State, context: Context, within: Any, record: Record, sort: str) -> Verdict:
    """Let a record belong to a plan of its author's member."""
    header = _growing(state, context, within)
    if isinstance(header, Reason):
        return header
    if header.parts >= PLAN_PARTS_MAX:
        return Reason.PLAN_FULL
    state.put(PLAN + within, [*header._replace(parts=header.parts + 1)][:-1])
    state.put(OF_PLAN + within + record.id, sort)
    return None


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


def _placed(state: State, record: Record, context: Context, row: PlanRow) -> PlanRow | Reason:
    """Return the row of an intent with its place in a plan, to which it now belongs."""
    data = record.data
    within, factor = data["plannedWithin"], data.get("factor")
    refused = _join(state, context, within, record, "intent")
    for key, side in (("inputOf", "input"), ("outputOf", "output")):
        process = data.get(key)
        if process is None or refused is not None:
            continue
        if not is_bytes(process):
            return Reason.SHAPE
        if state.get(OF_PLAN + within + process) != "process":
            return Reason.UNKNOWN_PROCESS
        if not flows.is_on_side(ACTIONS[row.action], side):
            return Reason.NOT_THIS_SIDE
    refused = refused or flows.fits_factor(context, factor)
    if refused is not None:
        return refused
    row = row._replace(plan=within, input_of=data.get("inputOf"), output_of=data.get("outputOf"))
    return row._replace(factor=factor)


def _plan(state: State, record: Record, context: Context) -> PlanRow | Reason:
    data = record.data
    action = flows.action_of(data)
    if action is None:
        return Reason.UNKNOWN_ACTION
    provider, receiver = data.get("provider"), data.get("receiver")
    if provider is None and receiver is None:
        return Reason.ONE_SIDE
    for agent in (provider, receiver):
        if agent is not None and not agents.is_known(agent, state, context):
            return Reason.UNKNOWN_AGENT
    quantity = flows.quantity_of(state, context, action, data)
    if isinstance(quantity, Reason):
        return quantity
    spec, satisfies, due = data.get("resourceConformsTo"), data.get("satisfies"), data.get("due")
    for id in (spec, satisfies):
        if id is not None and not is_bytes(id):
            return Reason.SHAPE
    if due is not None and not is_count(due):
        return Reason.SHAPE
    met = [0, quantity.scale, quantity.unit]
    return PlanRow(
        context.member,
        record.clock,
        action.name,
        provider,
        receiver,
        [*quantity],
        met,
        spec,
        satisfies,
        due,
    )


def _is_list_of_ids(value: Any) -> TypeGuard[list[bytes]]:
    return (
        type(value) is list
        and 1 <= len(value) <= PARTS_MAX
        and all(is_bytes(id) for id in value)
        and len(set(value)) == len(value)
    )
