"""When a thing is free, and what a booking would come to, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.exchange.lending.requests import drafted, outcome, request_of
from commonweal.client.exchange.lending.terms import find_lent
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.repeats import read_repeat
from commonweal.client.language.local_time.spans import Span
from commonweal.protocol.errors import WouldNotCount
from commonweal.protocol.ledger.exchange.lending import blocks
from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS, slots_at
from commonweal.protocol.ledger.exchange.lending.terms import terms_row

WINDOW_MS_MAX = 62 * DAY_MS
"""Longest time for which it is said when a thing is free."""


@dataclass(frozen=True, slots=True)
class BookingOutlook:
    """What would come of a booking. state: "accepted" or "asked"; "" when it would be refused.

    why: the reason why it would be refused, in the language of the member; "" when it would not.
    """

    begin_ms: int
    end_ms: int
    state: str
    why: str


class Availability(HomeAccess):
    """When things are free."""

    def booking_outlook(
        self, resource: str | bytes, when: str | Sequence[Span], *, use: bool = False
    ) -> list[BookingOutlook]:
        """Return what would come of booking a thing for some times, one after another.

        when: as `Bookings.book` takes it; one that would be refused does not hinder the others.
        Raises what that raises for the whole of it.
        """
        view = self.view
        request = request_of(view, find_lent(view, prefix(resource)), use=use)
        spans = read_repeat(when, now_ms()) if isinstance(when, str) else when
        told = []
        for span in spans:
            drafts = view.drafts()
            try:
                _, deal = drafted(view, drafts, request, span, 1)
                state, _, _ = outcome(view, drafts.state, deal)
                told.append(BookingOutlook(*span, state, ""))
            except WouldNotCount as error:
                told.append(BookingOutlook(*span, "", str(error)))
        return told

    def free_times(self, resource: str | bytes, begin_ms: int, end_ms: int) -> list[Span]:
        """Return when a thing is free in [begin_ms, end_ms), the earliest first.

        Within each, a booking has a place; of a thing that is lent several times at once, some
        times that have one may be missing. Raises UnknownId, AmbiguousId, UsageError, ValueError
        for more than WINDOW_MS_MAX.
        """
        if end_ms - begin_ms > WINDOW_MS_MAX:
            raise ValueError(end_ms)
        view = self.view
        thing_id = find_lent(view, prefix(resource))
        terms = terms_row(view.state, thing_id)
        assert terms is not None, "it is lent"
        first, last = begin_ms - terms.buffer_ms, end_ms + terms.buffer_ms
        taken = [
            (slot.begin - terms.buffer_ms, slot.end + terms.buffer_ms)
            for slot in slots_at(view.state, thing_id, first, last)
        ]
        repairs = [
            (block.begin - terms.buffer_ms, (block.end or end_ms) + terms.buffer_ms)
            for block in blocks.blocks_of(view.state, thing_id)
            if block.sort == blocks.REPAIR
        ]
        marks = [mark for span in (*taken, *repairs) for mark in span if begin_ms < mark < end_ms]
        edges = sorted({begin_ms, end_ms, *marks})
        free: list[Span] = []
        for begin, end in pairwise(edges):
            held = sum(since <= begin < until for since, until in taken)
            if held >= terms.capacity or any(since <= begin < until for since, until in repairs):
                continue
            if free and free[-1].end_ms == begin:
                free[-1] = Span(free[-1].begin_ms, end)
            else:
                free.append(Span(begin, end))
        return free
