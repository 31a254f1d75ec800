"""`weal trace`: back from a thing to all that went into it, and on to all that came of it."""

from __future__ import annotations

from typing import Any

import click

from commonweal.client.directory import begins
from commonweal.client.event_words import event_fields, event_words, resource_fields, spec_name
from commonweal.client.ledger_view import LedgerView
from commonweal.client.quantity import shown_unit
from commonweal.client.visible_text import visible
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Form, say, write_csv, write_json
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.ledger.contributions.trace import (
    Direction,
    FlowNode,
    TraceStep,
    neighbours,
    trace,
)
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.event_row import EVENT, event_row
from commonweal.protocol.ledger.things.resources import RESOURCE, resource_row
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home

STEPS_MAX = 2_000
"""So many lines are shown each way."""

FIELDS = ("direction", "depth", "sort", "id", "parent", "words")


@click.command("trace")
@click.argument("id")
@click.option("--up", "up_only", is_flag=True, help="Only what went into it.")
@click.option("--down", "down_only", is_flag=True, help="Only what came of it.")
@home_option
@form_option()
def trace_(id: str, up_only: bool, down_only: bool, home: Home, form: Form) -> None:
    """Show what went into the thing, process or contribution ID, and what came of it."""
    with folded(home) as found:
        start = _start(found, id)
        up = [] if down_only else walk(found, start, Direction.UPSTREAM)
        down = [] if up_only else walk(found, start, Direction.DOWNSTREAM)
        first = _words(found, *start)
    if form is Form.JSON:
        value = {"id": start[1].hex(), "sort": start[0].value, "upstream": up, "downstream": down}
        return write_json(value)
    if form is Form.CSV:
        rows = [{"direction": "upstream", **one} for one in up]
        return write_csv(FIELDS, rows + [{"direction": "downstream", **one} for one in down])
    say(f"{start[1].hex()[:8]}  {visible(first)}")
    for heading, steps, is_wanted in (
        (_("what went into it"), up, not down_only),
        (_("what came of it"), down, not up_only),
    ):
        if is_wanted:
            say()
            say(f"{heading}:" if steps else _("{heading}: nothing").format(heading=heading))
            for step in steps:
                indent = "  " * step["depth"]
                say(f"{indent}{step['id'][:8]}  {visible(step['words'])}")
    if len(up) == STEPS_MAX or len(down) == STEPS_MAX:
        say(_("There is more; {most} are shown each way.").format(most=STEPS_MAX))
    say()
    return say(_("provisional: not sealed yet"))


def walk(found: LedgerView, start: tuple[FlowNode, bytes], way: Direction) -> list[dict[str, Any]]:
    """Return what lies that way as a tree, each thing once: below what led there first."""
    steps: list[dict[str, Any]] = []
    seen = {start}
    waiting = [(start, 0, b"")]
    while waiting and len(steps) <= STEPS_MAX:
        (sort, id), depth, parent = waiting.pop()
        if depth:
            steps.append(_step(found, sort, id, depth, parent))
        after = [
            one
            for one in neighbours(found.state, TraceStep(sort, id, depth), way)
            if one not in seen
        ]
        seen.update(after)
        waiting += [(one, depth + 1, id) for one in reversed(after)]
    return steps[:STEPS_MAX]


def _step(
    found: LedgerView, sort: FlowNode, id: bytes, depth: int, parent: bytes
) -> dict[str, Any]:
    step: dict[str, Any] = {
        "depth": depth,
        "sort": sort.value,
        "id": id.hex(),
        "parent": parent.hex(),
        "words": _words(found, sort, id),
    }
    row = event_row(found.state, id) if sort is FlowNode.EVENT else None
    if row is not None:
        step["event"] = event_fields(found, id, row)
    return step


def _words(found: LedgerView, sort: FlowNode, id: bytes) -> str:
    match sort:
        case FlowNode.EVENT:
            return event_words(found, id)
        case FlowNode.RESOURCE:
            row = resource_row(found.state, id)
            assert row is not None, "a walk stands on what is known"
            fields = resource_fields(found, id, row)
            amount = f"{fields['accounting']} {shown_unit(row.unit, spoken())}"
            name = fields["name"] or _("a thing")
            return f"[{name}] {amount} · {fields['accountable_name']}"
        case FlowNode.PROCESS:
            process = units_and_specs.ProcessRow(*found.state.get(units_and_specs.PROCESS + id))
            name = spec_name(found, process.spec) or process.scope or ""
            return _("(process {name})").format(name=name) if name else _("(a process)")


def _start(found: LedgerView, text: str) -> tuple[FlowNode, bytes]:
    """Return what has this id: a thing before the event that began it."""
    tables = (RESOURCE, units_and_specs.PROCESS, EVENT)
    ids = dict.fromkeys(
        RecordId(key[1:]) for table in tables for key, _ in found.state.items(table)
    )
    id = begins(ids, text)
    steps = trace(found.state, id, 1)
    if not steps:
        raise UnknownId(visible(text))
    return steps[0].sort, id
