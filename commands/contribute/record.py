"""`weal record`: writing down a contribution."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from commonweal.client.community.standing import is_refused, refused_words
from commonweal.client.contributions.contributions import Contributions
from commonweal.client.home.node_client import call
from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_action, shown_unit
from commonweal.client.language.times import shown_when
from commonweal.client.ledger.forecast import forecast_words
from commonweal.client.ledger.rows.promise_rows import promise_words
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.client.contributions.event_details import EventDetails
    from commonweal.client.ledger.rows.contribution_rows import RecordedContribution


@click.command("record", context_settings={"ignore_unknown_options": False})
@click.argument("action")
@click.argument("quantity")
@click.argument("unit")
@click.option("--note", metavar="TEXT", help="A few words; they can be erased later.")
@click.option("--scope", metavar="TEXT", help="What it was for: a project, a place.")
@click.option(
    "--file",
    "evidence",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Evidence of at most 64 KiB, in place of a note; it can be erased later.",
)
@click.option("--provider", metavar="AGENT", help="Who gave it, when not you.")
@click.option("--receiver", metavar="AGENT", help="Who was given it.")
@click.option("--when", metavar="DATE", help="When it was given, if not now: 2026-11-23, or 2d.")
@click.option("--factor", metavar="FACTOR", help="Which factor of production it is.")
@click.option(
    "--effort", nargs=2, metavar="NUMBER UNIT", help="How long it was used, beside the quantity."
)
@click.option("--spec", metavar="NAME", help="What kind of thing it is: weal spec list.")
@click.option("--resource", metavar="RESOURCE", help="The thing that it takes, changes or uses.")
@click.option("--to-resource", metavar="RESOURCE", help="The thing that it goes to.")
@click.option(
    "--new-resource",
    metavar="[NAME]",
    is_flag=False,
    flag_value="",
    help="It begins a thing: of the kind NAME, or of that of --resource.",
)
@click.option("--contained-in", metavar="RESOURCE", help="The thing that it becomes a part of.")
@click.option("--input-of", metavar="PROCESS", help="The process that it goes into.")
@click.option("--output-of", metavar="PROCESS", help="The process that it comes out of.")
@click.option("--state", metavar="TEXT", help="How the thing is from now on: broken, mended.")
@click.option("--location", metavar="TEXT", help="Where the thing is from now on.")
@click.option("--fulfills", metavar="ID", help="The commitment that it fulfills.")
@click.option("--satisfies", metavar="ID", help="The intent that it satisfies.")
@click.option("--settles", multiple=True, metavar="CLAIM", help="A claim that a transfer pays.")
@click.option("--wait", type=click.IntRange(0), default=0, help="Wait until so many peers hold it.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def record(
    action: str,
    quantity: str,
    unit: str,
    note: str | None,
    evidence: Path | None,
    effort: tuple[str, str] | None,
    settles: tuple[str, ...],
    wait: int,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
    **details: str | None,
) -> None:
    """Write down a contribution: weal record work 3 hours.

    ACTION is one of work, produce, use, consume, cite, deliverService, transfer,
    transferAllRights, transferCustody, accept, modify, pickup, dropoff, move, copy,
    combine, separate, raise, lower; or its Chinese name.

    AGENT is a member, somebody outside or `community`, by name or id. RESOURCE and PROCESS are
    named by id, or by a name that only one has.
    """
    from commonweal.node.control.messages.node_status import Status

    if wait:
        call(home).close()  # nothing is written when nobody can be waited for
    with part_of(Contributions, home, passphrase_file) as me:
        made = me.record(
            action,
            quantity,
            unit,
            effort=effort,
            note=note,
            file=evidence,
            settles=settles,
            **cast("EventDetails", details),
        )
        live = me.node_answer(Status())
        if live is not None and is_refused(live):
            warn(refused_words(spoken()))
        if form is Form.JSON:
            fields = {"id": made.id.hex(), "seq": made.seq, "when": plain(made.when)}
            more = {"forecast": plain(made.forecast), "promise": plain(made.promise)}
            write_json(fields | more)
        else:
            _tell(made, is_payment=bool(settles))
        if wait:
            held = me.wait_until_held([made], wait)
            warn(ngettext("held by {held} peer", "held by {held} peers", held).format(held=held))


def _tell(made: RecordedContribution, *, is_payment: bool) -> None:
    """Say what was recorded, what the rules make of it, and what is left of a promise."""
    amount = f"{made.quantity:f} {shown_unit(made.unit, spoken())}"
    what = f"{shown_action(made.action, spoken())} {amount}"
    if made.when is not None:
        what = f"{what} · {shown_when(made.when)}"
    words = _("Recorded: {what}. It is on this node, as {id}.")
    say(words.format(what=what, id=made.id.hex()[:8]))
    say(forecast_words(amount, made.forecast, spoken()))
    if made.promise is not None:
        say(promise_words(made.promise, spoken()))
    if is_payment:
        confirm = _("It is settled once its receiver says so: weal attest {id}")
        say(confirm.format(id=made.id.hex()[:8]))
