"""Plans: intents, commitments and agreements, and how much of them was fulfilled.

Records, with actions, agents and quantities as in `events`:
  intent          action, provider or receiver (one at least), a quantity; resourceConformsTo
  proposal.offer  intents: [intent ids], of the author's member, 1..16
  commitment      action, provider, receiver, a quantity; satisfies: an intent; the author's
                  member is provider or receiver
  agreement       commitments: [ids], 1..16
  agreement.sign  agreement; by each member who gives or receives under it
An event that fulfills a commitment, or satisfies an intent, is counted there; it must have its
action and unit. State: i intents, o offers, k commitments, g agreements, h their signers.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeGuard

from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.ledger.things.quantities import Quantity, is_unit, read, total
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.actions import ACTIONS

INTENT, OFFER = Table.INTENT.prefix, Table.PLAN_OFFER.prefix
COMMITMENT, AGREEMENT = Table.COMMITMENT.prefix, Table.AGREEMENT.prefix
SIGNED = Table.SIGNED.prefix

PARTS_MAX = 16


class PlanRow(NamedTuple):
    """An intent or a commitment in the state. met: how much was fulfilled, [n, scale, unit]."""

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


class AgreementRow(NamedTuple):
    """An agreement in the state; in force once all `parties` have signed."""

    member: bytes
    commitments: list[bytes]
    parties: list[bytes]
    signed: int


def intend(state: State, record: Record, context: Context) -> Verdict:
    """Note what the author's member wants to give or to receive."""
    row = _plan(state, record, context)
    if isinstance(row, Reason):
        return row
    if context.member not in (row.provider, row.receiver):
        return Reason.NOT_YOURS
    state.put(INTENT + record.id, [*row])
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
        intent = state.get(INTENT + row.satisfies)
        if intent is None:
            return Reason.UNKNOWN_PLAN
        if intent[2] != row.action or intent[5][2] != row.quantity[2]:
            return Reason.DOES_NOT_FIT
    state.put(COMMITMENT + record.id, [*row])
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
    met = total(Quantity(*row.met), quantity.n, quantity.scale)
    if met is None:
        return Reason.TOO_LARGE
    state.put(table + plan, [*row._replace(met=[*met])])
    return None


def _plan(state: State, record: Record, context: Context) -> PlanRow | Reason:
    data = record.data
    action = data.get("action")
    if type(action) is not str or action not in ACTIONS:
        return Reason.UNKNOWN_ACTION
    provider, receiver = data.get("provider"), data.get("receiver")
    if provider is None and receiver is None:
        return Reason.ONE_SIDE
    for agent in (provider, receiver):
        if agent is not None and not agents.is_known(agent, state, context):
            return Reason.UNKNOWN_AGENT
    effort = ACTIONS[action].quantity == "effort"
    quantity = read(data.get("effortQuantity" if effort else "resourceQuantity"))
    if quantity is None:
        return Reason.NO_EFFORT if effort else Reason.NO_QUANTITY
    if quantity.n < 0:
        return Reason.NEGATIVE
    if not is_unit(state, context, quantity.unit):
        return Reason.UNKNOWN_UNIT
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
        action,
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
