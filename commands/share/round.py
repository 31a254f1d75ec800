"""`weal round`: giving rounds, and the points that the member gives in them."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.language.digits import WHOLE_DIGITS_MAX, whole_number
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.client.sharing.points import Points, RoundState
from commonweal.commands.terminal.language import _, labelled, ngettext
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    write_csv,
    write_json,
    write_table,
)
from commonweal.commands.terminal.tables import table
from commonweal.protocol.errors import UsageError
from commonweal.storage.home.home import Home

FIELDS = (
    *("round", "open", "opened", "closes", "opens", "points", "most", "givers", "receivers"),
    *("pools", "gave", "left"),
)
POINT_FIELDS = ("member", "member_name", "points")


@click.group("round")
def round_() -> None:
    """List giving rounds, see who gives what, and give points to others."""


@round_.command("list")
@home_option
@form_option()
def list_(home: Home, form: Form) -> None:
    """List the giving rounds of the rules: which are open, until when, and what you have left."""
    with part_of(Points, home) as me:
        states, standing = me.rounds(), me.view.standing()
    rows = plain_rows(states)
    if form is Form.CSV:
        rows = [{**row, "pools": "; ".join(row["pools"])} for row in rows]
    if form is Form.TEXT:
        rows = [{**row, "when": _when(state)} for row, state in zip(rows, states, strict=True)]
    columns = [
        Column("round", _("round")),
        Column("when", _("open")),
        Column("points", _("points of each"), is_number=True),
        Column("gave", _("members who gave"), is_number=True),
        Column("left", _("yours left"), is_number=True),
        Column("pools", _("for")),
    ]
    nothing = _("No giving round was opened: the rules have none, or no seal was made since.")
    return table(form, "rounds", rows, FIELDS, columns, standing, nothing)


@round_.command("show")
@click.argument("name")
@home_option
@form_option()
def show(name: str, home: Home, form: Form) -> None:
    """Show who received how many points in the round NAME; as JSON, also who gave them."""
    with part_of(Points, home) as me:
        state = me.round(name)
        standing = me.view.standing()
    if form is Form.JSON:
        return write_json(plain(state))
    rows = plain_rows(state.received if state.open else state.waiting)
    if form is Form.CSV:
        return write_csv(POINT_FIELDS, rows)
    say(labelled(visible(state.round), _when(state)))
    if state.left is not None:
        words = _("{left:,} of your {points:,} points are left: weal round give MEMBER POINTS")
        say(words.format(left=state.left, points=state.points))
    if rows:
        say()
        columns = [
            Column("member_name", _("member")),
            Column("points", _("points"), is_number=True),
        ]
        write_table(columns, rows)
    elif not state.open:
        say(_("No points of it wait for income."))
    say()
    return say(_("provisional until the round is counted") if state.open else standing)


@round_.command("give")
@click.argument("points", nargs=-1, required=True, metavar="MEMBER POINTS ...")
@click.option("--round", "name", metavar="NAME", help="Which round, where several are open.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def give(
    points: tuple[str, ...],
    name: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Give points to members in an open round: weal round give Bo 30 Ana 20.

    A number replaces what you gave that member before, and 0 takes it back; what you gave to
    others stays. You can change it until the round is counted.
    """
    with part_of(Points, home, passphrase_file) as me:
        made = me.give_points(_pairs(points), in_round=name)
    if form is Form.JSON:
        return write_json(plain(made))
    listed = ", ".join(f"{visible(entry.member_name)} {entry.points:,}" for entry in made.points)
    words = ngettext(
        "In the round {round} you give: {points}. {left:,} point is left, until {until}.",
        "In the round {round} you give: {points}. {left:,} points are left, until {until}.",
        made.left,
    )
    about = {"round": visible(made.round), "points": listed or "-", "left": made.left}
    return say(words.format(**about, until=shown(made.closes_ms)))


def _when(state: RoundState) -> str:
    """Return until when a round is open, or when the next one opens."""
    if state.open:
        return _("until {time}").format(time=shown(state.closes_ms))
    if state.opens_ms is None:
        return _("is over, and the rules have it no more")
    return _("again from {time}").format(time=shown(state.opens_ms))


def _pairs(typed: tuple[str, ...]) -> dict[str, int]:
    """Return what was typed as points by member. Raises UsageError."""
    if len(typed) % 2:
        raise UsageError(_("write a member and a number, again and again: Bo 30 Ana 20"))
    pairs: dict[str, int] = {}
    for member, number in zip(typed[::2], typed[1::2], strict=True):
        points = whole_number(number.strip())
        if points is None:
            words = _("{number}: points are a whole number, and 0 takes them back")
            raise UsageError(words.format(number=number[:WHOLE_DIGITS_MAX]))
        if member in pairs:
            raise UsageError(_("{member} is named twice").format(member=member))
        pairs[member] = points
    return pairs
