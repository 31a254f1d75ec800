"""Requests: what a member writes to book a thing, and what would be refused of it.

Nothing is written here: records are drafted, and who asked writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonweal.client.access import wish_of
from commonweal.client.exchange.lending import rows
from commonweal.client.exchange.lending.states import taken_words, thing_name, voice_for
from commonweal.client.language.local_time.spans import Span, shown_span
from commonweal.protocol.errors import UsageError, WouldNotCount
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    LOST,
    VOID,
    agreement_row,
)
from commonweal.protocol.ledger.exchange.lending import bookings
from commonweal.protocol.ledger.exchange.lending.booking_row import booking_row
from commonweal.protocol.ledger.exchange.lending.terms import Fee, terms_row, thing_row
from commonweal.protocol.ledger.state.context import Context
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.drafts import Drafts
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.node.service.events import Wish
    from commonweal.protocol.ledger.state.state import State

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
FEE_UNITS_MAX = 2**40


@dataclass(frozen=True, slots=True)
class WantedTime:
    """What a booking of a thing says. fee: the clause in return without its quantity, or None."""

    thing_id: RecordId
    clause: dict[str, Any]
    unit: str
    use: bool
    fee: Fee | None
    lender: bytes


def request_of(view: LedgerView, thing_id: RecordId, *, use: bool) -> WantedTime:
    """Return what this member's bookings of a thing say. Raises UsageError for one with them."""
    where, terms = thing_row(view.state, thing_id), terms_row(view.state, thing_id)
    assert where is not None and terms is not None, "it is lent"
    held = resource_row(view.state, where.at)
    assert held is not None, "it is somewhere"
    if voice_for(view, held.custodian) == view.me:
        text = view.words("{name} is with you: nobody has to lend it to you")
        raise UsageError(text.format(name=thing_name(view, thing_id)))
    data: dict[str, Any] = {
        "action": "use" if use else "transferCustody",
        "provider": held.custodian,
        "receiver": bytes(view.me),
        "resourceInventoriedAs": where.at,
        "clause": True,
    }
    fee = None if terms.fee is None else Fee(*terms.fee)
    return WantedTime(thing_id, data, held.unit, use, fee, held.custodian)


def drafted(
    view: LedgerView, drafts: Drafts, request: WantedTime, span: Span, places: int
) -> tuple[int, RecordId]:
    """Draft a booking; return the number of its agreement's record, and what stands for its id.

    Raises WouldNotCount with why it would be refused, or when nothing is sealed yet.
    """
    if not view.kept.cut.height:  # there is no time yet, so every booking would be too far ahead
        text = view.words("bookings go by the time of seals, and nothing is sealed yet: weal seal")
        raise WouldNotCount(text)
    begin, end = span
    times = {"hasBeginning": begin, "hasEnd": end}
    if request.use:
        amount = {"effortQuantity": _effort(end - begin)}
    else:
        amount = {"resourceQuantity": {"n": 1, "scale": 0, "unit": request.unit}}
    clauses = [
        bytes(drafts.add(wish_of("commitment", request.clause | times | amount)))
        for _ in range(places)
    ]
    data: dict[str, Any] = {"stipulates": clauses}
    if request.fee is not None:
        paid = _payment(view, request, end - begin, places)
        data["stipulatesReciprocal"] = [bytes(drafts.add(paid))]
    _check_free(view, drafts, clauses)
    deal = drafts.add(wish_of("agreement", data))
    row = agreement_row(drafts.state, deal)
    assert row is not None, "it was drafted"
    if row.status in (LOST, VOID):
        text = view.words("{when} is taken: {why}")
        why = taken_words(view, row.cause)
        raise WouldNotCount(text.format(when=shown_span(span, view.words), why=why))
    return len(drafts.wishes) - 1, deal


def _check_free(view: LedgerView, drafts: Drafts, clauses: Sequence[bytes]) -> None:
    """Raise WouldNotCount with what has the time of a booking, before it is asked."""
    kept = view.kept
    context = Context(kept.community, kept.cut, kept.rules, view.me)
    for clause in clauses:
        winner = bookings.clash(drafts.state, context, clause)
        if winner is None:
            continue
        row = commitment_row(drafts.state, clause)
        assert row is not None and row.begin is not None and row.end is not None, "it is drafted"
        when = shown_span(Span(row.begin, row.end), view.words)
        text = view.words("{when} is taken: {why}")
        raise WouldNotCount(text.format(when=when, why=taken_words(view, winner)))


def _payment(view: LedgerView, request: WantedTime, length_ms: int, places: int) -> Wish:
    """Return the clause by which the borrower pays the fee of a booking."""
    assert request.fee is not None, "it has a fee"
    _, scale, unit = request.fee.quantity
    n = request.fee.times(length_ms, FEE_UNITS_MAX) * places
    data: dict[str, Any] = {
        "action": "transfer",
        "provider": bytes(view.me),
        "receiver": request.lender,
        "resourceQuantity": {"n": n, "scale": scale, "unit": unit},
        "clause": True,
    }
    return wish_of("commitment", data)


def _effort(length_ms: int) -> dict[str, Any]:
    """Return a length of time as effort: in whole hours, else in minutes, rounded up."""
    if length_ms % HOUR_MS == 0:
        return {"n": length_ms // HOUR_MS, "scale": 0, "unit": "hour"}
    return {"n": -(-length_ms // MINUTE_MS), "scale": 0, "unit": "minute"}


def outcome(view: LedgerView, state: State, deal: RecordId) -> tuple[str, int, str]:
    """Return how a drafted booking stands, until when it can be accepted, and its words."""
    row = agreement_row(state, deal)
    assert row is not None, "it was drafted"
    clause = commitment_row(state, row.stipulates[0])
    booking = booking_row(state, row.stipulates[0])
    assert clause is not None and booking is not None, "it is a booking"
    assert clause.begin is not None and clause.end is not None, "it has a time"
    when = shown_span(Span(clause.begin, clause.end), view.words)
    words = f"{thing_name(view, booking.thing_id)}, {when}"
    state_key = rows.ACCEPTED if row.status == AGREED else rows.ASKED
    return state_key, booking.lapses_ms, words
