"""`weal import`: contributions that are written down elsewhere already.

Reads what is typed and prints what `Imports` did; never reads a source and never writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from commonweal.client.contributions.contributions import Contributions
from commonweal.client.importers.git_import import GitImports
from commonweal.client.importers.git_preview import GitPreview
from commonweal.client.importers.imports import ImportResult, Imports, VoidRow
from commonweal.client.language.plain import plain
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.client.sheets.preview import SheetPreview
from commonweal.client.sheets.sheet import at
from commonweal.client.sheets.sheet_import import SheetImports
from commonweal.commands.imports.git_preview import show_git_preview, warn_of_history
from commonweal.commands.imports.import_options import (
    dry_run_option,
    sheet_options,
    yes_option,
)
from commonweal.commands.imports.import_platform import github, loomio, opencollective
from commonweal.commands.imports.sheet_preview import (
    confirm_preview,
    preview_fields,
    show_preview,
)
from commonweal.commands.terminal.language import _, ngettext, sentence, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    is_typed,
    make_sure,
    passphrase_option,
)
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.commands.terminal.progress import progress
from commonweal.protocol.errors import AmbiguousSheet, OverBudget, UnreadableFile, WouldNotCount
from commonweal.storage.home.home import Home


@click.group("import")
def import_() -> None:
    """Take in what is written down elsewhere: git commits, a sheet, what a platform exports."""


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
@click.option("--rewritten", is_flag=True, help="Take in also what is here under another hash.")
@dry_run_option
@yes_option
@click.option("--wait", type=click.IntRange(0), default=0, help="Wait until so many peers hold it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def git(
    repo: Path,
    since: str | None,
    authors: Path | None,
    scope: str | None,
    rewritten: bool,
    dry_run: bool,
    yes: bool,
    wait: int,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Take in every commit that leads to HEAD of the git repository in the folder REPO.

    Each is what its author and co-authors produced, in equal parts. Whose address FILE does not
    name stays outside the community. Nothing is taken in twice, and nothing that you have not seen.
    """

    def confirm(preview: GitPreview) -> bool:
        warn_of_history(preview)
        if form is Form.TEXT:
            show_git_preview(preview)
        if dry_run or not preview.new:
            return False
        question = ngettext("Take in {n} commit?", "Take in {n} commits?", preview.new)
        make_sure(question.format(n=preview.new), yes=yes)
        return True

    with part_of(GitImports, home, passphrase_file) as me:
        result = me.import_git(
            repo,
            authors=authors,
            since=since,
            scope=scope,
            takes_rewritten=rewritten,
            needs_node=wait > 0,
            confirm=confirm,
            progress=progress,
        )
    preview = result.preview
    _refuse_rows(preview.source, preview.faults, preview.void)
    if form is Form.JSON:
        fields = plain(preview)
        write_json({"commits": fields.pop("total"), **fields, "written": result.written})
    elif not dry_run and preview.new:
        done = ngettext("Took in {n} commit.", "Took in {n} commits.", result.written)
        say(done.format(n=result.written))
    if wait and result.last:
        with part_of(Contributions, home) as member:
            held = member.wait_until_held(result.last, wait)
        warn(ngettext("held by {held} peer", "held by {held} peers", held).format(held=held))
    if result.waiting:
        waits = ngettext("{n} commit waits", "{n} commits wait", result.waiting)
        raise OverBudget(waits.format(n=result.waiting))


@import_.command("csv")
@sheet_options
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def csv(
    file: Path,
    dry_run: bool,
    yes: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
    **reading: Any,
) -> None:
    """Take in the rows of the sheet FILE (CSV), each as a contribution, once you have seen them.

    MAPPING is field=column,field==value,... or a TOML file with tables [columns] and
    [values]; without it the headings decide. Fields are action, quantity, unit, and perhaps
    provider, payer, receiver, scope, factor, resource, note and date. When one row cannot be
    read, none is taken in; what is here already is not taken in twice.
    """
    with part_of(SheetImports, home, passphrase_file) as me:
        _take_in(me, file, reading, form, dry_run=dry_run, yes=yes)


@import_.command("opening")
@click.option("--on", "opened_on", required=True, metavar="DATE", help="The day of the balances.")
@sheet_options
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def opening(
    file: Path,
    dry_run: bool,
    yes: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
    **reading: Any,
) -> None:
    """Take in what members had before, from the sheet FILE (CSV), once you have seen it.

    Each row is a member, a quantity and a unit: hours become work, money what the member lent,
    a thing what is raised, anything else what was produced; all of it in the scope "opening
    balance". It counts once others attest it.
    """
    with part_of(SheetImports, home, passphrase_file) as me:
        _take_in(me, file, reading, form, dry_run=dry_run, yes=yes)


def _take_in(
    me: SheetImports,
    file: Path,
    reading: dict[str, Any],
    form: Form,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Show a sheet, and take it in when the member says so. reading: how it is to be read."""
    preview = _previewed(me, file, reading)
    if form is Form.TEXT:
        show_preview(preview)
    _refuse_bad(preview)
    if dry_run or not preview.new:
        _say_previewed(preview, form, is_dry=dry_run)
        return
    confirm_preview(preview, yes=yes)
    result = me.import_csv(preview, progress=progress)
    _refuse_void(result)
    if form is Form.JSON:
        write_json(preview_fields(preview) | {"written": result.written})
    else:
        taken = ngettext("Took in {n} row", "Took in {n} rows", result.written)
        _say_taken(taken.format(n=result.written), result)
    if result.waiting:
        waits = ngettext("{n} row waits", "{n} rows wait", result.waiting)
        raise OverBudget(waits.format(n=result.waiting))


def _previewed(me: SheetImports, file: Path, reading: dict[str, Any]) -> SheetPreview:
    """Return the preview of a sheet; ask how it is to be read where that can be asked."""
    try:
        return me.sheet_preview(file, **reading)
    except AmbiguousSheet as doubt:
        if not is_typed():
            raise
        warn(f"{sentence(doubt)}\n{doubt}")
        choices = click.Choice(list(doubt.readings))
        answer = click.prompt(f"--{doubt.option}", type=choices, err=True)
        return _previewed(me, file, reading | {doubt.option: answer})


def _refuse_bad(preview: SheetPreview) -> None:
    """Say of the first rows that cannot be taken in why not; raise when there is any."""
    path = Path(preview.source)
    for row in preview.faults:
        assert isinstance(row.place, int), "a row has a line"
        warn(at(path, row.place, row.reason, spoken()))
    if preview.unreadable:
        few = ngettext(
            "{path}: {n} row cannot be read", "{path}: {n} rows cannot be read", preview.unreadable
        )
        raise UnreadableFile(few.format(path=visible(preview.source), n=preview.unreadable))
    if preview.void:
        raise _would_not_count(preview.source, preview.void)


def _say_previewed(preview: SheetPreview, form: Form, *, is_dry: bool) -> None:
    """Say what would be taken in, or that nothing was."""
    if form is Form.JSON:
        return write_json(preview_fields(preview) | {"written": 0})
    taken = ngettext("Took in {n} row", "Took in {n} rows", preview.new)
    if is_dry:
        taken = ngettext("{n} row would be taken in", "{n} rows would be taken in", preview.new)
    text = _("{taken}; {here} of {total} were here already.")
    return say(
        text.format(taken=taken.format(n=preview.new), here=preview.here, total=preview.total)
    )


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
    _refuse_rows(result.source, result.void, len(result.void))


def _refuse_rows(source: str, rows: Sequence[VoidRow], wrong: int) -> None:
    """Say why the first rows would count for nothing, and raise WouldNotCount when any would."""
    for row in rows:
        match row.place:
            case int(line):
                place = at(Path(source), line, "", spoken())
            case name:
                place = f"{name.hex()[:ID_DIGITS]}: "
        warn(f"{place}{row.reason}")
    if wrong:
        raise _would_not_count(source, wrong)


def _would_not_count(source: str, wrong: int) -> WouldNotCount:
    few = ngettext("{n} row would count for nothing", "{n} rows would count for nothing", wrong)
    return WouldNotCount(f"{visible(source)}: {few.format(n=wrong)}")


for platform in (opencollective, loomio, github):
    import_.add_command(platform)
