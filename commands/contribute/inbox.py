"""`weal inbox`: what waits for the member, as a list or as a digest on the desktop."""

from __future__ import annotations

import shlex

import click

from commonweal.client.inbox import INBOX_ROWS_MAX, KINDS, Inbox, InboxDigest, InboxRow
from commonweal.client.language.plain import plain
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _, ngettext
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.notify import notify
from commonweal.commands.terminal.options import default_home, form_option, home_option
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import table
from commonweal.protocol.errors import UsageError
from commonweal.storage.home.home import Home

ROWS_MAX = 10_000
FIELDS = ("kind", "id", "member", "member_name", "words", "since", "until", "command")


@click.command("inbox")
@click.option(
    "--limit",
    type=click.IntRange(1, ROWS_MAX),
    default=INBOX_ROWS_MAX,
    metavar="N",
    help="List no more than N.",
)
@click.option(
    "--notify",
    "with_notice",
    is_flag=True,
    help="Show on the desktop what is new since the last time; nothing when nothing is.",
)
@click.option("--hook", metavar="COMMAND", help="With --notify: give it to COMMAND on stdin.")
@home_option
@form_option()
def inbox(limit: int, with_notice: bool, hook: str | None, home: Home, form: Form) -> None:
    """List what waits for you: who asks, since when, until when, and the command that does it.

    Deadlines come first. What you did yourself, or may not do yet, is not in it.
    """
    if hook is not None and not with_notice:
        raise UsageError(_("--hook goes with --notify"))
    if with_notice:
        if form is not Form.TEXT:
            raise UsageError(_("--notify writes no list, so it takes no -o"))
        return _notify(home, hook)
    with part_of(Inbox, home) as me:
        listed = me.inbox(limit=limit)
    rows = [plain(row) | {"command": _at_home(row.command, home)} for row in listed.rows]
    if form is Form.TEXT:
        for shown_row, row in zip(rows, listed.rows, strict=True):
            shown_row["kind"] = _(KINDS[row.kind])
            shown_row["until"] = shown(row.until_ms) if row.until_ms is not None else ""
            shown_row["since"] = shown(row.since_ms) if row.since_ms is not None else ""
    columns = [
        Column("until", _("until")),
        Column("since", _("since")),
        Column("member_name", _("who asks")),
        Column("kind", _("kind")),
        Column("command", _("command")),
        Column("words", _("what")),
    ]
    footer = ""
    if len(rows) < listed.total:
        text = _("{shown} of {total} are listed; more by: --limit N")
        footer = text.format(shown=f"{len(rows):,}", total=f"{listed.total:,}")
    nothing = _("Nothing waits for you.")
    return table(form, "waits", rows, FIELDS, columns, footer, nothing, total=listed.total)


def _at_home(command: str, home: Home) -> str:
    """Return a command so that it does its work at this home, wherever it is typed."""
    if home.path == default_home().expanduser().absolute():
        return command
    return command.replace("weal ", f"weal --home {shlex.quote(str(home))} ", 1)


def _notify(home: Home, hook: str | None) -> None:
    """Show what is new since the last digest, and remember it once it was shown."""
    with part_of(Inbox, home) as me:
        digest = me.inbox_digest()
        if digest.new:
            title = ngettext(
                "{n} new thing waits for you", "{n} new things wait for you", digest.new
            )
            notify(title.format(n=f"{digest.new:,}"), _text(digest, home), hook)
        me.told(digest)


def _text(digest: InboxDigest, home: Home) -> str:
    """Return a digest as people read it: two lines for each row."""
    lines = [line for row in digest.rows for line in _lines(row, home)]
    left = digest.new - len(digest.rows)
    if left:
        lines.append(_("and {n} more").format(n=f"{left:,}"))
    all_words = ngettext(
        "{n} thing waits in all: {command}", "{n} things wait in all: {command}", digest.total
    )
    lines.append(all_words.format(n=f"{digest.total:,}", command=_at_home("weal inbox", home)))
    return "\n".join(lines)


def _lines(row: InboxRow, home: Home) -> list[str]:
    parts = [_(KINDS[row.kind]), visible(row.member_name), visible(row.words)]
    if row.until_ms is not None:
        parts.append(_("until {time}").format(time=shown(row.until_ms)))
    return [" · ".join(filter(None, parts)), f"  {_at_home(row.command, home)}"]
