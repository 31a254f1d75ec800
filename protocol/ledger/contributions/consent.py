"""Consent: a correction that takes from another member waits for their yes.

A correction takes from the member whose contribution another wrote down; from the receiver of what
becomes less; from the owner or holder of a resource that becomes less; and from the claimant who
confirmed a payment. They consent by an `attest` of the correction. For a former member others
answer, as many as attest a contribution, not counting its author. State: 9w corrections that wait
or waited.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.contributions import commons
from commonweal.protocol.ledger.contributions.inventory import shift
from commonweal.protocol.ledger.exchange import credit, fulfilment
from commonweal.protocol.ledger.exchange.deals import completion
from commonweal.protocol.ledger.exchange.lending import handovers
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.members.registry import MEMBER, is_active
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EventRow, event_row, put_event
from commonweal.protocol.ledger.things.quantities import Quantity, total
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.actions import ACTIONS

CORRECTION = Table.CORRECTION.prefix


class CorrectionRow(NamedTuple):
    """A correction in the state that needs consent.

    event: what it corrects. asked: the members whose consent it needs. quantity, effort: the
    differences, [n, scale, unit]. yes: how many members agreed. held: whether it took effect.
    """

    event: bytes
    member: MemberId
    asked: list[bytes]
    quantity: list[Any] | None
    effort: list[Any] | None
    yes: int = 0
    held: bool = False


def correction_row(state: State, record: bytes) -> CorrectionRow | None:
    """Return a correction that needs or needed consent; otherwise None."""
    value = state.get(CORRECTION + record)
    return None if value is None else CorrectionRow(*value)


def correct(
    state: State,
    record: Record,
    context: Context,
    event: bytes,
    quantity: Quantity | None,
    effort: Quantity | None,
) -> Verdict:
    """Apply a correction at once, or note it until the members it takes from consent."""
    more, less = (None if change is None else [*change] for change in (quantity, effort))
    row = CorrectionRow(
        event,
        context.member,
        consenters(state, context.member, event, quantity, effort),
        more,
        less,
    )
    mark = state.mark()
    refused = apply(state, record.id, row, context)
    if refused is None and row.asked:
        state.rollback(mark)
        state.put(CORRECTION + record.id, [*row])
    return refused


def open_corrections(state: State) -> list[tuple[bytes, CorrectionRow]]:
    """Return every correction that waits for consent, by its record."""
    corrections = [
        (key[len(CORRECTION) :], CorrectionRow(*value)) for key, value in state.items(CORRECTION)
    ]
    return [(id, row) for id, row in corrections if not row.held]


def corrected_by(state: State, record: Record) -> bytes | None:
    """Return the event that this event or attestation record corrects; None when it
    corrects none.
    """
    if record.kind == "event" and "corrects" in record.data:
        waits = correction_row(state, record.id)
        return record.data["corrects"] if waits is None or waits.held else None
    waits = correction_row(state, record.data["event"]) if record.kind == "attest" else None
    return waits.event if waits is not None and waits.held else None


def is_agreed(state: State, row: CorrectionRow, yes: set[bytes], attestations: int) -> bool:
    """Return whether every member that a correction takes from agrees.

    yes: those of them who agreed. attestations: how many others answer for a former member.
    """
    return all(
        member in yes or (not is_active(state, member) and row.yes >= attestations)
        for member in row.asked
    )


def apply(state: State, record: bytes, correction: CorrectionRow, context: Context) -> Verdict:
    """Apply a correction to its event, and to what the event did to resources."""
    event = correction.event
    row = event_row(state, event)
    assert row is not None, "what is corrected is known"
    quantity, effort = (
        None if change is None else Quantity(*change)
        for change in (correction.quantity, correction.effort)
    )
    sums: list[list[Any] | None] = []
    for was, more in ((row.quantity, quantity), (row.effort, effort)):
        now = was if more is None else _sum(was, more)
        if isinstance(now, Reason):
            return now
        sums.append(now)
    is_common = commons.common_row(state, event) is not None
    if quantity is not None and not is_common:
        refused = shift(state, row, quantity.n, quantity.scale)
        if refused is not None:
            return refused
    refused = credit.correct(state, context, event, row, quantity)
    if refused is not None:
        return refused
    refused = fulfilment.correct(state, row, (quantity, effort))
    if refused is not None:
        return refused
    completion.note_given(state, context, row.fulfills)
    row = row._replace(
        quantity=sums[0], effort=sums[1], corrections=row.corrections + 1, yes=0, no=0
    )
    row = row._replace(corrected_by=record)
    put_event(state, event, row)
    handovers.undo(state, event)
    refused = settlement.correct(state, event, row)
    if refused is None and is_common:
        return commons.correct(state, event, context)
    return refused


def _sum(was: list[Any] | None, more: Quantity) -> list[Any] | Reason:
    if was is None or was[2] != more.unit:
        return Reason.WRONG_CORRECTION
    now = total(Quantity(*was), more.n, more.scale)
    if now is None:
        return Reason.TOO_LARGE
    return Reason.NEGATIVE if now.n < 0 else [*now]


def consenters(
    state: State,
    author: bytes,
    event: bytes,
    quantity: Quantity | None,
    effort: Quantity | None,
) -> list[bytes]:
    """Return the members, other than the author, that a correction takes from; sorted."""
    row = event_row(state, event)
    assert row is not None, "what is corrected is known"
    # A correction resets what others attested, so it always takes from the provider.
    losers = [row.provider]
    if any(change is not None and change.n < 0 for change in (quantity, effort)):
        losers += [] if row.receiver is None else [row.receiver]
    if quantity is not None:
        losers += _holders(state, row, quantity.n)
    paid = settlement.settlement_row(state, event)
    if paid is not None and paid.status == settlement.CONFIRMED:
        losers.append(paid.claimant)
    people = dict.fromkeys(agents.person(state, agent) for agent in losers)
    others = [person for person in people if person != author]
    return sorted(person for person in others if state.get(MEMBER + person) is not None)


def _holders(state: State, row: EventRow, n: int) -> list[bytes]:
    """Return who owns or holds a resource that decreases when an event counts n more."""
    action = ACTIONS[row.action]
    holders: list[bytes] = []
    for number, id in enumerate((row.source, row.target)):
        resource = None if id is None else resource_row(state, id)
        if resource is not None:
            if n * action.accounting_signs[number] < 0:
                holders.append(resource.accountable)
            if n * action.onhand_signs[number] < 0:
                holders.append(resource.custodian)
    return holders
