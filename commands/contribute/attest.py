"""`weal attest`, `dispute` and `correct`: what members say of a contribution.

What waits for the member's word is listed, and never what they wrote or gave themselves.
"""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.contributions.attestations import Attestations
from commonweal.client.contributions.contributions import Contributions
from commonweal.client.language.plain import plain_rows
from commonweal.client.language.quantity import read_quantity, shown_number, shown_unit
from commonweal.client.language.times import shown_when
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.forecast import forecast_words
from commonweal.commands.terminal.language import N_, Nn_, _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Column, Form, say, write_json
from commonweal.commands.terminal.tables import confirm, table
from commonweal.protocol.errors import UsageError
from commonweal.protocol.ledger.contributions import attestation
from commonweal.storage.home.home import Home


class AttestingMember(Attestations, Contributions):
    """A member who attests, and is told what the contribution will count."""


SAID = {
    attestation.YES: N_("You said yes to: {event}"),
    attestation.NO: N_("You said no to: {event}"),
    attestation.WITHDRAW: N_("You took back what you said of: {event}"),
}
SAID_OF_MANY = {
    attestation.YES: Nn_("You said yes to {n} contribution.", "You said yes to {n} contributions."),
    attestation.NO: Nn_("You said no to {n} contribution.", "You said no to {n} contributions."),
    attestation.WITHDRAW: Nn_(
        "You took back what you said of {n} contribution.",
        "You took back what you said of {n} contributions.",
    ),
}


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
    with part_of(AttestingMember, home, passphrase_file) as me:
        if ids:
            statements = me.attest(*ids, say=said)
        else:
            statements = me.attest_all(member=member, scope=scope, say=said)
        first = me.words_of(statements[0].event) if statements else ""
        made = me.forecast(statements[0].event) if statements else None
    if form is Form.JSON:
        return write_json({"attests": plain_rows(statements)})
    if not statements:
        return say(_("Nothing is left to attest: you spoke of all of it, or it is your own."))
    if len(statements) == 1:
        say(_(SAID[said]).format(event=first))
        if made is not None and said == attestation.YES:
            say(forecast_words(first.partition(" · ")[0], made, spoken()))
        return None
    return say(ngettext(*SAID_OF_MANY[said], len(statements)).format(n=len(statements)))


def _list_waiting(home: Home, form: Form) -> None:
    """List what waits for the member's word: corrections first, the earliest first."""
    with part_of(Attestations, home) as me:
        waiting = me.waiting()
    rows = plain_rows(waiting)
    if form is Form.TEXT:
        for row, record in zip(rows, waiting, strict=True):
            row["when"] = "" if record.when is None else shown_when(record.when)
    columns = [
        Column("id", _("id")),
        Column("when", _("when")),
        Column("member_name", _("written by")),
        Column("words", _("what")),
    ]
    fields = ("id", "kind", "event", "member", "member_name", "words", "when")
    nothing = _("Nothing waits for your word.")
    return table(form, "waits", rows, fields, columns, "", nothing)


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
    with part_of(Attestations, home, passphrase_file) as me:
        statement = me.dispute(id, note=note, withdraw=withdraw)
    words = _("Your dispute is withdrawn.") if withdraw else _("Disputed, as {id}.")
    return confirm(form, statement, words)


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
    wanted = read_quantity(quantity, unit, spoken())
    with part_of(Contributions, home, passphrase_file) as me:
        correction = me.correct(id, quantity, unit)
        names = ", ".join(me.view.name(member) for member in correction.waits_for)
    number = shown_number(int(str(wanted["n"])), int(str(wanted["scale"])))
    now = f"{number} {shown_unit(str(wanted['unit']), spoken())}"
    words = _("Corrected to {now}.").format(now=now)
    if names:
        words = _("To be {now}, once {names} say yes: weal attest {id}")
        words = words.replace("{now}", now).replace("{names}", visible(names))
    confirm(form, correction, words)
    if form is Form.TEXT and not names:
        say(forecast_words(now, correction.forecast, spoken()))
