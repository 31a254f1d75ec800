"""`weal trace`: back from a thing to all that went into it, and on to all that came of it."""

from __future__ import annotations

import click

from commonweal.client.contributions.records import TRACE_STEPS_MAX, Records
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Form, say, write_csv, write_json
from commonweal.storage.home.home import Home

FIELDS = ("direction", "depth", "sort", "id", "parent", "words")


@click.command("trace")
@click.argument("id")
@click.option("--up", "up_only", is_flag=True, help="Only what went into it.")
@click.option("--down", "down_only", is_flag=True, help="Only what came of it.")
@home_option
@form_option()
def trace_(id: str, up_only: bool, down_only: bool, home: Home, form: Form) -> None:
    """Show what went into the thing, process or contribution ID, and what came of it."""
    with part_of(Records, home) as me:
        tree, standing = me.trace(id, up=not down_only, down=not up_only), me.standing()
    if form is Form.JSON:
        value = plain(tree)
        del value["words"]
        return write_json(value)
    if form is Form.CSV:
        rows = [{"direction": "upstream", **row} for row in plain_rows(tree.upstream)]
        rows += [{"direction": "downstream", **row} for row in plain_rows(tree.downstream)]
        return write_csv(FIELDS, rows)
    say(f"{tree.id.hex()[:8]}  {visible(tree.words)}")
    for heading, steps, is_wanted in (
        (_("what went into it:"), tree.upstream, not down_only),
        (_("what came of it:"), tree.downstream, not up_only),
    ):
        if is_wanted:
            say()
            say(heading if steps else _("{heading} nothing").format(heading=heading))
            for step in steps:
                say(f"{'  ' * step.depth}{step.id.hex()[:8]}  {visible(step.words)}")
    if TRACE_STEPS_MAX in (len(tree.upstream), len(tree.downstream)):
        say(_("There is more; {most} are shown each way.").format(most=TRACE_STEPS_MAX))
    say()
    return say(standing)
