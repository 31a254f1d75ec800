"""`weal import opencollective|loomio|github`: what other platforms export as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_action, shown_number, shown_unit
from commonweal.client.language.times import shown_when
from commonweal.client.language.visible_text import visible
from commonweal.client.platforms.platform_import import (
    FirstEntry,
    PlatformImports,
    PlatformPreview,
)
from commonweal.commands.imports.import_options import dry_run_option, yes_option
from commonweal.commands.imports.sheet_preview import worth
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    make_sure,
    passphrase_option,
)
from commonweal.commands.terminal.output import Column, Form, say, warn, write_json, write_table
from commonweal.commands.terminal.progress import progress
from commonweal.protocol.errors import OverBudget, UnreadableFile
from commonweal.storage.home.home import Home

_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_SCOPE = click.option("--scope", metavar="TEXT", help="What it was for; else the file's name.")


@click.command("opencollective")
@_FILE
@_SCOPE
@dry_run_option
@yes_option
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def opencollective(**typed: Any) -> None:
    """Take in the transactions of an Open Collective account, from its JSON export FILE.

    What came in is income from agents outside. What went out is paid to them from what the
    community has in its books by then; what is more than that waits for the next import.
    """
    _take_in("opencollective", **typed)


@click.command("loomio")
@_FILE
@_SCOPE
@dry_run_option
@yes_option
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def loomio(**typed: Any) -> None:
    """Take in the outcomes of polls, from the JSON export FILE of a Loomio group.

    Each is cited with its words, as what its author wrote. Nothing is decided by it here.
    """
    _take_in("loomio", **typed)


@click.command("github")
@_FILE
@_SCOPE
@dry_run_option
@yes_option
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def github(**typed: Any) -> None:
    """Take in the contributors of a GitHub repository, from the JSON FILE of its API.

    Each produced as many commits as it says, as an agent outside; of a later file, what is more.
    Take in either these or the commits themselves (weal import git), not both.
    """
    _take_in("github", **typed)


def _take_in(
    platform: str,
    *,
    file: Path,
    scope: str | None,
    dry_run: bool,
    yes: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    def confirm(preview: PlatformPreview) -> bool:
        if form is Form.TEXT:
            _show(preview)
        if dry_run or not preview.new:
            return False
        question = ngettext("Take in {n} entry?", "Take in {n} entries?", preview.new)
        make_sure(question.format(n=preview.new), yes=yes)
        return True

    with part_of(PlatformImports, home, passphrase_file) as me:
        result = me.import_platform(platform, file, scope=scope, confirm=confirm, progress=progress)
    preview = result.preview
    _refuse_wrong(preview)
    if form is Form.JSON:
        write_json({**plain(preview), "written": result.written})
    elif not dry_run and preview.new:
        done = ngettext("Took in {n} entry.", "Took in {n} entries.", result.written)
        say(done.format(n=result.written))
    if result.left and not dry_run:
        waits = ngettext("{n} entry waits", "{n} entries wait", result.left)
        raise OverBudget(waits.format(n=result.left))


def _refuse_wrong(preview: PlatformPreview) -> None:
    for fault in preview.faults:
        text = _("{path}, entry {number}: {why}")
        warn(text.format(path=preview.source, number=fault.place, why=visible(fault.reason)))
    if preview.wrong:
        few = ngettext(
            "{n} entry cannot be taken in", "{n} entries cannot be taken in", preview.wrong
        )
        raise UnreadableFile(f"{visible(preview.source)}: {few.format(n=preview.wrong)}")


def _show(preview: PlatformPreview) -> None:
    if preview.first:
        write_table(_columns(), [_row(entry) for entry in preview.first])
        say()
    new = ngettext("{n} entry is new", "{n} entries are new", preview.new).format(n=preview.new)
    counts = _("{new}; {here} of {total} were here already.")
    say(counts.format(new=new, here=preview.here, total=preview.total))
    if preview.agents:
        agents = ngettext(
            "{n} agent outside is new.", "{n} agents outside are new.", preview.agents
        )
        say(agents.format(n=preview.agents))
    if preview.waiting:
        waits = ngettext(
            "{n} payout is of more than the community has here; import again once its income is"
            " attested.",
            "{n} payouts are of more than the community has here; import again once its income is"
            " attested.",
            preview.waiting,
        )
        say(waits.format(n=preview.waiting))


def _columns() -> list[Column]:
    return [
        Column("when", _("when")),
        Column("name", _("member")),
        Column("action", _("action")),
        Column("quantity", _("quantity"), is_number=True),
        Column("unit", _("unit")),
        Column("worth", _("worth")),
        Column("note", _("note")),
    ]


def _row(entry: FirstEntry) -> dict[str, Any]:
    amount = entry.quantity or {}
    return {
        "when": "" if entry.when is None else shown_when(entry.when),
        "name": entry.name,
        "action": shown_action(entry.action, spoken()),
        "quantity": shown_number(amount["n"], amount["scale"]) if amount else "",
        "unit": shown_unit(amount.get("unit", ""), spoken()),
        "worth": worth(entry.worth),
        "note": entry.note,
    }
