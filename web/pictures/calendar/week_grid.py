"""A week: a row for each day, spans along its hours, as long as they really are.

A day on which the clocks change is an hour shorter or longer, and has its own hours written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import NamedTuple

from markupsafe import Markup

from commonweal.client.language.local_time.spans import WEEKDAYS
from commonweal.client.language.local_time.zones import at, hour_ms
from commonweal.client.language.words import Words
from commonweal.web.pictures.calendar.entries import (
    SIGNS,
    CalendarEntry,
    columns,
    day_after,
    described,
    in_order,
    lanes,
    legend,
    rows,
)
from commonweal.web.pictures.canvas import LINE, TEXT_SIZE, Canvas, plain
from commonweal.web.pictures.others import others
from commonweal.web.pictures.picture import NARROW, WIDE, Picture
from commonweal.web.pictures.text_width import width_of

DAYS = 7
LANES_MAX = 8
"""Spans that a day shows at the same time; how many more there are is written below them."""

FIRST_HOUR, LAST_HOUR = 7, 21
"""Hours that are always shown; others are where something begins or ends in them."""

_HOUR_MS = 3_600_000
_HOURS = 24
_LEFT, _LANE, _BAR = 50, 20, 17
_BAR_WIDTH_MIN = 3
_LABEL_ROOM, _TEXT_ROOM = 22, 40
_STEPS = (1, 2, 3, 4, 6, 12)


class WeekDay(NamedTuple):
    """A day, and the part of it that is shown, [begin, end) in ms since 1970."""

    day: date
    begin_ms: int
    end_ms: int

    def hours(self, zone: tzinfo | None) -> list[tuple[int, int]]:
        """Return each full hour that a clock shows, with its instant; one that comes twice, twice.

        In order of time. The end is one of them.
        """
        full = range(self.begin_ms, self.end_ms + 1, _HOUR_MS // 4)
        shown = [(at(instant_ms, zone), instant_ms) for instant_ms in full]
        return [
            (24 if moment.date() > self.day else moment.hour, instant_ms)
            for moment, instant_ms in shown
            if moment.minute == 0
        ]


@dataclass(frozen=True, slots=True)
class Scale:
    """Where an instant of a day is drawn."""

    left: float
    pixels_per_hour: float

    def x(self, day: WeekDay, at_ms: int) -> float:
        """Return the place of an instant; of one that is not shown, that of the nearest."""
        shown_ms = min(max(at_ms, day.begin_ms), day.end_ms)
        return self.left + (shown_ms - day.begin_ms) / _HOUR_MS * self.pixels_per_hour


def week_grid(
    caption: str,
    monday: date,
    entries: Sequence[CalendarEntry],
    words: Words,
    *,
    zone: tzinfo | None = None,
    today: date | None = None,
) -> Picture:
    """Return the seven days from `monday` on with what touches them.

    zone: None for that of the machine. today: the day that is marked.
    """
    first_ms, last_ms = hour_ms(monday, 0, zone), hour_ms(day_after(monday, DAYS), 0, zone)
    shown = in_order(
        entry for entry in entries if entry.begin_ms < last_ms and entry.last_ms >= first_ms
    )
    days = _days(monday, shown, zone)
    narrow, wide = (
        _drawn(caption, days, shown, words, zone, today, width) for width in (NARROW, WIDE)
    )
    return Picture(narrow, wide, caption, columns(words), rows(shown, words, zone))


def _days(monday: date, shown: Sequence[CalendarEntry], zone: tzinfo | None) -> list[WeekDay]:
    """Return the days, with hours that show where each span begins and ends."""
    first, last = FIRST_HOUR, LAST_HOUR
    week = [day_after(monday, number) for number in range(DAYS)]
    for entry in shown:
        begin, end = at(entry.begin_ms, zone), at(entry.last_ms, zone)
        begins_within, ends_within = (
            entry.begin_ms != hour_ms(begin.date(), 0, zone),
            entry.last_ms + 1 != hour_ms(end.date(), _HOURS, zone),
        )
        is_short = begin.date() == end.date() and (begins_within or ends_within)
        if begin.date() in week and (begins_within or is_short):
            first, last = min(first, begin.hour), max(last, begin.hour + 1)
        if end.date() in week and (ends_within or is_short):
            first, last = min(first, end.hour), max(last, end.hour + 1)
    return [WeekDay(day, hour_ms(day, first, zone), hour_ms(day, last, zone)) for day in week]


def _drawn(
    caption: str,
    days: Sequence[WeekDay],
    shown: Sequence[CalendarEntry],
    words: Words,
    zone: tzinfo | None,
    today: date | None,
    width: float,
) -> Markup:
    canvas = Canvas(width, caption, described(shown, words, zone))
    longest_ms = max(day.end_ms - day.begin_ms for day in days)
    scale = Scale(_LEFT, (width - _LEFT - _LABEL_ROOM / 2) / (longest_ms / _HOUR_MS))
    usual = _usual_hours(days, zone)
    _hours(canvas, usual, scale, LINE - 4)
    y: float = LINE
    for day in days:
        hours = _offsets(day, zone)
        if hours != usual:
            _hours(canvas, hours, scale, y + LINE - 4)
            y += LINE
        y = _row(canvas, day, hours, shown, scale, y, words, zone, is_today=day.day == today)
    return canvas.finish(legend(canvas, shown, y + 6, words) + 4)


def _usual_hours(days: Sequence[WeekDay], zone: tzinfo | None) -> list[tuple[int, float]]:
    """Return the hours of most days."""
    written = [_offsets(day, zone) for day in days]
    return max(written, key=written.count)


def _offsets(day: WeekDay, zone: tzinfo | None) -> list[tuple[int, float]]:
    """Return the hours that a day shows, each with how many hours after its begin it comes."""
    return [(hour, (ms - day.begin_ms) / _HOUR_MS) for hour, ms in day.hours(zone)]


def _hours(
    canvas: Canvas, hours: Sequence[tuple[int, float]], scale: Scale, baseline: float
) -> None:
    """Write hours as far apart as there is room; one that comes twice is written twice."""
    step = next(step for step in _STEPS if step * scale.pixels_per_hour >= _LABEL_ROOM)
    twice = {hour for hour, _ in hours if [other for other, _ in hours].count(hour) > 1}
    for hour, offset in hours:
        if hour % step == 0 or hour in twice:
            x = scale.left + offset * scale.pixels_per_hour
            canvas.text(x, baseline, f"{hour}", anchor="middle", look="faint")


def _row(
    canvas: Canvas,
    day: WeekDay,
    hours: Sequence[tuple[int, float]],
    shown: Sequence[CalendarEntry],
    scale: Scale,
    y: float,
    words: Words,
    zone: tzinfo | None,
    *,
    is_today: bool,
) -> float:
    """Draw a day from `y` on; return where the next begins."""
    on_day = [e for e in shown if e.begin_ms < day.end_ms and e.last_ms >= day.begin_ms]
    chosen = lanes([(entry.begin_ms, entry.end_ms) for entry in on_day])
    seen = [(entry, lane) for entry, lane in zip(on_day, chosen, strict=True) if lane < LANES_MAX]
    hidden = len(on_day) - len(seen)
    lines = min(max(chosen, default=0) + 1, LANES_MAX) + bool(hidden)
    height = lines * _LANE + 4
    right = scale.x(day, day.end_ms)
    if is_today:
        canvas.box(0, y, right, height, "today")
    canvas.stroke(f"M0 {plain(y)}H{plain(canvas.width)}", "line")
    for _, offset in hours:
        x = plain(scale.left + offset * scale.pixels_per_hour)
        canvas.stroke(f"M{x} {plain(y)}V{plain(y + height)}", "hair")
    label = f"{words(WEEKDAYS[day.day.weekday()])} {day.day.day}"
    canvas.text(0, y + _BAR - 2, label, look="amount" if is_today else "text")
    for place, (entry, lane) in enumerate(seen):
        after = [other for other, n in seen[place + 1 :] if n == lane]
        room_ms = after[0].begin_ms if after else day.end_ms
        _bar(canvas, day, entry, scale, y + 2 + lane * _LANE, room_ms, words, zone)
    if hidden:
        canvas.text(_LEFT, y + height - 7, others(hidden, words), look="faint")
    return y + height


def _bar(
    canvas: Canvas,
    day: WeekDay,
    entry: CalendarEntry,
    scale: Scale,
    y: float,
    room_ms: int,
    words: Words,
    zone: tzinfo | None,
) -> None:
    """Draw a span, and its text on it, or beside it as far as there is room until `room_ms`."""
    x = scale.x(day, entry.begin_ms)
    width = max(scale.x(day, entry.end_ms) - x, _BAR_WIDTH_MIN)
    said = f"{entry.when(words, zone)} {entry.text} ({entry.state})"
    path = f"M{plain(x)} {plain(y)}h{plain(width)}v{_BAR}h-{plain(width)}z"
    canvas.area(path, f"span-{entry.look}", said)
    room = scale.x(day, room_ms) - x - 4
    start = x + 4
    if width_of(entry.text, TEXT_SIZE) > width - 8 and width < room / 2:
        start, room = x + width + 3, room - width
    if room >= _TEXT_ROOM:
        canvas.text(start, y + _BAR - 5, entry.text, room=room - 4)
    elif room >= TEXT_SIZE:
        canvas.text(start, y + _BAR - 5, SIGNS[entry.look][0])
    else:
        canvas.text(x - 3, y + _BAR - 5, SIGNS[entry.look][0], anchor="end")
