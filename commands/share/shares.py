"""`weal shares` and `explain`: what each was paid, and why.

What is paid follows from the cuts alone, so it is final and the same on every node. What a
seal of all that is held would pay now is shown only on request, and said to be provisional.
"""

from __future__ import annotations

import click

from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_unit
from commonweal.client.sharing.explanations import Explanations
from commonweal.client.sharing.shares import Shares
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    write_json,
)
from commonweal.commands.terminal.tables import table
from commonweal.storage.home.home import Home

SHARE_FIELDS = ("member", "member_name", "unit", "amount", "lines")
LINE_FIELDS = (
    *("line", "height", "pool", "bucket", "sort", "member", "member_name", "amount", "unit"),
    *("of", "weight", "weights", "commissions", "source", "income", "inputs", "ruleset"),
    "corrects",
)


@click.command("shares")
@click.option("--lines", is_flag=True, help="Every line, in place of the sums.")
@click.option("--height", type=click.IntRange(1), metavar="H", help="What this height gave.")
@click.option("--if-sealed", is_flag=True, help="What each would get if all were sealed now.")
@home_option
@form_option()
def shares(lines: bool, height: int | None, if_sealed: bool, home: Home, form: Form) -> None:
    """Show each share by the rules, and the pools; `weal claims` says what of it was paid."""
    with part_of(Shares, home) as me:
        listed = me.shares(height=height, if_sealed=if_sealed)
    standing = _("provisional: not sealed yet")
    if listed.height and not if_sealed:
        standing = _("final at height {height}").format(height=listed.height)
    more = plain(listed)
    line_rows, share_rows = more.pop("lines"), more.pop("shares")
    columns = [Column("member_name", _("member")), Column("amount", _("share"), is_number=True)]
    columns.append(Column("unit", _("unit")))
    nothing = _("Nothing was shared out yet.") if height is None else ""
    if lines:
        columns = [Column("line", _("line")), *columns, Column("bucket", _("for"))]
        return table(form, "lines", line_rows, LINE_FIELDS, columns, standing, nothing, **more)
    if form is Form.TEXT:
        for pool in more["pools"]:
            words = _("in the pool {pool}: {amount} {unit}")
            if pool["waits_for"]:
                words = _(
                    "in the pool {pool}: {amount} {unit}, until somebody has points of the round"
                    " {rounds}"
                )
            about = {**pool, "unit": shown_unit(pool["unit"], spoken())}
            words = words.format(**about, rounds=", ".join(pool["waits_for"]))
            standing = f"{words}\n{standing}"
    return table(form, "shares", share_rows, SHARE_FIELDS, columns, standing, nothing, **more)


@click.command("explain")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def explain(id: str, home: Home, form: Form) -> None:
    """Explain a line of `weal shares --lines`, a claim, or what a contribution brought."""
    with part_of(Explanations, home) as me:
        explanation = me.explain(id)
    if form is Form.JSON:
        return write_json(plain(explanation.subject))
    for sentence in explanation.sentences:
        say(sentence)
    return None
