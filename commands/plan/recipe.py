"""`weal recipe`: by which steps something is made, written as a file and kept in the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.quantity import shown_action, shown_unit
from commonweal.client.language.visible_text import visible
from commonweal.client.plans.recipe_text import EXAMPLES
from commonweal.client.plans.recipes import RecipeDetails, Recipes
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, warn, write_json, write_text
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.errors import BadRecipe, UsageError
from commonweal.storage.home.home import Home

FIELDS = ("id", "name", "makes", "quantity", "unit", "steps", "takes_hours", "member_name")
STEP_FIELDS = (
    *("step", "name", "takes_hours", "after", "side", "action", "quantity", "unit", "what"),
    "factor",
)


@click.group("recipe")
def recipe() -> None:
    """List the recipes, show one, or add one: by which steps something is made, out of what."""


@recipe.command("list")
@home_option
@form_option()
def list_(home: Home, form: Form) -> None:
    """List the recipes: what each makes, and how long that takes."""
    with part_of(Recipes, home) as me:
        rows = plain_rows(me.recipes())
    if form is Form.TEXT:
        rows = [{**row, "unit": shown_unit(row["unit"], spoken())} for row in rows]
    columns = [
        Column("id", _("id")),
        Column("name", _("name")),
        Column("quantity", _("makes"), is_number=True),
        Column("unit", _("unit")),
        Column("makes", _("of what")),
        Column("steps", _("steps"), is_number=True),
        Column("takes_hours", _("hours"), is_number=True),
        Column("member_name", _("member")),
    ]
    empty = _("Nothing is here that fits. To begin: weal recipe new --example")
    return table(form, "recipes", rows, FIELDS, columns, "", empty)


@recipe.command("show")
@click.argument("recipe")
@home_option
@form_option()
def show(recipe: str, home: Home, form: Form) -> None:
    """Show RECIPE, named by its name or id, step by step."""
    with part_of(Recipes, home) as me:
        details = me.recipe(recipe)
    if form is Form.JSON:
        return write_json(plain(details))
    rows = _flows(details, form)
    if form is Form.TEXT:
        words = _("{name} makes {quantity} {unit} {makes}; it takes {hours} h.")
        unit = shown_unit(details.unit, spoken())
        head = {"quantity": f"{details.quantity:f}", "unit": unit}
        head |= {"hours": f"{details.takes_hours:f}"}
        say(words.format(name=visible(details.name), makes=visible(details.makes), **head))
        if not details.is_newest:
            say(_("A later recipe took its place."))
        say()
    columns = [
        Column("step", _("step"), is_number=True),
        Column("name", _("name")),
        Column("takes_hours", _("hours"), is_number=True),
        Column("after", _("after")),
        Column("side", _("side")),
        Column("action", _("action")),
        Column("quantity", _("quantity"), is_number=True),
        Column("unit", _("unit")),
        Column("what", _("of what")),
        Column("factor", _("factor")),
    ]
    return table(form, "flows", rows, STEP_FIELDS, columns)


@recipe.command("new")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--example", is_flag=True, help="Print a recipe to begin with, and add none.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    file: Path | None, example: bool, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Add the recipe in FILE (TOML), in place of one of yours with its name.

    What it names and is not here yet, kinds of things and of steps, is added with it.
    """
    if (file is None) != example:
        raise UsageError(_("give a file with a recipe, or --example"))
    if file is None:
        return write_text(EXAMPLES[spoken().language], end="")
    with part_of(Recipes, home, passphrase_file) as me:
        text = me.recipe_file(file)
        first, *others = [
            f"{visible(str(file))}:{visible(str(problem))}" for problem in me.check_recipe(text)
        ] or [""]
        for problem in others:
            warn(problem)
        if first:
            raise BadRecipe(first)
        made = me.add_recipe(text)
    words = _("The recipe {name} is in the ledger, as {id}.").replace("{name}", visible(made.name))
    if made.specified:
        new_words = ngettext("New with it: {names}.", "New with it: {names}.", len(made.specified))
        more = new_words.format(names=visible(", ".join(made.specified)))
        words = spoken().sentences(words, more)
    return confirm(form, made, words)


def _flows(details: RecipeDetails, form: Form) -> list[dict[str, Any]]:
    """Return every flow of a recipe as a row; for people a step is named once."""
    sides = {"input": _("in"), "output": _("out")}
    rows: list[dict[str, Any]] = []
    for step in details.in_order:
        named = {
            "step": step.number,
            "name": step.name,
            "takes_hours": f"{step.takes_hours:f}",
            "after": " ".join(map(str, step.after)),
        }
        for flow in plain_rows(step.flows):
            row = {**named, **flow}
            if form is Form.TEXT:
                row["side"] = sides[flow["side"]]
                row["action"] = shown_action(flow["action"], spoken())
                row["unit"] = shown_unit(flow["unit"], spoken())
                named = dict.fromkeys(named, "")
            rows.append(row)
    return rows
