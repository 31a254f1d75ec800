"""Bookings: a thing is asked for, accepted, handed out and given back; lists of them.

What would be refused, or is taken already, is said before anything is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.exchange.lending import rows
from commonweal.client.exchange.lending.requests import drafted, outcome, request_of
from commonweal.client.exchange.lending.rows import (
    BookingAct,
    ListedBooking,
    NewBooking,
    NewBookings,
)
from commonweal.client.exchange.lending.states import (
    bookings_of,
    judged_at_ms,
    lender_now,
    listed_booking,
    out_as,
    taken_words,
    voice_for,
    voices,
)
from commonweal.client.exchange.lending.terms import find_lent
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.repeats import read_repeat
from commonweal.client.language.local_time.spans import Span, shown_span
from commonweal.client.language.times import shown
from commonweal.client.ledger.names.directory import begins
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.errors import UsageError, WouldNotCount
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    ASKED,
    LOST,
    VOID,
    AgreementRow,
    agreement_row,
    clause_rows,
)
from commonweal.protocol.ledger.exchange.lending.booking_row import (
    BOOKING,
    BookingRow,
    booking_row,
    is_booking,
)
from commonweal.protocol.ledger.exchange.lending.terms import (
    thing_row,
)
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.drafts import Drafts
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.state.state import State

PLACES_MAX = 16
"""How many of a thing are booked at once: clauses of one agreement."""
ID_DIGITS_MIN = 4


class Bookings(HomeAccess):
    """Bookings of things: asked, accepted, handed out, given back."""

    def bookings(
        self,
        resource: str | bytes | None = None,
        *,
        everyone: bool = False,
        since_ms: int | None = None,
        until_ms: int | None = None,
    ) -> list[ListedBooking]:
        """Return bookings that touch [since_ms, until_ms), the earliest first.

        resource: only of this thing, of everybody. everyone: of all things and members; else those
        in which this member lends or borrows. since_ms: now, unless said. What is out and not back
        is among them. Raises UnknownId, AmbiguousId, UsageError.
        """
        view, now = self.view, now_ms()
        thing_id = None if resource is None else find_lent(view, prefix(resource))
        people = () if everyone or resource is not None else voices(view)
        since = now if since_ms is None else since_ms
        clauses = bookings_of(
            view, thing_id=thing_id, people=people, since_ms=since, until_ms=until_ms
        )
        return [listed_booking(view, clause, now) for clause in clauses]

    def booking(self, id: str | bytes) -> ListedBooking:
        """Return a booking by the id of its deal or clause. Raises UnknownId, AmbiguousId."""
        return listed_booking(self.view, booking_id(self.view, prefix(id)), now_ms())

    def book(
        self,
        resource: str | bytes,
        when: str | Sequence[Span],
        *,
        places: int = 1,
        use: bool = False,
        note: str | None = None,
    ) -> NewBookings:
        """Ask for a thing for some times, each a booking of its own; all are written, or none.

        when: as it is typed, sat 9:00-17:00 or every tue 18:00-20:00, 6 times; or the times. It is
        accepted at once where the terms say so, and else once who has it says yes. places:
        how many of it at once. use: it is used where it is, and not handed out. A fee of the terms
        is promised in return. Raises UnknownId, AmbiguousId, UsageError, UnusableText, what
        `read_repeat` raises, and WouldNotCount with what has the time, or which term is not met.
        """
        view = self.view
        request = request_of(view, find_lent(view, prefix(resource)), use=use)
        if not 1 <= places <= PLACES_MAX:
            text = self.words("from 1 to {most} at once")
            raise UsageError(text.format(most=PLACES_MAX))
        spans = read_repeat(when, now_ms()) if isinstance(when, str) else when
        if not spans:
            raise UsageError(self.words("name a time that is not over"))
        drafts = view.drafts()
        asked = [drafted(view, drafts, request, span, places) for span in spans]
        if body := note_body(note, words=self.words):
            for _, deal in asked:
                drafts.add(wish_of("agreement.comment", {"agreement": bytes(deal)}, (), body))
        told = [(number, outcome(view, drafts.state, deal)) for number, deal in asked]
        written = self._write_drafts(drafts)
        made = tuple(
            NewBooking(written[number].id, written[number].seq, *values) for number, values in told
        )
        return NewBookings(made[0].id, made[0].seq, made)

    def accept_booking(self, id: str | bytes) -> BookingAct:
        """Say yes to a booking, or take one over with the thing. Raises as `book` does.

        Refused where the yes would promise more than this thing for this time.
        """
        view = self.view
        clause, row, promise = self._booking(id)
        deal = _deal(view.state, row)
        if deal.status == AGREED:
            if lender_now(view.state, promise) in voices(view):
                return self._answer(clause, row, "yes")
            raise WouldNotCount(self.words("everybody has said yes to it already"))
        if deal.status != ASKED:
            raise WouldNotCount(self._stands(clause))
        if row.lapses_ms <= judged_at_ms(view):
            text = self.words("it lapsed at {time}: ask again")
            raise WouldNotCount(text.format(time=shown(row.lapses_ms)))
        if not _is_all_given(view, deal, promise):
            text = self.words("you would promise more than that: weal deal show {id}")
            raise WouldNotCount(text.format(id=row.deal.hex()[:8]))
        return self._answer(clause, row, "yes")

    def decline_booking(self, id: str | bytes) -> BookingAct:
        """Say no to a booking, or do not take one over with the thing. Raises as `book` does."""
        clause, row, promise = self._booking(id)
        status = _deal(self.view.state, row).status
        takes_over = lender_now(self.view.state, promise) in voices(self.view)
        if status != ASKED and not (status == AGREED and takes_over):
            raise WouldNotCount(self._stands(clause))
        return self._answer(clause, row, "no")

    def cancel_booking(self, id: str | bytes) -> BookingAct:
        """Take a booking back: an asked one, or before its beginning an accepted one.

        After the beginning both have to. Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        view = self.view
        clause, row, _ = self._booking(id)
        status = _deal(view.state, row).status
        if status == ASKED:
            return self._answer(clause, row, "withdraw")
        if status != AGREED or row.back is not None:
            raise WouldNotCount(self._stands(clause))
        drafts = view.drafts()
        data = {"agreement": row.deal, "why": "given up"} | self._voice(row)
        drafts.add(wish_of("agreement.end", data, (row.deal,)))
        return self._write_act(drafts, clause, row)

    def hand_out(self, id: str | bytes, *, note: str | None = None) -> BookingAct:
        """Hand a thing out for an accepted booking, as who lends it; all places of its deal.

        Raises UnknownId, AmbiguousId, UsageError, UnusableText, WouldNotCount.
        """
        view = self.view
        clause, row, promise = self._booking(id)
        if promise.action == "use":
            text = self.words("it is used where it is: weal record use 1 hour --fulfills {id}")
            raise UsageError(text.format(id=clause.hex()[:8]))
        places = [
            (place, what)
            for place, known, what in self._places(id, clause, row, promise)
            if known.out is None and what.action != "use"
        ]
        if _deal(view.state, row).status != AGREED or not places:
            raise WouldNotCount(self._stands(clause))
        home = _home(view.state, row.thing_id)
        drafts = view.drafts()
        takes_over = lender_now(view.state, promise) in voices(view)
        if takes_over:
            answer = {"agreement": row.deal, "say": "yes"} | self._voice(row)
            drafts.add(wish_of("agreement.sign", answer, (row.deal,)))
        for place, what in places:
            n, scale, unit = what.quantity
            data: dict[str, Any] = {
                "action": "transferCustody",
                "provider": _custodian(view.state, home) if takes_over else what.provider,
                "receiver": what.receiver,
                "resourceInventoriedAs": home,
                "resourceQuantity": {"n": n, "scale": scale, "unit": unit},
                "newInventoriedResource": {},
                "fulfills": place,
            }
            drafts.add(wish_of("event", data, (), note_body(note, words=self.words)))
        return self._write_act(drafts, clause, row)

    def take_back(self, id: str | bytes, *, note: str | None = None) -> BookingAct:
        """Say that a thing that was handed out for a booking is back: who has it, or who lends it.

        All places of its deal that are out. Raises UnknownId, AmbiguousId, UnusableText,
        WouldNotCount.
        """
        view = self.view
        clause, row, promise = self._booking(id)
        out = [
            known
            for _, known, _ in self._places(id, clause, row, promise)
            if known.out is not None and known.back is None
        ]
        if not out:
            raise WouldNotCount(self._stands(clause))
        home = _home(view.state, row.thing_id)
        drafts = view.drafts()
        for source in dict.fromkeys(
            source for known in out for source in out_as(view.state, known)
        ):
            held = resource_row(view.state, source)
            assert held is not None, "it was handed on"
            amount = {"n": held.onhand or 1, "scale": held.scale, "unit": held.unit}
            data: dict[str, Any] = {
                "action": "transferCustody",
                "provider": held.custodian,
                "receiver": _custodian(view.state, home),
                "resourceInventoriedAs": source,
                "toResourceInventoriedAs": home,
                "resourceQuantity": amount,
            }
            drafts.add(wish_of("event", data, (), note_body(note, words=self.words)))
        return self._write_act(drafts, clause, row)

    def _places(
        self, id: str | bytes, clause: RecordId, row: BookingRow, promise: CommitmentRow
    ) -> list[tuple[RecordId, BookingRow, CommitmentRow]]:
        """Return the bookings that an id names: one, or by the id of a deal all its places.

        clause, row, promise: what `_booking` returns for the id.
        """
        if clause.hex().startswith(prefix(id).lower()):
            return [(clause, row, promise)]
        state, span = self.view.state, (row.thing_id, promise.begin, promise.end)
        parts = clause_rows(state, _deal(state, row))
        rows = ((RecordId(part), booking_row(state, part), what) for part, what in parts)
        return [
            (part, known, what)
            for part, known, what in rows
            if known is not None and (known.thing_id, what.begin, what.end) == span
        ]

    def _booking(self, id: str | bytes) -> tuple[RecordId, BookingRow, CommitmentRow]:
        clause = booking_id(self.view, prefix(id))
        row, promise = booking_row(self.view.state, clause), commitment_row(self.view.state, clause)
        assert row is not None and promise is not None, "it is a booking"
        return clause, row, promise

    def _answer(self, clause: RecordId, row: BookingRow, say: str) -> BookingAct:
        drafts = self.view.drafts()
        data = {"agreement": row.deal, "say": say} | self._voice(row)
        drafts.add(wish_of("agreement.sign", data, (row.deal,)))
        after = _deal(drafts.state, row)
        if after.status in (LOST, VOID):
            text = self.words("it is taken: {why}")
            raise WouldNotCount(text.format(why=taken_words(self.view, after.cause)))
        return self._write_act(drafts, clause, row)

    def _voice(self, row: BookingRow) -> dict[str, Any]:
        """Return what a record says where this member speaks for the community."""
        view = self.view
        deal = _deal(view.state, row)
        if view.me in deal.parties:
            return {}
        of_lender = [lender_now(view.state, clause) for _, clause in clause_rows(view.state, deal)]
        is_ours = view.community in deal.parties or view.community in of_lender
        return {"for": bytes(view.community)} if is_ours and view.me not in of_lender else {}

    def _write_act(self, drafts: Drafts, clause: RecordId, row: BookingRow) -> BookingAct:
        written = self._write_drafts(drafts)
        after = listed_booking(self.view, clause, now_ms())
        words = _booking_words(self.view, after)
        return BookingAct(written[-1].id, written[-1].seq, RecordId(row.deal), after.state, words)

    def _stands(self, clause: RecordId) -> str:
        """Return how a booking stands, as the reason why something cannot be done with it."""
        words = self.words
        known = listed_booking(self.view, clause, now_ms())
        text = words("it stands so: {state}").format(state=words(rows.BOOKING_STATES[known.state]))
        return f"{text}, {known.lost_words}" if known.lost_words else text


def booking_id(view: LedgerView, text: str) -> RecordId:
    """Return the clause of the booking whose clause or deal has an id that begins so.

    Of a deal that books several places one of them. Raises UnknownId, AmbiguousId.
    """
    clauses = [RecordId(key[len(BOOKING) :]) for key, _ in view.state.items(BOOKING)]
    digits = text.lower()
    rows = ((clause, booking_row(view.state, clause)) for clause in clauses)
    by_deal = {
        row.deal: clause
        for clause, row in rows
        if row is not None and row.deal.hex().startswith(digits)
    }
    if len(digits) >= ID_DIGITS_MIN and len(by_deal) == 1:
        return next(iter(by_deal.values()))
    return begins(clauses, text)


def _booking_words(view: LedgerView, booking: ListedBooking) -> str:
    when = shown_span(Span(booking.begin_ms, booking.end_ms), view.words)
    return f"{booking.name}, {when}"


def _deal(state: State, row: BookingRow) -> AgreementRow:
    deal = agreement_row(state, row.deal)
    assert deal is not None, "an agreement asked for it"
    return deal


def _is_all_given(view: LedgerView, deal: AgreementRow, promise: CommitmentRow) -> bool:
    """Return whether a yes of this member promises nothing but what a booking of the deal says."""
    asked = (promise.receiver, promise.resource, promise.begin, promise.end)
    given = (row for _, row in clause_rows(view.state, deal) if voice_for(view, row.provider))
    is_of_it = all(
        (row.receiver, row.resource, row.begin, row.end) == asked and is_booking(row)
        for row in given
    )
    return is_of_it and not deal.sets_off


def _home(state: State, thing_id: bytes) -> bytes:
    where = thing_row(state, thing_id)
    assert where is not None, "it has terms"
    return where.at


def _custodian(state: State, resource: bytes) -> bytes:
    row = resource_row(state, resource)
    assert row is not None, "it is known"
    return row.custodian
