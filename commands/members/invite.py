"""`weal invite`: links for those who want to join."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import click

from commonweal.client.directory import People, begins
from commonweal.client.ledger_view import LedgerView, submit
from commonweal.client.own_addresses import contacts, is_public
from commonweal.client.submit import now_ms
from commonweal.client.times import iso, read_duration_ms, shown
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    passphrase_option,
    unlocking,
)
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    terminal_columns,
    warn,
    width,
    write_csv,
    write_json,
    write_table,
    write_text,
)
from commonweal.protocol import keys
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity.invite import CommunityLink, Contact, Invite
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.seal_store import SealStore

USES_MAX = 1000
FIELDS = ("id", "author", "author_name", "uses", "used", "expires", "revoked", "state")


@click.group("invite")
def invite() -> None:
    """Make links by which others join, list them, and take them back."""


@invite.command("create")
@click.option("--uses", type=click.IntRange(1, USES_MAX), default=1, help="For so many people.")
@click.option("--expires", default="7d", metavar="TIME", help="For so long: 30m, 12h, 7d, 2w.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def create(uses: int, expires: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Make a link. Whoever holds it joins by your word, so give it to them alone."""
    from commonweal.node.service.events import Wish

    until = now_ms() + read_duration_ms(expires)
    seed = os.urandom(keys.SEED_BYTES)
    key = keys.Signer(seed).key
    wish = Wish("invite.create", {"key": key, "uses": uses, "expires": until})
    with folded(home) as ledger:
        (written,) = submit(ledger, [wish], unlocking(passphrase_file))
    link = link_to(home, written.id, seed)
    text = links.to_text(link)
    if form is Form.JSON:
        write_json({"link": text, "id": written.id.hex(), "uses": uses, "expires": iso(until)})
    else:
        show_link(text)
        few = ngettext("For {n} person, until {time}.", "For {n} people, until {time}.", uses)
        say(few.format(n=uses, time=shown(until)))
        say(_("Give it only to the person you invite: whoever holds it joins by your word."))
        say(_("It is your vouch, for as many a week as the rules let each member bring in."))
        say(_("Your node has to run while they join: `weal up`."))
    warn_when_private(link.contacts)


@invite.command("list")
@home_option
@form_option()
def list_(home: Home, form: Form) -> None:
    """List the invites, used and revoked ones too."""
    with folded(home) as found:
        invites = membership.invites(found.state)
        rows = [_row(one, found) for one in invites]
    if form is Form.JSON:
        return write_json({"invites": rows})
    if form is Form.CSV:
        return write_csv(FIELDS, rows)
    if not rows:
        return say(_("There are no invites."))
    for row, one in zip(rows, invites, strict=True):
        until = "" if one.expires is None else shown(one.expires)
        row |= {"id": row["id"][:8], "state": _(row["state"]), "expires": until}
    return write_table(
        [
            Column("id", _("id")),
            Column("author_name", _("by")),
            Column("used", _("used"), is_number=True),
            Column("uses", _("uses"), is_number=True),
            Column("expires", _("until")),
            Column("state", _("state")),
        ],
        rows,
    )


@invite.command("revoke")
@click.argument("id")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def revoke(id: str, passphrase_file: Path | None, home: Home, form: Form) -> None:
    """Take back the invite whose id begins with ID; those who joined by it stay."""
    from commonweal.node.service.events import Wish

    with folded(home) as found:
        which = begins((one.id for one in membership.invites(found.state)), id)
        wish = Wish("invite.revoke", {"invite": bytes(which)}, (which,))
        (written,) = submit(found, [wish], unlocking(passphrase_file))
    if form is Form.JSON:
        return write_json({"id": written.id.hex(), "invite": which.hex(), "seq": written.seq})
    return say(_("The invite {id} admits nobody more.").format(id=which.hex()[:8]))


def link_to(home: Home, id: RecordId | None = None, seed: bytes = b"") -> CommunityLink:
    """Return a link to this home's community, with the invite `id` when it is given."""
    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        people = People(store, settings.here, words=spoken())
        peer = next(
            one.peer for one in membership.devices(people.state) if one.key == settings.device
        )
        found = None
        if id is not None:
            clock = store.clock_of(id)
            assert clock is not None, "an invite that was written is held"
            found = Invite(id, clock, seed)
        last = SealStore(store, settings.here).last()
        return CommunityLink(settings.here, contacts(store, home, settings, peer), found, *last)


def show_link(text: str) -> None:
    """Show a link as a QR code, where there is a terminal wide enough for it, and as text."""
    import segno

    if columns := terminal_columns():
        drawn = io.StringIO()
        segno.make(text, error="l", micro=False).terminal(drawn, compact=True)
        if max(map(width, drawn.getvalue().split("\n"))) <= columns:
            write_text(drawn.getvalue())
    write_text(text)
    say()


def warn_when_private(found: tuple[Contact, ...]) -> None:
    """Warn when nobody outside this network can use the addresses of a link."""
    addresses = [address for contact in found for address in contact.addresses]
    if not any(map(is_public, addresses)):
        warn(
            _(
                "All addresses in this link are private: it works on this network only. One "
                "member with a public address, or a forwarded port, is enough for all."
            )
        )


def _row(one: membership.InviteStatus, found: LedgerView) -> dict[str, Any]:
    late = one.expires is not None and one.expires < now_ms()
    ended = one.closed == Reason.INVITE_ENDED
    state = "revoked" if one.revoked else "ended" if ended else "open"
    state = "used" if state == "open" and one.used >= one.uses else state
    return {
        "id": one.id.hex(),
        "author": one.author.hex(),
        "author_name": found.name(one.author),
        "uses": one.uses,
        "used": one.used,
        "expires": None if one.expires is None else iso(one.expires),
        "revoked": one.revoked,
        "state": "expired" if late and state == "open" else state,
    }
