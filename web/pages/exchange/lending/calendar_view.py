"""Which days of the calendar are shown, and as which picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from commonweal.client.exchange.lending import rows
from commonweal.client.exports.calendars.calendar import (
    BLOCK,
    BOOKING,
    CALENDAR_STATES,
    DUE,
    HINT,
    REPAIR,
    CalendarItem,
)
from commonweal.client.language.local_time.days import read_day
from commonweal.client.language.local_time.zones import at, day_begin_ms
from commonweal.client.language.words import Words
from commonweal.protocol.errors import UnreadableTime
from commonweal.web.pictures import CalendarEntry, Picture, month_grid, week_grid
from commonweal.web.pictures.calendar import entries as looks
from commonweal.web.pictures.calendar.month_grid import weeks_of

WEEK, MONTH = "week", "month"
LOOKS = {
    rows.ASKED: looks.ASKED,
    rows.ACCEPTED: looks.AGREED,
    rows.MOVED: looks.AGREED,
    rows.BLOCKED: looks.BLOCKED,
    rows.OUT: looks.OUT,
    rows.LATE: looks.LATE,
    rows.BACK: looks.OVER,
    rows.OVER: looks.OVER,
    REPAIR: looks.BLOCKED,
    HINT: looks.DUE,
    DUE: looks.DUE,
}
"""How an entry of each state is drawn."""
_PAGES = {"vote": "/votes/{id}", "trial": "/votes/{id}", "promise": "/why/{id}"}
"""By the kind of a deadline, its page."""


@dataclass(frozen=True, slots=True)
class CalendarView:
    """The days that are shown: those of a week, or the weeks of a month, around a day."""

    name: str
    day: date
    today: date

    @classmethod
    def of(cls, name: str, day: str, now_ms: int) -> CalendarView:
        """Return what is asked for; a week, and today, where that cannot be read."""
        today = at(now_ms).date()
        try:
            chosen = read_day(day, now_ms) if day else today
        except UnreadableTime:
            chosen = today
        if not date.min.year < chosen.year < date.max.year:
            chosen = today
        return cls(MONTH if name == MONTH else WEEK, chosen, today)

    @property
    def first(self) -> date:
        """The Monday of the week, or the first day of the month."""
        if self.name == MONTH:
            return self.day.replace(day=1)
        return self.day - timedelta(days=self.day.weekday())

    @property
    def before(self) -> date:
        """A day of the week or month before."""
        return self.first - timedelta(days=1)

    @property
    def after(self) -> date:
        """A day of the week or month after."""
        return self.first + timedelta(days=7 if self.name == WEEK else 31)

    @property
    def bounds_ms(self) -> tuple[int, int]:
        """Where what is shown begins and ends, in ms since 1970."""
        weeks = [self.first] if self.name == WEEK else weeks_of(self.first)
        return day_begin_ms(weeks[0]), day_begin_ms(weeks[-1] + timedelta(days=7))

    def caption(self, words: Words) -> str:
        """Return what is shown, as people read it."""
        if self.name == MONTH:
            return f"{self.first:%Y-%m}"
        text = words("Week from {first} to {last}")
        return text.format(first=self.first, last=self.first + timedelta(days=6))

    def picture(self, items: tuple[CalendarItem, ...], words: Words) -> Picture:
        """Return the picture of what is in these days."""
        drawn = [drawn_entry(item, words) for item in items]
        grid = month_grid if self.name == MONTH else week_grid
        return grid(self.caption(words), self.first, drawn, words, today=self.today)


def drawn_entry(item: CalendarItem, words: Words) -> CalendarEntry:
    """Return an entry of the calendar as it is drawn."""
    return CalendarEntry(
        item.begin_ms,
        item.end_ms,
        item.title,
        item.who,
        LOOKS[item.state],
        words(CALENDAR_STATES[item.state]),
        page_of(item),
    )


def page_of(item: CalendarItem) -> str:
    """Return the page of an entry, "" where it has none."""
    if item.kind == BOOKING and item.about is not None:
        return f"/calendar/bookings/{item.about.hex()}"
    if item.kind == BLOCK and item.thing_id is not None:
        return f"/things/{item.thing_id.hex()}"
    kind, _, id = item.name.partition("-")
    return _PAGES.get(kind, "").format(id=id)
