"""`weal consent`: who may use which data of yours, for what, until when and for what in return."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from commonweal.client.exchange.data.consent_rows import STATES, ListedConsent
from commonweal.client.exchange.data.consents import Consents
from commonweal.client.exchange.data.receipts import ConsentReceipts
from commonweal.client.home.submit import now_ms
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.times import read_due_ms, shown
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.words.notes import ID_DIGITS
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.errors import UsageError
from commonweal.protocol.ledger.exchange.data.consents import ACTIONS, USE
from commonweal.storage.home.home import Home

FIELDS = (
    *("id", "resource", "name", "member", "member_name", "giver", "giver_name", "purposes"),
    *("actions", "recipients", "begin", "end", "language", "notice", "per_use", "unit", "pool"),
    *("replaces", "answers", "state", "valid", "uses", "yours", "asks_you", "covers_you"),
)


@click.group("consent")
def consent() -> None:
    """Let others use your data, or ask for theirs; end it; read and take receipts.

    A consent ends new uses only: what was read cannot be unread.
    """


@consent.command("grant")
@click.argument("named", metavar="[DATA]", required=False)
@click.option("--for", "purposes", multiple=True, metavar="PURPOSE", help="What it is used for.")
@click.option("--to", "recipients", multiple=True, metavar="WHO", help="A member, a role, or all.")
@click.option("--notice", metavar="TEXT", help="What they are told; it is kept for ever.")
@click.option("--until", metavar="WHEN", help="Not from then on: 31.12., 90d.")
@click.option("--from", "begin", metavar="WHEN", help="Not before.")
@click.option("--per-use", nargs=2, metavar="QUANTITY UNIT", help="What each use costs.")
@click.option("--share-of", "pool", metavar="POOL", help="Each use gives a share of a pool.")
@click.option("--action", "actions", multiple=True, type=click.Choice(ACTIONS), help="What for.")
@click.option("--replaces", metavar="ID", help="A consent that ends with this one.")
@click.option("--request", metavar="ID", help="A request that this answers as it asks.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def grant(
    named: str | None, passphrase_file: Path | None, home: Home, form: Form, **typed: Any
) -> None:
    """Let others use DATA of yours: weal consent grant notes --for research --to all --notice "…".

    DATA is an id or a name. Without --until it holds until you revoke it. Who uses it owes you what
    each use costs, by the use itself.
    """
    now = now_ms()
    said: dict[str, Any] = {"per_use": typed["per_use"] or None, "pool": typed["pool"]}
    for key, name in (("end_ms", "until"), ("begin_ms", "begin")):
        said[key] = None if typed[name] is None else read_due_ms(typed[name], now)
    with part_of(Consents, home, passphrase_file) as me:
        if typed["request"] is not None:
            del said["begin_ms"]
            made = me.answer_request(typed["request"], typed["notice"], **said)
        else:
            _check(named, typed, "purposes", "recipients", "notice")
            made = me.grant_consent(
                named or "",
                typed["purposes"],
                typed["recipients"],
                typed["notice"],
                actions=typed["actions"] or (USE,),
                replaces=typed["replaces"],
                **said,
            )
    words = _("Granted, as {id}. End it any time: weal consent revoke {id}.")
    return confirm(form, made, words)


@consent.command("ask")
@click.argument("named", metavar="DATA")
@click.option("--for", "purposes", multiple=True, metavar="PURPOSE", help="What it is used for.")
@click.option("--to", "recipients", multiple=True, metavar="WHO", help="Without it: for you.")
@click.option("--notice", metavar="TEXT", help="What you tell the owner; it is kept for ever.")
@click.option("--until", metavar="WHEN", help="Not from then on: 31.12., 90d.")
@click.option("--action", "actions", multiple=True, type=click.Choice(ACTIONS), help="What for.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def ask(named: str, passphrase_file: Path | None, home: Home, form: Form, **typed: Any) -> None:
    """Ask the owner of DATA for a consent: weal consent ask notes --for research --notice "…".

    It waits in their inbox. They may grant it with other terms, or refuse it.
    """
    _check(named, typed, "purposes", "notice")
    until = None if typed["until"] is None else read_due_ms(typed["until"], now_ms())
    with part_of(Consents, home, passphrase_file) as me:
        made = me.ask_consent(
            named,
            typed["purposes"],
            typed["notice"],
            recipients=typed["recipients"],
            actions=typed["actions"] or (USE,),
            end_ms=until,
        )
    return confirm(form, made, _("Asked, as {id}."))


@consent.command("revoke")
@click.argument("id")
@click.option("--vote", is_flag=True, help="Propose it: members vote on it.")
@click.option("--note", metavar="TEXT", help="Why, with --vote; it is kept for ever.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def revoke(
    id: str, vote: bool, note: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """End the consent whose id begins with ID, refuse a request, or take yours back.

    No use counts after its place in the seals. What was used before stands, and pays; what was
    read cannot be unread. With --vote members decide, also about what others or the community
    consent to.
    """
    if note is not None and not vote:
        raise UsageError(_("--note goes with --vote"))
    with part_of(Consents, home, passphrase_file) as me:
        made = me.void_consent(id, note=note) if vote else me.revoke_consent(id)
    words = _("Ended, by {id}: no use counts after it. What was read cannot be unread.")
    if vote:
        words = _("Proposed, as {id}. Vote with: weal rules vote {id} yes")
    return confirm(form, made, words)


@consent.command("list")
@click.option("--all", "ended", is_flag=True, help="Those too that are over or ended.")
@home_option
@form_option()
def list_(ended: bool, home: Home, form: Form) -> None:
    """List the consents and requests that are yours, or by which you may use data."""
    with part_of(Consents, home) as me:
        listed, standing = me.consents(ended=ended), me.standing()
    rows = plain_rows(listed)
    if form is Form.TEXT:
        for row, given in zip(rows, listed, strict=True):
            row |= {"what": ", ".join(given.purposes), "who": ", ".join(given.recipients)}
            row |= {"stands": spoken()(STATES[given.state]), "giver_name": given.giver_name or ""}
    columns = [
        Column("id", _("id")),
        Column("name", _("data")),
        Column("giver_name", _("granted by")),
        Column("who", _("granted to")),
        Column("what", _("purpose")),
        Column("stands", _("state")),
        Column("uses", _("uses"), is_number=True),
    ]
    when_empty = _("No consents yet. Let others use data: weal consent grant NAME --for … --to …")
    return table(form, "consents", rows, FIELDS, columns, standing, when_empty)


@consent.command("show")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def show(id: str, home: Home, form: Form) -> None:
    """Show the consent or the request whose id begins with ID."""
    with part_of(Consents, home) as me:
        listed = me.consent(id)
    if form is Form.JSON:
        return write_json(plain(listed))
    for line in _lines(listed):
        say(line)
    return None


@consent.command("receipt")
@click.argument("id")
@click.option("--record", is_flag=True, help="The record alone, without what a receipt adds.")
@home_option
def receipt(id: str, record: bool, home: Home) -> None:
    """Print a receipt of the consent whose id begins with ID, as other programs read it.

    JSON-LD: a consent record of ISO/IEC TS 27560 in the words of the Data Privacy Vocabulary.
    """
    with part_of(ConsentReceipts, home) as me:
        value = me.consent_record(id) if record else me.consent_receipt(id)
    say(json.dumps(value, ensure_ascii=False, indent=1))


def _check(named: str | None, typed: dict[str, Any], *needed: str) -> None:
    """Raise UsageError where something is missing that a consent or a request says."""
    if not named or not all(typed[name] for name in needed):
        options = {"purposes": "--for", "recipients": "--to", "notice": "--notice"}
        listed = ", ".join(["DATA", *(options[name] for name in needed)])
        raise UsageError(_("say all of: {options}").format(options=listed))


def _lines(row: ListedConsent) -> list[str]:
    words = spoken()
    state = words(STATES[row.state])
    until = _("until it is revoked") if row.end_ms is None else shown(row.end_ms)
    if row.per_use is not None:
        benefit = _("{amount} {unit} for each use").format(amount=row.per_use, unit=row.unit)
    elif row.pool is not None:
        benefit = _("a share of the pool {pool}").format(pool=visible(row.pool))
    else:
        benefit = _("nothing")
    pairs = [
        (_("id"), row.id.hex()[:ID_DIGITS]),
        (_("data"), visible(row.name)),
        (_("granted by"), visible(row.giver_name or "-")),
        (_("granted to"), visible(", ".join(row.recipients))),
        (_("purpose"), visible(", ".join(row.purposes))),
        (_("until"), until),
        (_("in return"), benefit),
        (_("state"), state),
        (_("uses"), str(row.uses)),
        (_("notice"), visible(row.notice or "-")),
    ]
    return [f"{name}: {value}" for name, value in pairs]
