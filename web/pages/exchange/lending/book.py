"""Book: a form that says what is free and what would be refused, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from commonweal.client.exchange.lending.availability import BookingOutlook
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.days import read_moment_ms
from commonweal.client.language.local_time.repeats import read_repeat
from commonweal.client.language.local_time.spans import Span, shown_span
from commonweal.client.language.local_time.zones import at, day_begin_ms
from commonweal.client.member import Member
from commonweal.protocol.errors import (
    AmbiguousId,
    CommonwealError,
    DoubtfulHour,
    UnknownId,
    UsageError,
    WouldNotCount,
)
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

FIELDS = ("thing", "day", "from", "last", "to", "words", "use", "note")
FREE_DAYS = 7
"""Days from the begin on of which it is shown when a thing is free."""
FREE_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the page says of a booking before it is asked. choices: labels and links, of an hour
    that is not sure. free: when the thing is free.
    """

    told: list[tuple[BookingOutlook, str]]
    free: list[str]
    error: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def can_book(self) -> bool:
        """Whether none of it would be refused."""
        return bool(self.told) and all(row.state for row, _ in self.told)


@router.get("/calendar/book")
def form(page: Page) -> Response:
    """Show the form; with a time in it, what would come of it."""
    typed = {name: page.query(name) for name in FIELDS}
    return _form(page, typed, is_asked=bool(typed["thing"] and when_of(typed)))


@router.post("/calendar/book")
def book(page: Page) -> Response:
    """Ask for a thing; each time is a booking of its own."""
    typed = {name: page.field(name) for name in FIELDS}
    try:
        made = page.act(
            lambda me: (
                me.book(
                    typed["thing"],
                    when_of(typed),
                    use=bool(typed["use"]),
                    note=typed["note"] or None,
                ).bookings
            )
        )
    except (UsageError, WouldNotCount, UnknownId, AmbiguousId) as error:
        return _form(page, typed, is_asked=True, error=page.sentence(error))
    if all(row.state == "accepted" for row in made):
        done = page.words.plural("{n} booking is yours.", "{n} bookings are yours.", len(made))
    else:
        done = page.words.plural("{n} booking is asked.", "{n} bookings are asked.", len(made))
    return page.go(f"/calendar/bookings/{made[0].id.hex()}", done.format(n=len(made)))


def when_of(typed: dict[str, str]) -> str:
    """Return the time that a form names, as it is typed; "" for none."""
    if typed["words"]:
        return typed["words"]
    if not typed["day"]:
        return ""
    last = typed["last"] or typed["day"]
    if not typed["from"] and not typed["to"]:
        return f"{typed['day']} - {last}"
    return f"{typed['day']} {typed['from']} - {last} {typed['to']}"


def _form(page: PageRequest, typed: dict[str, str], *, is_asked: bool, error: str = "") -> Response:
    with page.member() as member:
        lent = member.lent_things()
        seen = _outlook(page, member, typed) if is_asked else Outlook([], [])
        chosen = next((row for row in lent if row.id.hex() == typed["thing"]), None)
        return page.show(
            "exchange/book.html",
            422 if error or seen.error else 200,
            things=[(row.id.hex(), f"{row.name} · {row.lender_name}") for row in lent],
            thing=chosen,
            typed=typed,
            today=at(now_ms()).date().isoformat(),
            is_asked=is_asked,
            seen=seen,
            error=error or seen.error,
        )


def _outlook(page: PageRequest, member: Member, typed: dict[str, str]) -> Outlook:
    text, now = when_of(typed), now_ms()
    try:
        spans = read_repeat(text, now)
        told = member.booking_outlook(typed["thing"], spans, use=bool(typed["use"]))
        first = day_begin_ms(at(spans[0].begin_ms).date())
        free = member.free_times(typed["thing"], max(first, now), _week_on(spans[0], now))
    except DoubtfulHour as error:
        return Outlook([], [], page.sentence(error), _choices(typed, error, now))
    except CommonwealError as error:
        return Outlook([], [], page.sentence(error))
    shown = [shown_span(span, page.words) for span in free[:FREE_SHOWN]]
    return Outlook([(row, _shown(row, page)) for row in told], shown)


def _week_on(span: Span, now: int) -> int:
    return max(span.begin_ms, now) + FREE_DAYS * 24 * 3_600_000


def _shown(row: BookingOutlook, page: PageRequest) -> str:
    return shown_span(Span(row.begin_ms, row.end_ms), page.words)


def _choices(typed: dict[str, str], error: DoubtfulHour, now: int) -> tuple[tuple[str, str], ...]:
    """Return links to the same form, each with an hour that there is once; none for a series."""
    if typed["words"] or not typed["from"]:
        return ()
    begin, last = f"{typed['day']} {typed['from']}", typed["last"] or typed["day"]
    end = f"{last} {typed['to']}"
    try:
        read_moment_ms(begin, now)
        texts = [f"{begin} - {choice}" for choice in error.choices]
    except DoubtfulHour:
        texts = [f"{choice} - {end}" for choice in error.choices]
    except CommonwealError:
        return ()
    kept = {"thing": typed["thing"], "use": typed["use"], "note": typed["note"]}
    return tuple(
        (choice, f"/calendar/book?{urlencode(kept | {'words': text})}")
        for choice, text in zip(error.choices, texts, strict=True)
    )
