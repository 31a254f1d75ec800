"""Fulfilment: what events give towards what was promised and wanted.

An event fulfils a commitment in force, of its action, sides, unit, specification, resource and
process. All that it gives is counted, so that a correction is exact; up to the promise it is met,
and so are the intents of the commitment. An event that satisfies an intent without a commitment
takes it and meets it at once, also after the intent has ended: what was done was done.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from commonweal.protocol.ledger.exchange import commitments
from commonweal.protocol.ledger.exchange.commitments import ENDED, PROMISED, CommitmentRow
from commonweal.protocol.ledger.exchange.lending.terms import thing_of
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.exchange.offers.intents import REPLACED, WITHDRAWN, IntentRow
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.ledger.things.quantities import Quantity, difference, total
from commonweal.protocol.ledger.things.resources import resource_row

Amounts: TypeAlias = tuple[Quantity | None, Quantity | None]
"""The quantity of a resource and that of effort that an event or its correction adds."""


def count(state: State, context: Context, id: bytes, event: EventRow, amounts: Amounts) -> Verdict:
    """Count a new event towards the commitment and the intent that it names, or refuse it."""
    commitment = intent = None
    if event.fulfills is not None:
        if not is_bytes(event.fulfills):
            return Reason.SHAPE
        commitment = commitments.commitment_row(state, event.fulfills)
        if commitment is None:
            return Reason.UNKNOWN_PLAN
        if commitment.status not in PROMISED:
            return Reason.NOT_AGREED
        if not _fits(state, context, event, commitment, amounts):
            return Reason.DOES_NOT_FIT
    if event.satisfies is not None:
        if not is_bytes(event.satisfies):
            return Reason.SHAPE
        intent = intents.intent_row(state, event.satisfies)
        if intent is None:
            return Reason.UNKNOWN_PLAN
        if intent.status in (WITHDRAWN, REPLACED):
            return Reason.NOT_OPEN
        if not _fits(state, context, event, intent, amounts):
            return Reason.DOES_NOT_FIT
    return _add(state, event, amounts, id)


def correct(state: State, event: EventRow, amounts: Amounts) -> Verdict:
    """Count a correction of an event that was counted. amounts: the differences."""
    return _add(state, event, amounts, None)


def spec_of(state: State, event: EventRow) -> bytes | None:
    """Return the specification of what an event is about; None when nothing says it."""
    if event.spec is not None:
        return event.spec
    for id in (event.source, event.target):
        resource = None if id is None else resource_row(state, id)
        if resource is not None and resource.spec is not None:
            return resource.spec
    return None


def _add(state: State, event: EventRow, amounts: Amounts, by: bytes | None) -> Verdict:
    """Add amounts to what an event names. by: the event, when it is new."""
    through: list[bytes] = []
    if event.fulfills is not None:
        row = commitments.commitment_row(state, event.fulfills)
        assert row is not None, "the event was counted"
        through = row.satisfies
        amount = _amount(row.quantity[2], amounts)
        refused = None if amount is None else give(state, event.fulfills, row, amount)
        if refused is not None:
            return refused
    # An intent of the commitment that is fulfilled is met by that already.
    if event.satisfies is not None and event.satisfies not in through:
        intent = intents.intent_row(state, event.satisfies)
        assert intent is not None, "the event was counted"
        amount = _amount(intent.quantity[2], amounts)
        if amount is not None:
            return intents.add(state, event.satisfies, amount, amount, by)
    return None


def give(state: State, id: bytes, row: CommitmentRow, amount: Quantity) -> Verdict:
    """Add an amount to what was given towards a commitment; its intents are met by as much."""
    given = total(Quantity(*row.given), amount.n, amount.scale)
    if given is None:
        return Reason.TOO_LARGE
    now = row._replace(given=[*given])
    state.put(commitments.COMMITMENT + id, [*now])
    met = difference(Quantity(*now.met), Quantity(*row.met))
    for intent in row.satisfies:
        # What has ended keeps of its intents only what was given.
        refused = intents.add(state, intent, met if row.status == ENDED else None, met)
        if refused is not None:
            return refused
    return None


def _is_of(state: State, resource: bytes, event: EventRow) -> bool:
    """Return whether an event is of a thing, which may have been handed on since it was named."""
    thing_id = thing_of(state, resource)
    named = (event.source, event.target)
    return any(id is not None and thing_of(state, id) == thing_id for id in named)


def _amount(unit: str, amounts: Amounts) -> Quantity | None:
    """Return the amount in a unit; None when there is none."""
    return next((amount for amount in amounts if amount is not None and amount.unit == unit), None)


def _fits(
    state: State,
    context: Context,
    event: EventRow,
    row: CommitmentRow | IntentRow,
    amounts: Amounts,
) -> bool:
    """Return whether an event is what a commitment promises, or an intent asks for."""
    receiver: Any = context.community if event.receiver is None else event.receiver
    return (
        row.action == event.action
        and _amount(row.quantity[2], amounts) is not None
        and intents.is_same_person(state, row.provider, event.provider)
        and intents.is_same_person(state, row.receiver, receiver)
        and row.spec in (None, spec_of(state, event))
        and (row.resource is None or _is_of(state, row.resource, event))
        and row.input_of in (None, event.input_of)
        and row.output_of in (None, event.output_of)
    )
