"""`weal import`: contributions that are written down elsewhere already.

Reads what is typed and prints what `Imports` did; never reads a source and never writes.
"""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.importers.imports import ImportResult, Imports
from commonweal.client.importers.sheet import at
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.notes import ID_DIGITS
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import member_of, part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.commands.terminal.progress import progress
from commonweal.protocol.errors import WouldNotCount
from commonweal.storage.home.home import Home


@click.group("import")
def import_() -> None:
    """Take in what is written down elsewhere: git commits, or a sheet (CSV)."""


@import_.command("git")
@click.argument("repo", type=click.Path(path_type=Path))
@click.option("--since", metavar="REV", help="Leave out what leads to this revision.")
@click.option(
    "--authors",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Who is a member: lines like NAME <EMAIL>, as git's mailmap has them.",
)
@click.option("--scope", metavar="TEXT", help="What it was for; else the repository's name.")
@click.option("--wait", type=click.IntRange(0), default=0, help="Wait until so many peers hold it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def git(
    repo: Path,
    since: str | None,
    authors: Path | None,
    scope: str | None,
    wait: int,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Take in every commit that leads to HEAD of the git repository in the folder REPO.

    Each is what its author produced. Authors that FILE does not name stay outside the
    community. Nothing is taken in twice.
    """
    with part_of(Imports, home, passphrase_file) as me:
        result = me.import_git(
            repo,
            authors=authors,
            since=since,
            scope=scope,
            needs_node=wait > 0,
            progress=progress,
        )
    _refuse_void(result)
    for unknown in result.strangers:
        warn(_("{name} is no member's name here").format(name=visible(unknown)))
    if form is Form.JSON:
        counts = {"commits": result.total, "written": result.written, "here": result.here}
        write_json({**counts, "scope": result.scope})
    else:
        taken = ngettext("Took in {n} commit", "Took in {n} commits", result.written)
        _say_taken(taken.format(n=result.written), result)
    if wait and result.last:
        with member_of(home) as member:
            held = member.wait_until_held(result.last, wait)
        warn(ngettext("held by {held} peer", "held by {held} peers", held).format(held=held))


@import_.command("csv")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--map", "mapping", required=True, metavar="MAPPING", help="Which column says what.")
@click.option("--dry-run", is_flag=True, help="Read and check all of it, and write nothing.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def csv(
    file: Path,
    mapping: str,
    dry_run: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Take in the rows of the sheet FILE (CSV), each as a contribution.

    MAPPING is field=column,field==value,... or a TOML file with tables [columns] and
    [values]. Fields are action, quantity, unit, and perhaps provider, receiver, scope, note
    and date. When one row cannot be read, none is taken in; what is here already is not
    taken in twice.
    """
    with part_of(Imports, home, passphrase_file) as me:
        result = me.import_csv(file, mapping, dry_run=dry_run, report=warn, progress=progress)
    _refuse_void(result)
    new = result.total - result.here
    if form is Form.JSON:
        counts = {"rows": result.total, "new": new, "written": result.written}
        return write_json({**counts, "here": result.here})
    if dry_run:
        taken = ngettext("{n} row would be taken in", "{n} rows would be taken in", new)
    else:
        taken = ngettext("Took in {n} row", "Took in {n} rows", new)
    return _say_taken(taken.format(n=new), result)


@import_.command("home")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def home_(folder: Path, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take in what counts for nothing in the home FOLDER of yours, because its log forked.

    Contributions are recorded again on this device, with their notes; nothing is taken in twice.
    """
    with part_of(Imports, home, passphrase_file) as me:
        result = me.import_home(folder)
    _refuse_void(result)
    if form is Form.JSON:
        counts = {"void": result.total, "written": result.written, "here": result.here}
        return write_json(counts)
    taken = ngettext(
        "Recorded {n} contribution again", "Recorded {n} contributions again", result.written
    )
    return _say_taken(taken.format(n=result.written), result)


def _say_taken(taken: str, result: ImportResult) -> None:
    text = _("{taken}; {here} of {total} were here already.")
    say(text.format(taken=taken, here=result.here, total=result.total))


def _refuse_void(result: ImportResult) -> None:
    """Say of each row that would count for nothing why; raise WouldNotCount when there is any."""
    for row in result.void:
        match row.place:
            case int(line):
                place = at(Path(result.source), line, "", spoken())
            case name:
                place = f"{name.hex()[:ID_DIGITS]}: "
        warn(f"{place}{row.reason}")
    wrong = len(result.void)
    if wrong:
        few = ngettext("{n} row would count for nothing", "{n} rows would count for nothing", wrong)
        raise WouldNotCount(f"{visible(result.source)}: {few.format(n=wrong)}")
