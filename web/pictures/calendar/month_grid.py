"""A month: its weeks as rows, its days as fields, spans across the days that they touch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, tzinfo

from markupsafe import Markup

from commonweal.client.language.local_time.spans import WEEKDAYS
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
from commonweal.web.pictures.picture import NARROW, WIDE, Picture

DAYS = 7
LANES_MAX = 4
"""Spans that a day shows; how many more there are is written below them."""

_LANES_MIN = 2
_NUMBER, _LANE, _BAR = 18, 18, 16
_TEXT_ROOM = 60


def month_grid(
    caption: str,
    first: date,
    entries: Sequence[CalendarEntry],
    words: Words,
    *,
    zone: tzinfo | None = None,
    today: date | None = None,
) -> Picture:
    """Return the weeks of a month with what touches them. first: its first day.

    zone: None for that of the machine. today: the day that is marked.
    """
    weeks = weeks_of(first)
    end = day_after(weeks[-1], DAYS)
    dated = [(entry, entry.days(zone)) for entry in in_order(entries)]
    shown = [(entry, days) for entry, days in dated if days[0] < end and days[1] >= weeks[0]]
    listed = [entry for entry, _ in shown]
    narrow, wide = (
        _drawn(caption, first, weeks, shown, words, zone, today, width) for width in (NARROW, WIDE)
    )
    return Picture(narrow, wide, caption, columns(words), rows(listed, words, zone))


def weeks_of(first: date) -> list[date]:
    """Return the Mondays of the weeks that a month touches. first: its first day."""
    monday = day_after(first, -first.weekday())
    weeks = [monday]
    while (monday := day_after(monday, DAYS)).month == first.month and monday not in weeks:
        weeks.append(monday)
    return weeks


def _drawn(
    caption: str,
    first: date,
    weeks: Sequence[date],
    shown: Sequence[tuple[CalendarEntry, tuple[date, date]]],
    words: Words,
    zone: tzinfo | None,
    today: date | None,
    width: float,
) -> Markup:
    listed = [entry for entry, _ in shown]
    canvas = Canvas(width, caption, described(listed, words, zone))
    column = width / DAYS
    for number, name in enumerate(WEEKDAYS):
        canvas.text(number * column + 3, TEXT_SIZE, words(name), room=column, look="faint")
    y: float = LINE
    for monday in weeks:
        y = _week(canvas, monday, first.month, shown, y, words, zone, today)
    canvas.stroke(f"M0 {plain(y)}H{plain(width)}", "line")
    return canvas.finish(legend(canvas, listed, y + 6, words) + 4)


def _week(
    canvas: Canvas,
    monday: date,
    month: int,
    shown: Sequence[tuple[CalendarEntry, tuple[date, date]]],
    y: float,
    words: Words,
    zone: tzinfo | None,
    today: date | None,
) -> float:
    """Draw a week from `y` on; return where the next begins."""
    in_week = []
    for entry, (first, last) in shown:
        first_day, last_day = (first - monday).days, (last - monday).days
        if first_day < DAYS and last_day >= 0:
            in_week.append((entry, max(first_day, 0), min(last_day, DAYS - 1) + 1))
    chosen = lanes([(begin, end) for _, begin, end in in_week])
    lines = max(min(max(chosen, default=0) + 1, LANES_MAX), _LANES_MIN)
    is_full = max(chosen, default=0) >= LANES_MAX
    height = _NUMBER + lines * _LANE + (LINE if is_full else 2)
    column = canvas.width / DAYS
    for number in range(DAYS):
        day, x = day_after(monday, number), number * column
        if day == today:
            canvas.box(x, y, column, height, "today")
        if number:
            canvas.stroke(f"M{plain(x)} {plain(y)}V{plain(y + height)}", "hair")
        look = "amount" if day == today else "text" if day.month == month else "faint"
        canvas.text(x + 3, y + _NUMBER - 5, f"{day.day}", look=look)
        hidden = sum(
            begin <= number < end and lane >= LANES_MAX
            for (_, begin, end), lane in zip(in_week, chosen, strict=True)
        )
        if hidden:
            canvas.text(x + 3, y + height - 5, f"+{hidden}", look="faint")
    canvas.stroke(f"M0 {plain(y)}H{plain(canvas.width)}", "line")
    for (entry, begin, end), lane in zip(in_week, chosen, strict=True):
        if lane < LANES_MAX:
            left, width = begin * column + 1, (end - begin) * column - 3
            top = y + _NUMBER + lane * _LANE
            said = f"{entry.when(words, zone)} {entry.text} ({entry.state})"
            path = f"M{plain(left)} {plain(top)}h{plain(width)}v{_BAR}h-{plain(width)}z"
            canvas.area(path, f"span-{entry.look}", said)
            text = entry.text if width >= _TEXT_ROOM else SIGNS[entry.look][0]
            canvas.text(left + 2, top + _BAR - 4, text, room=width - 5)
    return y + height
