"""`weal record`: writing down a contribution."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonweal.client.directory import People
from commonweal.client.node_client import ask_if_running, call
from commonweal.client.quantity import (
    is_effort,
    read_action,
    read_quantity,
    shown_action,
    shown_number,
    shown_unit,
)
from commonweal.client.standing import is_refused, refused_words
from commonweal.client.submit import WrittenRecord, write
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    passphrase_option,
    unlocking,
)
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.protocol import codec
from commonweal.protocol.errors import (
    EvidenceTooLarge,
    NotYet,
    UnusableText,
    UsageError,
    WouldNotCount,
)
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import ERASABLE_BYTES_MAX, RecordId
from commonweal.storage.home.home import Home, Settings

if TYPE_CHECKING:
    from commonweal.node.service.events import Text

ENVELOPE_BYTES_MAX = 256
"""What salt, media type and lengths add to a text or file."""
CONTENT_BYTES_MAX = ERASABLE_BYTES_MAX - ENVELOPE_BYTES_MAX
SCOPE_CHARS_MAX = 200
WAIT_SECONDS_MAX = 60.0


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
@click.option("--provider", metavar="MEMBER", help="Who gave it, when not you.")
@click.option("--receiver", metavar="MEMBER", help="Who was given it.")
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
    scope: str | None,
    evidence: Path | None,
    provider: str | None,
    receiver: str | None,
    settles: tuple[str, ...],
    wait: int,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Write down a contribution: weal record work 3 hours.

    ACTION is one of work, produce, use, consume, cite, deliverService, transfer,
    transferAllRights, transferCustody, accept, modify, pickup, dropoff, move, copy,
    combine, separate, raise, lower; or its Chinese name.
    """
    from commonweal.node.service.events import Wish

    name = read_action(action, spoken())
    amount = read_quantity(quantity, unit, spoken())
    text = _text(note, evidence)
    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        community = settings.here
        people = People(store, community, words=spoken()) if provider or receiver else None
        giver = people.find_active(provider) if people and provider else settings.member
        taker = people.find_active(receiver) if people and receiver else None
    from commonweal.node.control.messages import Status

    if wait:
        call(home).close()  # nothing is written when nobody can be waited for
    data = _event(name, amount, giver, taker, scope)
    cited: tuple[RecordId, ...] = ()
    if settles:
        more, cited = _paying(home, settles, giver if provider else None, taker, data)
        data |= more
    (written,) = write(home, [Wish("event", data, cited, text)], unlocking(passphrase_file))
    live = ask_if_running(home, "status")
    if live is not None and is_refused(live):
        warn(refused_words(spoken()))
    if form is Form.TEXT:
        number = shown_number(int(str(amount["n"])), int(str(amount["scale"])))
        what = (
            f"{shown_action(name, spoken())} {number} {shown_unit(str(amount['unit']), spoken())}"
        )
        say(
            _("Recorded: {what}. It is on this node, as {id}.").format(
                what=what, id=written.id.hex()[:8]
            )
        )
        if settles:
            confirm = _("It is settled once its receiver says so: weal attest {id}")
            say(confirm.format(id=written.id.hex()[:8]))
    else:
        write_json({"id": written.id.hex(), "seq": written.seq})
    if wait:
        wait_for(home, [written], wait)


def wait_for(home: Home, written: list[WrittenRecord], peers: int) -> None:
    """Return when `peers` peers hold what was written; raise NotYet after a minute without news."""
    held = 0
    with call(home, patience_s=WAIT_SECONDS_MAX) as line:
        from commonweal.protocol.errors import NotReachable

        try:
            for answer in line.each("wait", ids=[one.id for one in written], peers=peers):
                held = answer["held_by"]
        except NotReachable:
            raise NotYet(
                _("it is kept here, and held by {held} of {wanted} peers").format(
                    held=held, wanted=peers
                )
            ) from None
    warn(ngettext("held by {held} peer", "held by {held} peers", held).format(held=held))


def _event(
    action: str,
    amount: dict[str, codec.Value],
    provider: MemberId,
    receiver: MemberId | None,
    scope: str | None,
) -> dict[str, codec.Value]:
    data: dict[str, codec.Value] = {"action": action, "provider": bytes(provider)}
    key = "effortQuantity" if is_effort(action, str(amount["unit"])) else "resourceQuantity"
    data[key] = amount
    if receiver is not None:
        data["receiver"] = bytes(receiver)
    if scope is not None:
        if not 1 <= len(scope.strip()) <= SCOPE_CHARS_MAX:
            raise UnusableText(_("a scope has 1 to {most} characters").format(most=SCOPE_CHARS_MAX))
        data["inScopeOf"] = scope.strip()
    return data


def _paying(
    home: Home,
    settles: tuple[str, ...],
    giver: MemberId | None,
    taker: MemberId | None,
    data: dict[str, codec.Value],
) -> tuple[dict[str, codec.Value], tuple[RecordId, ...]]:
    """Return what else a transfer says that pays claims, and cites. Raises WouldNotCount."""
    from commonweal.client.claims import paying
    from commonweal.commands.terminal.ledger import folded
    from commonweal.node.service.events import Wish
    from commonweal.protocol.ledger.claims.settlement import ACTIONS
    from commonweal.protocol.ledger.state.rejections import Reason

    if data["action"] not in ACTIONS:
        raise WouldNotCount(_(Reason.NOT_A_PAYMENT.value))
    with folded(home) as found:
        amount = data.get("resourceQuantity") or data.get("effortQuantity")
        assert isinstance(amount, dict), "what is recorded has a quantity"
        quantity = [amount["n"], amount["scale"], amount["unit"]]
        more, cited = paying(found, settles, quantity, giver, taker)
        found.check(Wish("event", {**data, **more}, cited))
    return more, cited


def _text(note: str | None, evidence: Path | None) -> Text | None:
    from commonweal.node.service.events import Text

    if note is not None and evidence is not None:
        raise UsageError(_("a record carries a note or a file, not both"))
    if evidence is not None:
        return Text(_media_type(evidence), _content(evidence))
    if note is None:
        return None
    try:
        data = note.encode()
    except UnicodeEncodeError:
        raise UnusableText(_("the note is not text")) from None
    if not 1 <= len(data) <= CONTENT_BYTES_MAX:
        raise UnusableText(
            _("a note has 1 to {most} bytes, not {size}").format(
                most=CONTENT_BYTES_MAX, size=len(data)
            )
        )
    return Text("text/plain", data)


def _media_type(path: Path) -> str:
    found, encoding = mimetypes.guess_type(path.name)
    return found if found and not encoding else "application/octet-stream"


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(CONTENT_BYTES_MAX + 1)
    except OSError as error:
        raise UnusableText(f"{path}: {error.strerror}") from error
    if len(data) > CONTENT_BYTES_MAX:
        raise EvidenceTooLarge(
            _("{path}: more than {most} bytes").format(path=path, most=CONTENT_BYTES_MAX)
        )
    return data
