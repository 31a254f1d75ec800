"""`weal attest`, `dispute` and `correct`: what members say of a contribution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commonweal.commands.flows import event_words
from commonweal.commands.folded import Folded, confirm, folded, note_body, submit
from commonweal.commands.language import _, ngettext
from commonweal.commands.options import form_option, home_option, passphrase_option
from commonweal.commands.output import Form, say, write_json
from commonweal.commands.people import begins
from commonweal.commands.quantity import read_quantity, shown_number, shown_unit
from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.errors import UnreadableQuantity, UsageError
from commonweal.protocol.ledger import agents, attestation
from commonweal.protocol.ledger.flow import EVENT, EventRow, event_row
from commonweal.protocol.record import RecordId
from commonweal.storage.home import Home

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
    """Say that a contribution of another member was as he wrote it.

    ID begins the id of a contribution, or of somebody's claim to be an agent outside. With
    --member or --scope all that fits is attested.
    """
    from commonweal.node.events import Wish

    if (say_no and withdraw) or bool(ids) == bool(member or scope):
        raise UsageError(_("give ids, or --member or --scope; and --no or --withdraw, not both"))
    said = attestation.WITHDRAW if withdraw else attestation.NO if say_no else attestation.YES
    with folded(home) as found:
        if ids:
            chosen = [_attestable(found, text) for text in ids]
        else:
            giver = found.member(member) if member else None
            chosen = _fitting(found, giver, scope)
        wishes = []
        for id in chosen:
            row = event_row(found.state, id)
            data: dict[str, Any] = {"event": bytes(id), "say": said}
            cited = [id]
            if row is not None and row.corrections:
                data["corrections"] = row.corrections
                # What he has seen stands before what he says, in every order of records.
                cited.append(RecordId(row.corrected_by))
            wishes.append(Wish("attest", data, tuple(cited)))
        written = submit(found, wishes, passphrase_file) if wishes else []
        first = event_words(found, chosen[0]) if chosen else ""
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
    from commonweal.node.events import Wish

    with folded(home) as found:
        event = found.id_among(id, EVENT)
        said = attestation.WITHDRAW if withdraw else attestation.OPEN
        wish = Wish("dispute", {"event": bytes(event), "say": said}, (event,), note_body(note))
        written = submit(found, [wish], passphrase_file)
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

    What others said of it before counts no more; they attest it again.
    """
    from commonweal.node.events import Wish

    wanted = read_quantity(quantity, unit)
    with folded(home) as found:
        event = found.id_among(id, EVENT)
        row = event_row(found.state, event)
        assert row is not None, "it was found"
        data = _difference(row, wanted)
        data |= {"action": row.action, "corrects": bytes(event)}
        cited = [event, *([RecordId(row.corrected_by)] if row.corrected_by else [])]
        written = submit(found, [Wish("event", data, tuple(cited))], passphrase_file)
    number = shown_number(int(str(wanted["n"])), int(str(wanted["scale"])))
    now = f"{number} {shown_unit(str(wanted['unit']))}"
    return confirm(form, written, _("Corrected to {now}.").format(now=now), event=event.hex())


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


def _attestable(found: Folded, text: str) -> RecordId:
    """Return the event, or else the claim, whose id begins so."""
    ids = [RecordId(key[1:]) for key, _ in found.state.items(EVENT)]
    ids += [RecordId(key[1:]) for key, _ in found.state.items(agents.CLAIM)]
    return begins(ids, text)


def _fitting(found: Folded, giver: bytes | None, scope: str | None) -> list[RecordId]:
    """Return what others gave and our member said nothing of, the earliest first."""
    fitting: list[tuple[int, RecordId]] = []
    for key, value in found.state.items(EVENT):
        row, id = EventRow(*value), RecordId(key[1:])
        provider = agents.person(found.state, row.provider)
        if provider == found.me or (giver is not None and provider != giver):
            continue
        if scope is not None and row.scope != scope:
            continue
        mine = attestation.SAID + id + row.corrections.to_bytes(8) + found.me
        if found.state.get(mine) is None:
            fitting.append((row.clock, id))
    if len(fitting) > ATTESTED_AT_ONCE_MAX:
        most = f"{ATTESTED_AT_ONCE_MAX:,}"
        raise UsageError(_("more than {most} fit; say which").format(most=most))
    return [id for _clock, id in sorted(fitting)]
