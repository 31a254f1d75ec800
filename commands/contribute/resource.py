"""`weal resource`, `unit`, `income` and `agent`: what there is, and who gave it from outside."""

from __future__ import annotations

from os import urandom
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commonweal.client.directory import begins
from commonweal.client.event_words import event_words, resource_fields, unit_definition
from commonweal.client.ledger_view import LedgerView, submit
from commonweal.client.notes import note_body
from commonweal.client.quantity import read_quantity, read_unit, shown_number, shown_unit
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    passphrase_option,
    unlocking,
)
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.things import quantities, units_and_specs
from commonweal.protocol.ledger.things.event_row import EVENT, OF_RESOURCE, EventRow
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

FIELDS = (
    *("id", "name", "unit", "accounting", "onhand", "accountable", "accountable_name"),
    *("custodian", "custodian_name", "stage", "state", "location"),
)


@click.group("resource")
def resource() -> None:
    """List what the community and its members have, add to it, or show one thing."""


@resource.command("list")
@click.option("--member", metavar="MEMBER", help="Of this member, in place of all.")
@home_option
@form_option()
def list_(member: str | None, home: Home, form: Form) -> None:
    """List what there is: whose it is, and who has it."""
    with folded(home) as found:
        whose = found.member(member) if member else None
        rows = [
            resource_fields(found, key[1:], row)
            for key, value in found.state.items(RESOURCE)
            for row in (ResourceRow(*value),)
            if whose in (None, row.accountable, row.custodian)
        ]
    rows.sort(key=lambda row: (row["name"] or "", row["unit"], row["id"]))
    return table(form, "resources", rows, FIELDS, _columns(), _("provisional: not sealed yet"))


def _columns() -> list[Column]:
    return [
        Column("id", _("id")),
        Column("name", _("name")),
        Column("accounting", _("in the books"), is_number=True),
        Column("onhand", _("on hand"), is_number=True),
        Column("unit", _("unit")),
        Column("accountable_name", _("whose")),
        Column("custodian_name", _("with whom")),
    ]


@resource.command("show")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(id: str, home: Home, form: Form) -> None:
    """Show the thing whose id begins with ID, and every event that changed it."""
    with folded(home) as found:
        chosen = found.id_among(id, RESOURCE)
        row = resource_fields(found, chosen, ResourceRow(*found.state.get(RESOURCE + chosen)))
        prefix = OF_RESOURCE + chosen
        touched = sorted((value[1], key[len(prefix) :]) for key, value in found.state.items(prefix))
        row["events"] = [event.hex() for _clock, event in touched]
        lines = [f"{event.hex()[:8]}  {event_words(found, event)}" for _clock, event in touched]
    if form is Form.JSON:
        return write_json(row)
    write_table([Column("what", ""), Column("value", "")], _pairs(row))
    say()
    for line in lines:
        say(line)
    return None


def _pairs(row: dict[str, Any]) -> list[dict[str, Any]]:
    words = {column.key: column.heading for column in _columns()}
    named = {**words, "stage": _("stage"), "state": _("state"), "location": _("place")}
    return [{"what": named[key], "value": row[key]} for key in named if row[key] is not None]


@resource.command("new")
@click.argument("name")
@click.argument("quantity")
@click.argument("unit")
@click.option("--factor", metavar="FACTOR", help="Which factor of production it is.")
@click.option("--common", is_flag=True, help="It is the community's, not yours.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new(
    name: str,
    quantity: str,
    unit: str,
    factor: str | None,
    common: bool,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Bring a thing into the books: weal resource new flour 40 kg."""
    from commonweal.node.service.events import Wish

    amount = read_quantity(quantity, unit, spoken())
    with folded(home) as found:
        cited = unit_definition(found, str(amount["unit"]))
        spec = _spec(found, name)
        if spec is None:
            data: dict[str, Any] = {"name": name, "unit": amount["unit"]}
            if factor is not None:
                data["factor"] = factor
            (described,) = submit(
                found, [Wish("spec.resource", data, cited)], unlocking(passphrase_file)
            )
            spec = described.id
    with folded(home) as found:
        event: dict[str, Any] = {
            "action": "raise",
            "provider": bytes(found.me),
            "resourceQuantity": amount,
            "resourceConformsTo": bytes(spec),
            "newInventoriedResource": {},
        }
        if common:
            event["receiver"] = bytes(found.community)
        wish = Wish("event", event, tuple({spec, *cited}), note_body(note, words=spoken()))
        written = submit(found, [wish], unlocking(passphrase_file))
    words = _("In the books, as {id}.")
    if common:
        words = _("In the books once another member attests it: weal attest {id}")
    return confirm(form, written, words, specification=spec.hex())


@click.group("unit")
def unit() -> None:
    """List the units in which things are counted here, or add one."""


@unit.command("new")
@click.argument("name")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def new_unit(name: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Add a unit in which things are counted here."""
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        plain = read_unit(name, spoken())
        written = submit(found, [Wish("unit.define", {"unit": plain})], unlocking(passphrase_file))
    words = _("Things are counted in {unit} now.").format(unit=plain)
    return confirm(form, written, words, unit=plain)


@unit.command("list")
@home_option
@form_option()
def units_(home: Home, form: Form) -> None:
    """List the units in which things are counted here."""
    with folded(home) as found:
        rows: list[dict[str, Any]] = [
            {"unit": one, "member": None, "member_name": None}
            for one in sorted(found.kept.rules.units)
        ]
        for key, value in found.state.items(quantities.UNIT):
            by = value[0]
            rows.append(
                {"unit": key[1:].decode(), "member": by.hex(), "member_name": found.name(by)}
            )
    columns = [Column("unit", _("unit")), Column("member_name", _("added by"))]
    return table(form, "units", rows, ("unit", "member", "member_name"), columns)


@click.command("income")
@click.argument("quantity")
@click.argument("unit")
@click.option("--payer", metavar="AGENT", help="Whose id you have from `weal agent list`.")
@click.option("--earned-by", metavar="ID", help="The thing or contribution that earned it.")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def income(
    quantity: str,
    unit: str,
    payer: str | None,
    earned_by: str | None,
    note: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Write down what came in for the community from outside: weal income 1200 EUR.

    Another member attests it. The rules say into which pool it goes, and who gets a share of it.
    """
    from commonweal.node.service.events import Wish

    amount = read_quantity(quantity, unit, spoken())
    with folded(home) as found:
        giver = begins(_outside(found), payer) if payer else urandom(agents.OUTSIDE_BYTES)
        data: dict[str, Any] = {
            "action": "transfer",
            "provider": giver,
            "receiver": bytes(found.community),
            "resourceQuantity": amount,
        }
        cited = list(unit_definition(found, str(amount["unit"])))
        chest = _chest(found, str(amount["unit"]))
        if chest is None:
            data["newInventoriedResource"] = {}
        else:
            data["toResourceInventoriedAs"] = bytes(chest)
            cited.append(chest)
        if earned_by is not None:
            source = found.held(earned_by).id
            data["earnedBy"] = bytes(source)
            cited.append(source)
        wish: Wish = Wish(
            "event", data, tuple(dict.fromkeys(cited)), note_body(note, words=spoken())
        )
        written = submit(found, [wish], unlocking(passphrase_file))
    number = shown_number(int(str(amount["n"])), int(str(amount["scale"])))
    what = f"{number} {shown_unit(str(amount['unit']), spoken())}"
    words = _(
        "Income of {what}, as {id}. It counts once another member attests it and it is sealed."
    )
    return confirm(form, written, words.replace("{what}", what), payer=giver.hex())


@click.group("agent")
def agent() -> None:
    """List who gave from outside, and claim what you gave before you were a member."""


@agent.command("list")
@home_option
@form_option()
def agents_(home: Home, form: Form) -> None:
    """List the agents outside the community, with what they gave and who claimed it."""
    from commonweal.client.texts import text_of

    with folded(home) as found:
        rows: dict[bytes, dict[str, Any]] = {}
        events = [(EventRow(*value), key) for key, value in found.state.items(EVENT)]
        for event, key in sorted(events, key=lambda one: (one[0].clock, one[1])):
            provider = event.provider
            if not agents.is_outside(provider):
                continue
            claimed = found.state.get(agents.CLAIMED + provider)
            row = rows.setdefault(
                provider,
                {
                    "agent": provider.hex(),
                    "events": 0,
                    "member": claimed and claimed.hex(),
                    "member_name": claimed and found.name(claimed),
                    "note": text_of(found.store, RecordId(key[1:])),
                },
            )
            row["events"] += 1
    columns = [
        Column("agent", _("id")),
        Column("events", _("contributions"), is_number=True),
        Column("member_name", _("claimed by")),
        Column("note", _("one of them")),
    ]
    fields = ("agent", "events", "member", "member_name", "note")
    return table(form, "agents", list(rows.values()), fields, columns)


@agent.command("claim")
@click.argument("agent")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def claim(agent: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Say that you are the agent outside whose id begins with AGENT.

    Once another member attests it, what that agent gave is yours.
    """
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        outside = begins(_outside(found), agent)
        written = submit(
            found, [Wish("agent.claim", {"agent": outside})], unlocking(passphrase_file)
        )
    words = _("Claimed, as {id}. Another member attests it with: weal attest {id}")
    return confirm(form, written, words, agent=outside.hex())


def _outside(found: LedgerView) -> list[bytes]:
    providers = (EventRow(*value).provider for _, value in found.state.items(EVENT))
    return [one for one in dict.fromkeys(providers) if agents.is_outside(one)]


def _spec(found: LedgerView, name: str) -> RecordId | None:
    for key, value in found.state.items(units_and_specs.SPEC):
        if value[0] == name:
            return RecordId(key[1:])
    return None


def _chest(found: LedgerView, unit: str) -> RecordId | None:
    """Return the community's own holding of a currency, when it has one."""
    for key, value in found.state.items(RESOURCE):
        row = ResourceRow(*value)
        if row.accountable == found.community and row.spec is None and row.unit == unit:
            return RecordId(key[1:])
    return None
