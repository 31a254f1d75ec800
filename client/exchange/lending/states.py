"""How bookings stand, and what a member can do with them: computed when they are read.

Whether one has lapsed is judged by the time of the last seal, as the ledger judges. Whether one is
late or over is judged by the clock of this machine: nothing follows from it but what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.lending import rows
from commonweal.client.exchange.lending.rows import ListedBooking
from commonweal.client.language.local_time.spans import Span, shown_span
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.deals import agreement_row as deals
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AgreementRow,
    agreement_row,
    signed_row,
)
from commonweal.protocol.ledger.exchange.lending import bookings
from commonweal.protocol.ledger.exchange.lending.blocks import repair_at
from commonweal.protocol.ledger.exchange.lending.booking_row import BookingRow, booking_row
from commonweal.protocol.ledger.exchange.lending.terms import (
    HANDED_ON,
    HandedOnRow,
    handed_on,
)
from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import RecordId
from commonweal.storage.records.seal_store import RecordPlace, SealStore

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.state.state import State

_BOOKINGS = "SELECT id FROM booking_row WHERE {} ORDER BY begins, id"
_NOT_AGREED = {
    deals.DECLINED: rows.DECLINED,
    deals.COUNTERED: rows.DECLINED,
    deals.WITHDRAWN: rows.WITHDRAWN,
    deals.LOST: rows.LOST,
    deals.VOID: rows.VOID,
    deals.GIVEN_UP: rows.CANCELLED,
}


def voices(view: LedgerView) -> tuple[bytes, ...]:
    """Return the parties that this member speaks for: themselves, and the community if they may."""
    role = view.kept.rules.speaks_for_community
    if not role or roles.holds(view.state, view.me, role):
        return bytes(view.me), bytes(view.community)
    return (bytes(view.me),)


def voice_for(view: LedgerView, agent: bytes) -> bytes | None:
    """Return the party for which this member speaks if it is that agent; else None."""
    return next((me for me in voices(view) if me == agents.person(view.state, agent)), None)


def judged_at_ms(view: LedgerView) -> int:
    """Return the time (ms since 1970) of the last seal, as far as it is trusted; 0 without one."""
    return times.sealed_ms(view.final, view.kept.cut.time_ms)


def booking_state(state: State, clause: bytes, sealed_ms: int, now_ms: int) -> str:
    """Return how a booking stands, a key of BOOKING_STATES.

    sealed_ms: the time of the last seal. now_ms: the time of who reads.
    """
    row, promise = booking_row(state, clause), commitment_row(state, clause)
    assert row is not None and promise is not None and promise.end is not None, "it is a booking"
    deal = agreement_row(state, row.deal)
    assert deal is not None, "an agreement asked for it"
    if row.back is not None:
        return rows.BACK
    if deal.status == deals.ASKED:
        return rows.LAPSED if row.lapses_ms <= sealed_ms else rows.ASKED
    if deal.status in _NOT_AGREED:
        return _NOT_AGREED[deal.status]
    if row.out is not None:
        return rows.OUT if now_ms <= promise.end else rows.LATE
    if deal.status == deals.ENDED or now_ms >= promise.end:
        return rows.OVER
    assert promise.begin is not None, "a booking has a beginning"
    if repair_at(state, row.thing_id, promise.begin, promise.end) is not None:
        return rows.BLOCKED
    custodian = lender_now(state, promise)
    return rows.MOVED if custodian is not None else rows.ACCEPTED


def lender_now(state: State, clause: CommitmentRow) -> bytes | None:
    """Return who has the thing of an accepted booking now, if it moved and they did not confirm."""
    custodian = None if clause.resource is None else bookings.lender_of(state, clause.resource)
    if custodian is None:
        return None
    person = agents.person(state, custodian)
    return person if bookings.lends_now(state, person, clause) else None


def listed_booking(view: LedgerView, clause: bytes, now_ms: int) -> ListedBooking:
    """Return a booking as it is read."""
    state = view.state
    row, promise = booking_row(state, clause), commitment_row(state, clause)
    assert row is not None and promise is not None, "it is a booking"
    assert promise.begin is not None and promise.end is not None, "it has a time"
    assert promise.resource is not None, "it names a thing"
    deal = agreement_row(state, row.deal)
    assert deal is not None, "an agreement asked for it"
    stands = booking_state(state, clause, judged_at_ms(view), now_ms)
    fee = None if row.back is None else commitment_row(state, row.back)
    return ListedBooking(
        id=RecordId(row.deal),
        clause=RecordId(clause),
        thing_id=RecordId(row.thing_id),
        resource=RecordId(promise.resource),
        name=thing_name(view, row.thing_id),
        lender=promise.provider,
        lender_name=view.name(promise.provider),
        borrower=promise.receiver,
        borrower_name=view.name(promise.receiver),
        use=promise.action == "use",
        begin_ms=promise.begin,
        end_ms=promise.end,
        state=stands,
        until_ms=row.until if row.number else None,
        asked_ms=row.asked_ms,
        lapses_ms=row.lapses_ms,
        out=None if row.out is None else RecordId(row.out),
        back=None if row.back is None else RecordId(row.back),
        returned_ms=row.back_ms,
        lost_to=RecordId(deal.cause) if deal.status == deals.LOST and deal.cause else None,
        lost_words=taken_words(view, deal.cause) if deal.status == deals.LOST else "",
        late_fee=None if fee is None else exact(*fee.quantity[:2]),
        late_fee_open=None if fee is None else exact(fee.open.n, fee.open.scale),
        late_fee_unit=None if fee is None else fee.quantity[2],
        final_at=_final_at(view, row, deal),
        acts=tuple(_acts(view, row, promise, deal, stands)),
    )


def thing_name(view: LedgerView, thing_id: bytes) -> str:
    """Return what a thing is called: the name of its specification, else how its id begins."""
    row = resource_row(view.state, thing_id)
    return (spec_name(view, row.spec) if row is not None else None) or thing_id.hex()[:8]


def taken_words(view: LedgerView, cause: bytes | None) -> str:
    """Return who has a time, as a part of a sentence. cause: a deal that books, or a block."""
    words = view.words
    deal = None if cause is None else agreement_row(view.state, cause)
    if cause is None or deal is None:
        return words("it is out of use then")
    clause = next(
        (row for _, row in deals.clause_rows(view.state, deal) if row.begin and row.end), None
    )
    if clause is None or clause.begin is None or clause.end is None:
        return words("the deal {id} has it").format(id=cause.hex()[:8])
    text = words("{name} has it {when}, by {id}")
    when = shown_span(Span(clause.begin, clause.end), words)
    return text.format(name=view.name(clause.receiver), when=when, id=cause.hex()[:8])


def bookings_of(
    view: LedgerView,
    *,
    thing_id: bytes | None = None,
    people: Iterable[bytes] = (),
    since_ms: int = 0,
    until_ms: int | None = None,
) -> list[bytes]:
    """Return the clauses of bookings that touch [since_ms, until_ms), the earliest first.

    What is out and not back is among them. thing_id: only of this one. people: only those of which
    one lends or borrows.
    """
    asked = [*people]
    marks = ", ".join("?" * len(asked))
    parts = ["(ends > ? OR (out IS NOT NULL AND back IS NULL))"]
    given: list[bytes | int] = [since_ms]
    if until_ms is not None:
        parts.append("begins < ?")
        given.append(until_ms)
    if thing_id is not None:
        parts.append("thing = ?")
        given.append(thing_id)
    if asked:
        parts.append(f"(lender IN ({marks}) OR borrower IN ({marks}))")
        given += [*asked, *asked]
    select = _BOOKINGS.format(" AND ".join(parts))
    return [id for (id,) in view.kept.layers.rows(select, given)]


def _acts(
    view: LedgerView, row: BookingRow, clause: CommitmentRow, deal: AgreementRow, stands: str
) -> Iterator[str]:
    """Yield what this member can do with a booking now."""
    lends = voice_for(view, clause.provider) is not None
    borrows = agents.person(view.state, clause.receiver) == view.me
    custodian = lender_now(view.state, clause) if stands == rows.MOVED else None
    if custodian is not None and custodian in voices(view):
        yield from ("accept", "decline")
        return
    if stands == rows.ASKED:
        mine = next((party for party in voices(view) if party in deal.parties), None)
        signed = None if mine is None else signed_row(view.state, row.deal, mine)
        if mine is not None and signed is None:
            yield from ("accept", "decline")
        elif mine is not None:
            yield "cancel"
    if stands in (rows.ACCEPTED, rows.BLOCKED, rows.MOVED):
        if lends and clause.action != "use" and stands != rows.MOVED:
            yield "lend"
        if lends or borrows:
            yield "cancel"
    if stands in (rows.OUT, rows.LATE) and _may_return(view, row):
        yield "return"


def _may_return(view: LedgerView, row: BookingRow) -> bool:
    """Return whether this member may say that a thing is back: it is theirs, or with them."""
    held = (resource_row(view.state, id) for id in out_as(view.state, row))
    sides = [side for known in held if known for side in (known.accountable, known.custodian)]
    return any(voice_for(view, side) is not None for side in sides)


def out_as(state: State, row: BookingRow) -> list[bytes]:
    """Return the resources that a thing is while it is out for a booking; at least one."""
    assert row.out is not None, "it is out"
    lent = handed_on(state, row.out)
    handed = (
        key[len(HANDED_ON) :]
        for key, value in state.items(HANDED_ON)
        if lent is not None and HandedOnRow(*value) == lent
    )
    held = [id for id in handed if (known := resource_row(state, id)) is not None and known.onhand]
    return held or [row.out]


def _final_at(view: LedgerView, row: BookingRow, deal: AgreementRow) -> int | None:
    """Return the height that makes final how a booking stands; None while it is provisional."""
    signed = (signed_row(view.state, row.deal, party) for party in deal.parties)
    told = [row.deal, *(answer.record for answer in signed if answer is not None)]
    told += [id for id in (row.out, row.back) if id is not None]
    held = [view.store.record(RecordId(id)) for id in dict.fromkeys(told)]
    places = {
        RecordPlace(record.author, record.seq, record.clock)
        for record in held
        if record is not None and view.kept.is_final(record)
    }
    known = sum(record is not None for record in held)
    if len(places) < known:
        return None
    heights = SealStore(view.store, view.community).heights_covering(places)
    return max(heights.values(), default=None)
