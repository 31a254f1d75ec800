"""What stands in a calendar, and how spans that overlap are laid beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta, tzinfo
from typing import NamedTuple

from commonweal.client.language.local_time.spans import Span, shown_moment, shown_span
from commonweal.client.language.local_time.zones import at
from commonweal.client.language.words import N_, Words
from commonweal.web.pictures.canvas import LINE, TEXT_SIZE, Canvas
from commonweal.web.pictures.others import others
from commonweal.web.pictures.picture import ROWS_MAX, TableCell
from commonweal.web.pictures.text_width import width_of

ASKED, AGREED, OUT, LATE, OVER, BLOCKED, DUE = (
    *("asked", "agreed", "out", "late", "over", "blocked", "due"),
)
SIGNS = {
    ASKED: ("?", N_("asked")),
    AGREED: ("✓", N_("accepted")),
    OUT: ("→", N_("handed out")),
    LATE: ("!", N_("overdue")),
    OVER: ("–", N_("is over")),
    BLOCKED: ("×", N_("blocked")),
    DUE: ("◆", N_("due")),
}
"""By the look of an entry, the sign before its text, and what the sign means."""


class CalendarEntry(NamedTuple):
    """A span [begin, end) in ms since 1970, or a moment, when both are one.

    title: what is booked or due. who: whose it is, "" for nobody's. look: a key of SIGNS. state: in
    the words of the page. link: its page.
    """

    begin_ms: int
    end_ms: int
    title: str
    who: str
    look: str
    state: str
    link: str = ""

    @property
    def last_ms(self) -> int:
        """The last ms that is part of it."""
        return max(self.begin_ms, self.end_ms - 1)

    @property
    def text(self) -> str:
        """What is written on it."""
        named = " · ".join(filter(None, (self.title, self.who)))
        return f"{SIGNS[self.look][0]} {named}"

    def days(self, zone: tzinfo | None) -> tuple[date, date]:
        """Return its first and its last day."""
        return at(self.begin_ms, zone).date(), at(self.last_ms, zone).date()

    def when(self, words: Words, zone: tzinfo | None) -> str:
        """Return when it is, as people read it."""
        if self.begin_ms == self.end_ms:
            return shown_moment(self.begin_ms, words, zone)
        return shown_span(Span(self.begin_ms, self.end_ms), words, zone)


def in_order(entries: Iterable[CalendarEntry]) -> list[CalendarEntry]:
    """Return entries by their begin, the longer ones first."""
    return sorted(entries, key=lambda entry: (entry.begin_ms, -entry.end_ms, entry.text))


def lanes(spans: Sequence[tuple[int, int]]) -> list[int]:
    """Return the lane of each span [begin, end): the first that is free when it begins.

    spans: by their begin. What ends where another begins does not overlap it.
    """
    free_at: list[int] = []
    chosen = []
    for begin, end in spans:
        lane = next((n for n, free in enumerate(free_at) if free <= begin), len(free_at))
        free_at[lane : lane + 1] = [max(end, begin + 1)]
        chosen.append(lane)
    return chosen


def columns(words: Words) -> tuple[str, ...]:
    """Return the headings of the table."""
    return words("when"), words("what"), words("who"), words("state")


def rows(
    entries: Sequence[CalendarEntry], words: Words, zone: tzinfo | None
) -> tuple[tuple[TableCell, ...], ...]:
    """Return the rows of the table, ROWS_MAX at most; the last says how many more there are."""
    made = [
        (
            TableCell(entry.when(words, zone)),
            TableCell(entry.title, entry.link),
            TableCell(entry.who),
            TableCell(entry.state),
        )
        for entry in entries
    ]
    if len(made) > ROWS_MAX:
        more = others(len(made) - ROWS_MAX + 1, words)
        made[ROWS_MAX - 1 :] = [(TableCell(""), TableCell(more), TableCell(""), TableCell(""))]
    return tuple(made)


def described(entries: Sequence[CalendarEntry], words: Words, zone: tzinfo | None) -> str:
    """Return what a screen reader says of a grid: all entries, one after another."""
    cells = (row[:4] for row in rows(entries, words, zone))
    return words("; ").join(" ".join(filter(None, (cell.text for cell in row))) for row in cells)


def legend(canvas: Canvas, entries: Iterable[CalendarEntry], y: float, words: Words) -> float:
    """Write what the signs of these entries mean, from `y` on; return where the text ends."""
    looks = dict.fromkeys(entry.look for entry in entries)
    x = 0.0
    for look in (look for look in SIGNS if look in looks):
        sign, meaning = SIGNS[look]
        text = f"{sign} {words(meaning)}"
        if x and x + width_of(text, TEXT_SIZE) > canvas.width:
            x, y = 0.0, y + LINE
        canvas.text(x, y + TEXT_SIZE, text, look="faint")
        x += width_of(text, TEXT_SIZE) + LINE
    return y + LINE if looks else y


def day_after(day: date, days: int = 1) -> date:
    """Return the day so many days on; the last one of the calendar where there is none."""
    return day + timedelta(days=days) if day.toordinal() + days <= date.max.toordinal() else day
