"""`weal ledger`: reading what was given."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from commonweal.client.name_cache import Names, text_of
from commonweal.client.quantity import read_action, shown_action, shown_number, shown_unit
from commonweal.client.submit import now_ms
from commonweal.client.times import iso, read_time_ms, shown
from commonweal.client.visible_text import visible
from commonweal.commands.forked import lost, warning
from commonweal.commands.terminal.language import _, ngettext, spoken
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
from commonweal.protocol.errors import HomeInUse, StorageError
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.contribution_index import EventRow, Index, event_of
from commonweal.storage.records.log_store import Store

TEXT_ROWS = 50
"""So many are listed for people who did not say how many."""
INDEX_WAIT_SECONDS_MAX = 3.0
INDEX_PAUSE_SECONDS = 0.02

FIELDS = (
    *("id", "seq", "member", "member_name", "action", "quantity", "unit"),
    *("receiver", "scope", "note", "claimed_at", "sealed"),
)


@click.command("ledger")
@click.option("--member", metavar="MEMBER", help="Given by this member: a name or an id.")
@click.option("--action", metavar="ACTION", help="Of this action.")
@click.option("--scope", metavar="TEXT", help="For this project or place.")
@click.option("--since", metavar="TIME", help="From this time on: 2026-11-23 or 7d.")
@click.option("--until", metavar="TIME", help="Before this time.")
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
    """List what was given, the newest first."""
    follow_index(home)
    now = now_ms()
    with home.store(readonly=True) as store, store.snapshot():
        community = Settings.read(store).here
        names = Names(home, store, community, spoken())
        asked: dict[str, Any] = {
            "member": _member(store, community, member) if member else None,
            "action": read_action(action, spoken()) if action else None,
            "scope": scope,
            "since": read_time_ms(since, now) if since else None,
            "until": read_time_ms(until, now) if until else None,
        }
        index = Index(store)
        total = index.total(**asked)
        most = TEXT_ROWS if limit is None and form is Form.TEXT else limit
        rows = _rows(store, names, index.events(**asked, limit=most), covered(home))
        forked = _forked(home, store, names)
        listed: list[dict[str, Any]] = []
        if form is Form.CSV:
            write_csv(FIELDS, rows)
        else:
            listed += rows
    if form is Form.JSON:
        return write_json({"total": total, "records": listed, "not_counting": forked})
    if form is Form.TEXT:
        _show(listed, total)
        for row in forked:
            say(_lost_words(row))
    if forked:
        (say if form is Form.TEXT else warn)(warning(home, len(forked)))
    return None


def follow_index(home: Home) -> None:
    """Bring the index of events up to the records; a running node does it, and is waited for."""
    deadline = time.monotonic() + INDEX_WAIT_SECONDS_MAX
    while behind := _behind(home):
        try:
            with home.lock(), home.store() as store:
                while Index(store).catch_up():
                    store.commit()
                return None
        except HomeInUse:
            if time.monotonic() > deadline:
                few = ngettext(
                    "the list lacks the newest record", "the list lacks {n} newest records", behind
                )
                return warn(few.format(n=behind))
        time.sleep(INDEX_PAUSE_SECONDS)
    return None


def _member(store: Store, community: CommunityId, text: str) -> MemberId:
    from commonweal.client.directory import People

    return People(store, community, words=spoken()).find(text)


def _behind(home: Home) -> int:
    with home.store(readonly=True) as store:
        row = store.row("SELECT total(abs(length - indexed)) FROM log")
    assert row
    return int(row[0])


def covered(home: Home) -> dict[bytes, int]:
    """Return up to where the last cut that was looked at covers each log; nothing is folded."""
    from contextlib import closing

    from commonweal.storage.ledger.state_db import StateDb

    if not home.state.exists():
        return {}
    try:
        with closing(StateDb(home.state)) as layers:
            return dict(layers.rows("SELECT author, length FROM sealed_log"))
    except StorageError:  # the disk takes nothing, not even what reading that file needs
        from commonweal.commands.terminal.ledger import folded

        with folded(home) as ledger:
            return {bytes(one.author): one.length for one in ledger.kept.last.logs.values()}


def _rows(
    store: Store, names: Names, events: Iterator[EventRow], sealed: dict[bytes, int]
) -> Iterator[dict[str, Any]]:
    for event in events:
        quantity = event.resource or event.effort
        yield {
            "id": event.id.hex(),
            "seq": event.seq,
            "member": event.provider.hex(),
            "member_name": names.of(event.provider),
            "action": event.action,
            "quantity": quantity and shown_number(quantity.n, quantity.scale),
            "unit": quantity and quantity.unit,
            "receiver": event.receiver and event.receiver.hex(),
            "scope": event.scope,
            "note": text_of(store, event.id),
            "claimed_at": iso(event.claimed_at),
            "sealed": event.seq < sealed.get(event.author, 0),
        }


def _forked(home: Home, store: Store, names: Names) -> list[dict[str, Any]]:
    """Return what a fork of our member's log made void, whatever was asked for."""
    rows = []
    for record, reason in lost(home):
        event = event_of(record)
        row: dict[str, Any] = {**dict.fromkeys(FIELDS), "id": record.id.hex(), "seq": record.seq}
        row |= {"claimed_at": iso(record.claimed_at), "sealed": False}
        if event is not None:
            (row,) = _rows(store, names, iter([event]), {})
        rows.append({**row, "kind": record.kind, "why": reason.value})
    return rows


def _lost_words(row: dict[str, Any]) -> str:
    what = row["kind"]
    if row["action"] is not None:
        action, unit = (
            shown_action(row["action"], spoken()),
            shown_unit(row["unit"] or "", spoken()),
        )
        what = f"{action} {row['quantity']} {unit}"
    words = _("{id}  {what}: does not count, since {reason}")
    return words.format(id=row["id"][:8], what=visible(what), reason=_(row["why"]))


def _show(rows: list[dict[str, Any]], total: int) -> None:
    if not rows:
        return say(_("Nothing is recorded that fits."))
    for row in rows:
        row["id"] = row["id"][:8]
        row["when"] = shown(read_time_ms(row["claimed_at"], 0))
        row["action"] = shown_action(row["action"], spoken())
        row["unit"] = shown_unit(row["unit"] or "", spoken())
        row["mark"] = _("sealed") if row["sealed"] else ""
    columns = [
        Column("id", _("id")),
        Column("when", _("when")),
        Column("member_name", _("member")),
        Column("action", _("action")),
        Column("quantity", _("quantity"), is_number=True),
        Column("unit", _("unit")),
        Column("mark", _("final")),
        Column("scope", _("scope")),
        Column("note", _("note")),
    ]
    used = [one for one in columns if any(row[one.key] for row in rows)]
    write_table(used, rows)
    say()
    count = ngettext("{n} record", "{n} records", total).format(n=f"{total:,}")
    if total > len(rows):
        count = _("{shown} of {all}; --limit says how many are listed").format(
            shown=len(rows), all=count
        )
    if all(row["sealed"] for row in rows):
        return say(_("{count}, all listed are final").format(count=count))
    if any(row["sealed"] for row in rows):
        return say(_("{count}; what is not marked as sealed is provisional").format(count=count))
    return say(_("{count}, provisional: not sealed yet").format(count=count))
