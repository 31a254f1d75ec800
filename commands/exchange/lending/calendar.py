"""`weal calendar`: what is booked, what comes back and what is due, in local days."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.exports.calendars.calendar import (
    CALENDAR_STATES,
    CalendarItem,
    Calendars,
    asked_bounds_ms,
)
from commonweal.client.home.files import place_for, put_bytes
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.spans import Span, shown_moment, shown_span
from commonweal.client.language.plain import plain_rows
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form, say
from commonweal.commands.terminal.tables import table
from commonweal.storage.home.home import Home

FIELDS = ("name", "kind", "begin", "end", "title", "who", "state", "is_mine", "command")


@click.command("calendar")
@click.option("--from", "begin", metavar="DAY", help="From this day on: today, monday, 2026-12-05.")
@click.option("--to", "end", metavar="DAY", help="Until the end of this day; else of 31 days.")
@click.option("--mine", is_flag=True, help="Only what is yours or waits for you.")
@click.option(
    "--ics",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it for other calendars (iCalendar).",
)
@home_option
@form_option()
def calendar(
    begin: str | None, end: str | None, *, mine: bool, file: Path | None, home: Home, form: Form
) -> None:
    """Show what is booked, what is to come back and what is due: weal calendar --to 31.12.

    Times are of the zone of this machine. With --ics all that is open is written, unless --from
    or --to say less.
    """
    from_ms, until_ms = asked_bounds_ms(begin, end, now_ms())
    if file is not None:
        return _write(file, from_ms if begin else 0, until_ms if end else None, home, mine=mine)
    with part_of(Calendars, home) as me:
        listed = me.calendar(begin_ms=from_ms, end_ms=until_ms, mine=mine)
        standing = me.standing()
    rows = plain_rows(listed.items)
    if form is Form.TEXT:
        for row, item in zip(rows, listed.items, strict=True):
            row |= {"when": _when(item), "state": _(CALENDAR_STATES[item.state])}
    columns = [
        Column("when", _("when")),
        Column("title", _("what")),
        Column("who", _("who")),
        Column("state", _("state")),
    ]
    nothing = _("Nothing is booked or due in this time.")
    return table(form, "items", rows, FIELDS, columns, standing, nothing)


def _when(item: CalendarItem) -> str:
    if item.is_moment:
        return shown_moment(item.begin_ms, spoken())
    return shown_span(Span(item.begin_ms, item.end_ms), spoken())


def _write(path: Path, begin_ms: int, end_ms: int | None, home: Home, *, mine: bool) -> None:
    from commonweal.client.exports.calendars.calendar_file import calendar_bytes

    with part_of(Calendars, home) as me:
        place = place_for(path, home, me.words)
        listed = me.calendar(begin_ms=begin_ms, end_ms=end_ms, mine=mine)
        put_bytes(place, calendar_bytes(listed))
    number = len(listed.items)
    text = ngettext("{n} entry is in {path}.", "{n} entries are in {path}.", number)
    return say(text.format(n=number, path=path))
