"""`weal ledger`: reading what was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from commonweal.client.contributions.contribution_lists import ContributionLists
from commonweal.client.language.plain import plain_rows
from commonweal.client.language.quantity import shown_action, shown_unit
from commonweal.client.language.times import shown, shown_when
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.fork_losses import void_warning
from commonweal.client.ledger.rows.listed_rows import ListedContribution, void_row
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    warn,
    write_csv,
    write_json,
    write_table,
)
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.points_in_time import instant

TEXT_ROWS = 50
"""Contributions that are listed for people who did not say how many."""

FIELDS = (
    *("id", "seq", "member", "member_name", "action", "quantity", "unit"),
    *("receiver", "scope", "note", "when", "claimed_at", "sealed", "why"),
    "corrected_to",
)


@click.command("ledger")
@click.option("--member", metavar="MEMBER", help="Given by this member: a name or an id.")
@click.option("--action", metavar="ACTION", help="Of this action.")
@click.option("--scope", metavar="TEXT", help="For this project or place.")
@click.option("--since", metavar="TIME", help="Given from then on: 2026-11-23 or 7d.")
@click.option("--until", metavar="TIME", help="Given before then.")
@click.option("--limit", type=click.IntRange(0), metavar="N", help="The newest N only.")
@home_option
@form_option()
def ledger(
    member: str | None,
    action: str | None,
    scope: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
    home: Home,
    form: Form,
) -> None:
    """List what was given, the last to happen first.

    What counts for nothing is marked with the reason, and is not in the number of records.
    """
    with part_of(ContributionLists, home) as me:
        listed = me.contributions(
            member=member,
            action=action,
            scope=scope,
            since=since,
            until=until,
            limit=TEXT_ROWS if limit is None and form is Form.TEXT else limit,
        )
        void = me.void_records()
    rows, forked = plain_rows(listed.records), [void_row(record) for record in void]
    if form is Form.JSON:
        return write_json({"total": listed.total, "records": rows, "not_counting": forked})
    if form is Form.CSV:
        write_csv(FIELDS, rows)
    else:
        _show(rows, listed.records, listed.total)
        for row in forked:
            say(_void_sentence(row))
    if forked:
        (say if form is Form.TEXT else warn)(void_warning(home, len(forked), spoken()))
    return None


def _void_sentence(row: dict[str, Any]) -> str:
    what = row["kind"]
    if row["action"] is not None:
        unit = shown_unit(row["unit"] or "", spoken())
        what = f"{shown_action(row['action'], spoken())} {row['quantity']} {unit}"
    words = _("{id}  {what}: does not count, since {reason}")
    return words.format(id=row["id"][:8], what=visible(what), reason=_(row["why"]))


def _show(rows: list[dict[str, Any]], records: Sequence[ListedContribution], total: int) -> None:
    if not rows:
        return say(_("Nothing is recorded that fits."))
    for row, record in zip(rows, records, strict=True):
        when, recorded_ms = record.when, record.claimed_at_ms
        is_dated = when is not None and recorded_ms is not None and when != instant(recorded_ms)
        row["id"] = row["id"][:8]
        row["when"] = "" if when is None else shown_when(when)
        row["recorded"] = shown(recorded_ms) if is_dated and recorded_ms is not None else ""
        row["action"] = shown_action(row["action"], spoken())
        row["unit"] = shown_unit(row["unit"] or "", spoken())
        row["mark"] = _("sealed") if row["sealed"] else ""
        row["why"] = "" if row["why"] is None else _(row["why"])
        if record.corrected_to is not None and not record.corrected_to:
            row["why"] = _("withdrawn")
    columns = [
        Column("id", _("id")),
        Column("when", _("when")),
        Column("recorded", _("recorded")),
        Column("member_name", _("member")),
        Column("action", _("action")),
        Column("quantity", _("quantity"), is_number=True),
        Column("unit", _("unit")),
        Column("corrected_to", _("corrected to"), is_number=True),
        Column("mark", _("final")),
        Column("why", _("counts for nothing")),
        Column("scope", _("scope")),
        Column("note", _("note")),
    ]
    write_table([column for column in columns if any(row[column.key] for row in rows)], rows)
    say()
    count = ngettext("{n} record", "{n} records", total).format(n=f"{total:,}")
    counting = sum(not row["why"] for row in rows)
    if total > counting:
        count = _("{shown} of {all}; --limit says how many are listed").format(
            shown=counting, all=count
        )
    if all(row["sealed"] for row in rows):
        return say(_("{count}, all listed are final").format(count=count))
    if any(row["sealed"] for row in rows):
        return say(_("{count}; what is not marked as sealed is provisional").format(count=count))
    return say(_("{count}, provisional: not sealed yet").format(count=count))
