"""`weal attest`, `dispute` and `correct`: what members say of a contribution.

What waits for the member's word is listed, and never what they wrote or gave themselves.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commonweal.client.directory import begins
from commonweal.client.event_words import event_words
from commonweal.client.ledger_view import LedgerView, note_body, submit
from commonweal.client.ledger_view import amount as shown_amount
from commonweal.client.quantity import read_quantity, shown_number, shown_unit
from commonweal.client.visible_text import visible
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    passphrase_option,
    unlocking,
)
from commonweal.commands.terminal.output import Column, Form, say, write_json
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.errors import UnreadableQuantity, UsageError
from commonweal.protocol.ledger.contributions import attestation, consent
from commonweal.protocol.ledger.contributions.consent import CorrectionRow
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow, event_row
from commonweal.protocol.ledger.things.quantities import Quantity, read
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

ATTESTED_AT_ONCE_MAX = 10_000


@click.command("attest")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--no", "say_no", is_flag=True, help="Say that it was not so.")
@click.option("--withdraw", is_flag=True, help="Take back what you said.")
@click.option("--member", metavar="MEMBER", help="All of this member on which you said nothing.")
@click.option("--scope", metavar="TEXT", help="All for this project or place.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def attest(
    ids: tuple[str, ...],
    say_no: bool,
    withdraw: bool,
    member: str | None,
    scope: str | None,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Say that a contribution of another member was as its author wrote it.

    ID begins the id of a contribution, of a correction that waits for your consent, or of
    somebody's claim to be an agent outside. With --member or --scope all that fits is attested.
    Without any of these, what waits for your word is listed.
    """
    if (say_no and withdraw) or (ids and (member or scope)):
        raise UsageError(_("give ids, or --member or --scope; and --no or --withdraw, not both"))
    if not (ids or member or scope or say_no or withdraw):
        return _list_waiting(home, form)
    said = attestation.WITHDRAW if withdraw else attestation.NO if say_no else attestation.YES
    with folded(home) as found:
        if ids:
            chosen = [_attestable(found, text) for text in ids]
        else:
            giver = found.member(member) if member else None
            chosen = _fitting(found, giver, scope)
        wishes = [_wish(found, id, said) for id in chosen]
        written = submit(found, wishes, unlocking(passphrase_file)) if wishes else []
        first = _words(found, chosen[0]) if chosen else ""
    if form is Form.JSON:
        listed = [
            {"id": one.id.hex(), "event": id.hex(), "seq": one.seq}
            for one, id in zip(written, chosen, strict=True)
        ]
        return write_json({"attests": listed})
    if not written:
        return say(_("Nothing is left to attest: you spoke of all of it, or it is your own."))
    if len(written) == 1:
        return say(_("You said {what} to: {event}").format(what=_(said), event=first))
    many = ngettext(
        "You said {what} to {n} contribution.",
        "You said {what} to {n} contributions.",
        len(written),
    )
    return say(many.format(what=_(said), n=len(written)))


def _wish(found: LedgerView, id: RecordId, said: str) -> Wish:
    """Return what is written to say something of an event, a correction or a claim."""
    from commonweal.node.service.events import Wish

    correction = consent.correction_row(found.state, id)
    row = event_row(found.state, id if correction is None else correction.event)
    data: dict[str, Any] = {"event": bytes(id), "say": said}
    cited = [id]
    if row is not None and row.corrections:
        data["corrections"] = row.corrections
        # What the member has seen stands before what they say, in every order of records.
        cited.append(RecordId(row.corrected_by))
    return Wish("attest", data, tuple(dict.fromkeys(cited)))


def _list_waiting(home: Home, form: Form) -> None:
    """List what waits for the member's word: corrections first, the earliest first."""
    with folded(home) as found:
        rows = [
            {
                "id": id.hex(),
                "kind": "correction",
                "event": row.event.hex(),
                "member": row.member.hex(),
                "member_name": found.name(row.member),
                "words": _words(found, id),
            }
            for id, row in consent.open_corrections(found.state)
            if found.me in row.asked and found.state.get(attestation.SAID + id + found.me) is None
        ]
        for event in _fitting(found, None, None):
            row = event_row(found.state, event)
            assert row is not None, "it was found"
            rows.append(
                {
                    "id": event.hex(),
                    "kind": "event",
                    "event": event.hex(),
                    "member": row.member.hex(),
                    "member_name": found.name(row.member),
                    "words": event_words(found, event),
                }
            )
    columns = [
        Column("id", _("id")),
        Column("member_name", _("written by")),
        Column("words", _("what")),
    ]
    fields = ("id", "kind", "event", "member", "member_name", "words")
    nothing = _("Nothing waits for your word.")
    return table(form, "waits", rows, fields, columns, "", nothing)


def _words(found: LedgerView, id: bytes) -> str:
    """Return an event, or a correction that waits, as people read it."""
    row = consent.correction_row(found.state, id)
    return event_words(found, id) if row is None else correction_words(found, row)


def correction_words(found: LedgerView, row: CorrectionRow) -> str:
    """Return a correction that waits as people read it."""
    number, unit = shown_amount(row.quantity or row.effort)
    more = (
        f"{'' if str(number).startswith('-') else '+'}{number} {shown_unit(unit or '', spoken())}"
    )
    return _("{more} for: {event}").format(more=more, event=event_words(found, row.event))


@click.command("dispute")
@click.argument("id")
@click.option("--note", metavar="TEXT", help="Why; it can be erased later.")
@click.option("--withdraw", is_flag=True, help="Take your dispute back.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def dispute(
    id: str,
    note: str | None,
    withdraw: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Dispute the contribution whose id begins with ID: it is worth nothing until you withdraw."""
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        event = found.id_among(id, EVENT)
        said = attestation.WITHDRAW if withdraw else attestation.OPEN
        wish = Wish(
            "dispute",
            {"event": bytes(event), "say": said},
            (event,),
            note_body(note, words=spoken()),
        )
        written = submit(found, [wish], unlocking(passphrase_file))
    words = _("Your dispute is withdrawn.") if withdraw else _("Disputed, as {id}.")
    return confirm(form, written, words, event=event.hex())


@click.command("correct")
@click.argument("id")
@click.argument("quantity")
@click.argument("unit")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def correct(
    id: str, quantity: str, unit: str, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Say what a contribution that you wrote down really was: weal correct ID 2 hours.

    What others said of it before counts no more; they attest it again. What takes from another
    member waits for their yes.
    """
    from commonweal.node.service.events import Wish

    wanted = read_quantity(quantity, unit, spoken())
    with folded(home) as found:
        event = found.id_among(id, EVENT)
        row = event_row(found.state, event)
        assert row is not None, "it was found"
        data = _difference(row, wanted)
        data |= {"action": row.action, "corrects": bytes(event)}
        cited = [event, *([RecordId(row.corrected_by)] if row.corrected_by else [])]
        asked = consent.consenters(found.state, found.me, event, *_quantities(data))
        written = submit(found, [Wish("event", data, tuple(cited))], unlocking(passphrase_file))
        names = ", ".join(found.name(one) for one in asked)
    number = shown_number(int(str(wanted["n"])), int(str(wanted["scale"])))
    now = f"{number} {shown_unit(str(wanted['unit']), spoken())}"
    words = _("Corrected to {now}.").format(now=now)
    if asked:
        words = _("To be {now}, once {names} say yes: weal attest {id}")
        words = words.replace("{now}", now).replace("{names}", visible(names))
    waits = [one.hex() for one in asked]
    return confirm(form, written, words, event=event.hex(), waits_for=waits)


def _quantities(data: dict[str, Any]) -> list[Quantity | None]:
    keys = ("resourceQuantity", "effortQuantity")
    return [read(data[key]) if key in data else None for key in keys]


def _difference(row: EventRow, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the quantity to add to what an event has, so that it becomes `wanted`."""
    for key, had in (("resourceQuantity", row.quantity), ("effortQuantity", row.effort)):
        if had is not None and had[2] == wanted["unit"]:
            scale = max(had[1], wanted["scale"])
            n = wanted["n"] * 10 ** (scale - wanted["scale"]) - had[0] * 10 ** (scale - had[1])
            if abs(n) > INT_MAX:
                raise UnreadableQuantity(str(wanted["n"]))
            return {key: {"n": n, "scale": scale, "unit": had[2]}}
    units = ", ".join(one[2] for one in (row.quantity, row.effort) if one is not None)
    raise UsageError(_("it is counted in {units}").format(units=units))


def _attestable(found: LedgerView, text: str) -> RecordId:
    """Return the event, claim or correction that waits whose id begins so."""
    ids = [RecordId(key[1:]) for key, _ in found.state.items(EVENT)]
    ids += [RecordId(id) for id, _ in consent.open_corrections(found.state)]
    ids += [RecordId(key[1:]) for key, _ in found.state.items(agents.CLAIM)]
    return begins(ids, text)


def _fitting(found: LedgerView, giver: bytes | None, scope: str | None) -> list[RecordId]:
    """Return what others wrote and gave and our member said nothing of, the earliest first."""
    fitting: list[tuple[int, RecordId]] = []
    for key, value in found.state.items(EVENT):
        row, id = EventRow(*value), RecordId(key[1:])
        provider = agents.person(found.state, row.provider)
        if found.me in (provider, row.member) or (giver is not None and provider != giver):
            continue
        if scope is not None and row.scope != scope:
            continue
        if found.state.get(attestation.attestation_key(id, row, found.me)) is None:
            fitting.append((row.clock, id))
    if len(fitting) > ATTESTED_AT_ONCE_MAX:
        most = f"{ATTESTED_AT_ONCE_MAX:,}"
        raise UsageError(_("more than {most} fit; say which").format(most=most))
    return [id for _clock, id in sorted(fitting)]
