"""`weal show`: one record in full."""

from __future__ import annotations

from typing import Any

import click

from commonweal.client.directory import PREFIX_DIGITS_MIN, People, begins
from commonweal.client.ledger_view import LedgerView
from commonweal.client.name_cache import body_of
from commonweal.client.node_client import ask_if_running
from commonweal.client.quantity import shown_action, shown_number, shown_unit
from commonweal.client.times import iso, shown
from commonweal.client.visible_text import visible
from commonweal.commands.terminal.language import N_, _, ngettext, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.protocol import codec
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.ledger.contributions import consent
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records import log
from commonweal.protocol.records.record import Record, RecordId
from commonweal.storage.home.home import Home
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.seal_store import SealStore

SIGNATURES = (N_("good"), N_("bad, but a later record covers it"), N_("void: the log is frozen"))
DEPTH_SHOWN_MAX = codec.DEPTH_MAX


@click.command("show")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(id: str, home: Home, form: Form) -> None:
    """Show the record whose id begins with ID: what it says, who signed it, who holds it."""
    with folded(home) as state:
        store = state.store
        people = People(store, state.community, words=spoken())
        found = _find(store, id)
        row = as_row(store, people, found)
        reason = state.kept.verdict(found)
        row |= {"counts": reason is None, "reason": reason and reason.value}
        waits = consent.correction_row(state.state, found.id)
        asked = [] if waits is None or waits.held else waits.asked
        row["waits_for"] = [one.hex() for one in asked]
        row["sealed"] = state.kept.is_final(found)
        row["sealed_at"] = None
        if row["sealed"]:
            seals = SealStore(store, state.community)
            row["sealed_at"] = seals.height_covering(found.author, found.seq)
        answer = ask_if_running(home, "holders", id=bytes(found.id))
        row["holders"] = answer and [one.hex() for one in answer["holders"] if one]
        if form is Form.JSON:
            return write_json(row)
        return _show(row, state)


def as_row(store: Store, people: People, found: Record) -> dict[str, Any]:
    """Return header, body and signature state of a record, as json says them."""
    device = next(
        (one for one in membership.devices(people.state) if one.key == found.author), None
    )
    return {
        "id": found.id.hex(),
        "community": people.community.hex(),
        "author": found.author.hex(),
        "member": device and device.member.hex(),
        "member_name": device and people.name(device.member),
        "seq": found.seq,
        "prev": found.prev.hex(),
        "clock": found.clock,
        "basis": found.basis.hex(),
        "deps": [one.hex() for one in found.deps],
        "claimed_at": iso(found.claimed_at),
        "kind": found.kind,
        "data": plain(found.data),
        "body": _body(store, found),
        "signature": _signature_state(store, found),
        "sealed": False,
    }


def plain(value: Any) -> Any:
    """Return a value with bytes as hex, for json and people."""
    match value:
        case bytes():
            return value.hex()
        case list():
            return [plain(one) for one in value]
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case _:
            return value


def _find(store: Store, text: str) -> Record:
    digits = text.strip().lower()
    if len(digits) < PREFIX_DIGITS_MIN:
        raise UnknownId(
            _("{text}: give at least {least} digits of the id").format(
                text=visible(text), least=PREFIX_DIGITS_MIN
            )
        )
    found = store.record(RecordId(begins(store.ids(digits), digits)))
    assert found is not None, "an id of the store is held"
    return found


def _signature_state(store: Store, found: Record) -> str:
    row = store.log(found.author)
    if row.frozen is not None and found.seq >= row.frozen:
        return "void"
    return "good" if log.is_signed(found) else "covered"


def _body(store: Store, found: Record) -> dict[str, Any] | None:
    ref = found.body
    if ref is None:
        return None
    row: dict[str, Any] = {
        "hash": ref.hash.hex(),
        "size": ref.size,
        "permanent": ref.permanent,
        "held": store.has_body(ref.hash),
        "erased": store.is_erased(ref.hash),
        "media_type": None,
        "text": None,
    }
    if ref.permanent:
        return row
    body = body_of(store, found.id)
    if body is not None:
        media_type, content = body
        row["media_type"] = media_type
        if media_type.startswith("text/"):
            row["text"] = content.decode("utf-8", "replace")
    return row


def _show(row: dict[str, Any], state: LedgerView) -> None:
    signatures = {"good": SIGNATURES[0], "covered": SIGNATURES[1], "void": SIGNATURES[2]}
    pairs = [
        (_("id"), row["id"]),
        (_("kind"), row["kind"]),
        (_("written by"), f"{row['member_name'] or '?'} ({row['author'][:8]})"),
        (_("number in its log"), str(row["seq"])),
        (_("when"), shown(_ms(row["claimed_at"]))),
        (_("signature"), _(signatures[row["signature"]])),
        (_("held"), _held(row["holders"])),
        (
            _("counts"),
            _("no: {reason}").format(reason=_(row["reason"])) if row["reason"] else _("yes"),
        ),
        (_("sealed"), _sealed(row["sealed_at"])),
        *((_("waits for the yes of"), state.name(bytes.fromhex(one))) for one in row["waits_for"]),
        *_said(row["data"], state),
        *((_("cites"), one) for one in row["deps"]),
    ]
    rows = [{"what": what, "value": value} for what, value in pairs]
    write_table([Column("what", ""), Column("value", "")], rows)
    body = row["body"]
    if body is None:
        return
    say()
    if body["text"] is not None:
        for line in body["text"].splitlines():
            say(f"  {visible(line)}")
    elif body["held"]:
        kind = visible(body["media_type"] or _("document"))
        say(_("A file: {kind}, {size} bytes.").format(kind=kind, size=f"{body['size']:,}"))
    elif body["erased"]:
        say(_("Its text was erased."))
    else:
        say(_("Its text is not here: not fetched yet."))


def _said(data: dict[str, Any], state: LedgerView) -> list[tuple[str, str]]:
    pairs = []
    for key, value in data.items():
        match value:
            case {"n": int(n), "scale": int(scale), "unit": str(unit)}:
                said = f"{shown_number(n, scale)} {shown_unit(unit, spoken())}"
            case str() if key == "action":
                said = shown_action(value, spoken())
            case str() if key in ("provider", "receiver", "member"):
                said = f"{state.name(bytes.fromhex(value))} ({value[:8]})"
            case _:
                said = _brief(value)
        pairs.append((visible(key), said))
    return pairs


def _brief(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _counts(reason: str | None) -> str:
    return _("yes") if reason is None else _("no: {reason}").format(reason=_(reason))


def _sealed(height: int | None) -> str:
    if height is None:
        return _("provisional: not sealed yet")
    return _("at height {height}").format(height=height)


def _held(holders: list[str] | None) -> str:
    if holders is None:
        return _("on this node; start it to know who else holds it")
    n = len(holders)
    if not n:
        return _("on this node only")
    return ngettext("on this node and {n} peer", "on this node and {n} peers", n).format(n=n)


def _ms(claimed_at: str) -> int:
    from commonweal.client.times import read_time_ms

    return read_time_ms(claimed_at, 0)
