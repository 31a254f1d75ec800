"""`weal plan`: what a recipe comes to by a day, who takes which part, and how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.quantity import shown_action, shown_unit
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.rows.plan_rows import STATES, PlanDetails
from commonweal.client.plans.plans import Plans
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json
from commonweal.commands.terminal.tables import confirm, table
from commonweal.storage.home.home import Home

FIELDS = ("id", "name", "quantity", "unit", "due", "open", "late", "met", "ended", "member_name")
PART_FIELDS = (
    *("id", "step", "step_name", "action", "what", "factor", "quantity", "met", "unit", "due"),
    *("state", "taken_by"),
)


@click.group("plan")
def plan() -> None:
    """List the plans, show one, make one from a recipe, take a part of one, or end one."""


@plan.command("list")
@click.option("--all", "with_ended", is_flag=True, help="Also plans that have ended.")
@home_option
@form_option()
def list_(with_ended: bool, home: Home, form: Form) -> None:
    """List the plans, what is first due first: what is to do, late and done of each."""
    with part_of(Plans, home) as me:
        listed = me.plans(ended=with_ended)
    rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, of in zip(rows, listed, strict=True):
            row["due"] = "" if of.due_ms is None else shown(of.due_ms)
            row["unit"] = "" if of.unit is None else shown_unit(of.unit, spoken())
    columns = [
        Column("id", _("id")),
        Column("name", _("name")),
        Column("quantity", _("quantity"), is_number=True),
        Column("unit", _("unit")),
        Column("due", _("due")),
        Column("open", _("to do"), is_number=True),
        Column("late", _("late"), is_number=True),
        Column("met", _("done"), is_number=True),
        Column("member_name", _("member")),
    ]
    empty = _("Nothing is here that fits. To begin: weal plan from RECIPE QUANTITY")
    return table(form, "plans", rows, FIELDS, columns, "", empty)


@plan.command("show")
@click.argument("id")
@home_option
@form_option()
def show(id: str, home: Home, form: Form) -> None:
    """Show the plan whose id begins with ID, part by part.

    A part is done by `weal record ... --satisfies ID` with the id of the part.
    """
    with part_of(Plans, home) as me:
        details = me.plan(id)
    if form is Form.JSON:
        return write_json(plain(details))
    rows = _parts(details, form)
    if form is Form.TEXT:
        say(_headline(details))
        if details.ended:
            say(_("The plan has ended."))
        say()
    columns = [
        Column("id", _("id")),
        Column("step_name", _("step")),
        Column("action", _("action")),
        Column("quantity", _("quantity"), is_number=True),
        Column("unit", _("unit")),
        Column("what", _("of what")),
        Column("factor", _("factor")),
        Column("due", _("due")),
        Column("state", _("state")),
        Column("met", _("done"), is_number=True),
        Column("taken_by", _("taken by")),
    ]
    return table(form, "parts", rows, PART_FIELDS, columns)


@plan.command("from")
@click.argument("recipe")
@click.argument("quantity")
@click.argument("unit", required=False)
@click.option(
    "--due", metavar="DATE", help="When all is done: 2026-12-24, or 3d; else it begins in an hour."
)
@click.option("--name", metavar="TEXT", help="What the plan is called, if not like the recipe.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def from_(
    recipe: str,
    quantity: str,
    unit: str | None,
    due: str | None,
    name: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Plan to make QUANTITY by RECIPE: weal plan from Bread 18 kg --due 2026-12-24.

    The quantities of the recipe grow with it, exactly; where that is no number of pieces, or has
    too many digits, they are rounded up. Its steps are timed back from the day when all is due.
    Every part is open to whoever takes it.
    """
    with part_of(Plans, home, passphrase_file) as me:
        made = me.plan_from(recipe, quantity, unit, due=due, name=name)
    words = ngettext(
        "Planned, as {id}: {parts} part, due {due}; the first step begins {begins}.",
        "Planned, as {id}: {parts} parts, due {due}; the first step begins {begins}.",
        made.intents,
    )
    times = {"due": shown(made.due_ms), "begins": shown(made.begins_ms)}
    words = words.format(id="{id}", parts=made.intents, **times)
    if made.rounded:
        rounded = ngettext(
            "{count} quantity is rounded up.", "{count} quantities are rounded up.", made.rounded
        )
        words += " " + rounded.format(count=made.rounded)
    return confirm(form, made, words)


@plan.command("end")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def end(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """End your plan whose id begins with ID, done or not: nobody takes a part of it any more.

    What is recorded for it all the same is counted.
    """
    with part_of(Plans, home, passphrase_file) as me:
        ended = me.end_plan(id)
    return confirm(form, ended, _("The plan has ended."))


@plan.command("take")
@click.argument("id")
@click.argument("quantity", required=False)
@click.argument("unit", required=False)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def take(
    id: str,
    quantity: str | None,
    unit: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Promise to do the part whose id begins with ID, or QUANTITY of it.

    What you then do is recorded with: weal record ... --fulfills ID, with the id of the promise.
    """
    with part_of(Plans, home, passphrase_file) as me:
        promise = me.take(id, quantity, unit)
    amount = f"{promise.quantity:f} {shown_unit(promise.unit, spoken())}"
    words = _("You promised {amount}, as {id}.").replace("{amount}", amount)
    if promise.due_ms is not None:
        words += " " + _("It is due {due}.").format(due=shown(promise.due_ms))
    return confirm(form, promise, words)


def _headline(details: PlanDetails) -> str:
    words = _("{name}: {open} to do, {late} late, {met} done.")
    counts = {"open": details.open, "late": details.late, "met": details.met}
    line = words.format(name=visible(details.name), **counts)
    if details.quantity is not None and details.unit is not None:
        amount = f"{details.quantity:f} {shown_unit(details.unit, spoken())}"
        recipe = visible(details.recipe or details.name)
        makes = _("It makes {amount} by the recipe {recipe}.").format(amount=amount, recipe=recipe)
        return spoken().sentences(line, makes)
    return line


def _parts(details: PlanDetails, form: Form) -> list[dict[str, Any]]:
    rows = plain_rows(details.parts)
    for row, part in zip(rows, details.parts, strict=True):
        row["taken_by"] = ", ".join(part.taken_by)
        if form is Form.TEXT:
            row["due"] = "" if part.due_ms is None else shown(part.due_ms)
            row["action"] = shown_action(part.action, spoken())
            row["unit"] = shown_unit(part.unit, spoken())
            row["state"] = _(STATES[part.state])
    return rows
