"""`weal show`: one record in full."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from commonweal.client.contributions.records import Records
from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_action, shown_number, shown_unit
from commonweal.client.language.times import shown, shown_when
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.rows.contribution_rows import RecordBody, RecordDetails
from commonweal.commands.terminal.language import N_, _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED, read_point_in_time

SIGNATURES = {
    "good": N_("good"),
    "covered": N_("bad, but a later record covers it"),
    "void": N_("void: the log is frozen"),
}


@click.command("show")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(id: str, home: Home, form: Form) -> None:
    """Show the record whose id begins with ID: what it says, who signed it, who holds it."""
    with part_of(Records, home) as me:
        record = me.show(id)
        if form is Form.JSON:
            return write_json(plain(record))
        return _show(record, me.view.name)


def _show(record: RecordDetails, name: Callable[[bytes], str]) -> None:
    reason = record.reason and _(record.reason.value)
    pairs = [
        (_("id"), record.id.hex()),
        (_("kind"), record.kind),
        (_("written by"), f"{record.member_name or '?'} ({record.author.hex()[:8]})"),
        (_("number in its log"), str(record.seq)),
        *([(_("when"), shown_when(record.when))] if record.when is not None else []),
        (_("recorded"), shown(record.claimed_at_ms)),
        (_("signature"), _(SIGNATURES[record.signature])),
        (_("held"), _held(record.holders)),
        (_("counts"), _("no: {reason}").format(reason=reason) if reason else _("yes")),
        (_("sealed"), _sealed(record.sealed_at)),
        *((_("waits for the yes of"), name(member)) for member in record.waits_for),
        *_said(record.data, name),
        *((_("cites"), id.hex()) for id in record.deps),
    ]
    rows = [{"what": what, "value": value} for what, value in pairs]
    write_table([Column("what", ""), Column("value", "")], rows)
    if record.body is not None:
        say()
        _show_body(record.body)


def _show_body(body: RecordBody) -> None:
    if body.text is not None:
        for line in body.text.splitlines():
            say(f"  {visible(line)}")
    elif body.held and body.sealed:
        said = _("Sealed to the devices that may read it: {size} bytes that nobody else can open.")
        say(said.format(size=f"{body.size:,}"))
    elif body.held:
        kind = visible(body.media_type or _("document"))
        say(_("A file: {kind}, {size} bytes.").format(kind=kind, size=f"{body.size:,}"))
    elif body.erased:
        say(_("Its text was erased."))
    else:
        say(_("Its text is not here: not fetched yet."))


def _said(data: dict[str, Any], name: Callable[[bytes], str]) -> list[tuple[str, str]]:
    """Return what a record says, key by key, for people."""
    pairs = []
    for key, value in data.items():
        if key == HAPPENED and read_point_in_time(value) is not None:
            continue  # it is shown above
        match value:
            case {"n": int(n), "scale": int(scale), "unit": str(unit)}:
                said = f"{shown_number(n, scale)} {shown_unit(unit, spoken())}"
            case str() if key == "action":
                said = shown_action(value, spoken())
            case bytes() if key in ("provider", "receiver", "member"):
                said = f"{name(value)} ({value.hex()[:8]})"
            case str():
                said = value
            case bytes():
                said = value.hex()
            case _:
                said = json.dumps(plain(value), ensure_ascii=False)
        pairs.append((visible(key), said))
    return pairs


def _sealed(height: int | None) -> str:
    if height is None:
        return _("provisional: not sealed yet")
    return _("at height {height}").format(height=height)


def _held(holders: tuple[bytes, ...] | None) -> str:
    if holders is None:
        return _("on this node; start it to know who else holds it")
    n = len(holders)
    if not n:
        return _("on this node only")
    return ngettext("on this node and {n} peer", "on this node and {n} peers", n).format(n=n)
