"""Consent: a correction that takes from another member waits for their yes.

Takes from: from whoever gave what its author wrote down; from whoever received what becomes
less; from whoever owns or holds a resource that becomes less; from whoever confirmed a payment.
They say yes by an `attest` of the correction. For who is no member any more, as many others
as attest a contribution speak, without its author. State: 9w corrections that wait or waited.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.contributions import commons, plans
from commonweal.protocol.ledger.contributions.inventory import shift
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.members.registry import ACTIVE, MEMBER
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow, event_row
from commonweal.protocol.ledger.things.quantities import Quantity, total
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.actions import ACTIONS

WAITING = Table.CORRECTION.prefix


class CorrectionRow(NamedTuple):
    """A correction in the state that needs consent.

    event: what it corrects. asked: the members whose consent it needs. quantity, effort: how
    much more, [n, scale, unit]. yes: how many members said so. held: whether it holds now.
    """

    event: bytes
    member: MemberId
    asked: list[bytes]
    quantity: list[Any] | None
    effort: list[Any] | None
    yes: int = 0
    held: bool = False


def correction_row(state: State, record: bytes) -> CorrectionRow | None:
    """Return a correction that waits, or waited; None when it is none, or needed nobody's yes."""
    value = state.get(WAITING + record)
    return None if value is None else CorrectionRow(*value)


def correct(
    state: State,
    record: Record,
    context: Context,
    event: bytes,
    quantity: Quantity | None,
    effort: Quantity | None,
) -> Verdict:
    """Count more or less of an event at once, or once those agree from whom it takes."""
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
        state.put(WAITING + record.id, [*row])
    return refused


def open_corrections(state: State) -> list[tuple[bytes, CorrectionRow]]:
    """Return every correction that waits for consent, by its record."""
    corrections = [
        (key[len(WAITING) :], CorrectionRow(*value)) for key, value in state.items(WAITING)
    ]
    return [(id, row) for id, row in corrections if not row.held]


def corrected_by(state: State, record: Record) -> bytes | None:
    """Return the event that is corrected since this record of an event or an attestation."""
    if record.kind == "event" and "corrects" in record.data:
        waits = correction_row(state, record.id)
        return record.data["corrects"] if waits is None or waits.held else None
    waits = correction_row(state, record.data["event"]) if record.kind == "attest" else None
    return waits.event if waits is not None and waits.held else None


def is_agreed(state: State, row: CorrectionRow, yes: set[bytes], attestations: int) -> bool:
    """Whether everybody agrees from whom a correction takes. yes: those of them who said so."""
    return all(
        member in yes or (not is_active(state, member) and row.yes >= attestations)
        for member in row.asked
    )


def is_active(state: State, member: bytes) -> bool:
    """Whether somebody is a member now."""
    standing = state.get(MEMBER + member)
    return standing is not None and standing[0] == ACTIVE


def apply(state: State, record: bytes, correction: CorrectionRow, context: Context) -> Verdict:
    """Count what a correction says of its event, and of what that did to resources."""
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
    refused = plans.count(state, row, quantity or effort)
    if refused is not None:
        return refused
    row = row._replace(
        quantity=sums[0], effort=sums[1], corrections=row.corrections + 1, yes=0, no=0
    )
    row = row._replace(corrected_by=record)
    state.put(EVENT + event, [*row])
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
    """Return the members, other than the author, from whom a correction takes; sorted."""
    row = event_row(state, event)
    assert row is not None, "what is corrected is known"
    # What others said of it counts no more, so any correction takes from who gave.
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
    """Return who owns or holds a resource of which there is less when an event counts n more."""
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
