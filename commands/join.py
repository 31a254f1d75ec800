"""`weal join`: asking to be admitted, with the link that a member gave."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import click

from commonweal.commands.language import N_, _
from commonweal.commands.options import (
    form_option,
    home_option,
    passphrase_option,
    typed_link,
    unlock,
)
from commonweal.commands.output import Form, say, warn, write_json
from commonweal.commands.people import of_home
from commonweal.commands.writing import now_ms
from commonweal.protocol import founding, keys
from commonweal.protocol import invite as links
from commonweal.protocol.errors import (
    BadLink,
    InCommunityAlready,
    NotReachable,
    PassphraseNeeded,
)
from commonweal.protocol.identity import inception_from_entropy, member_signer
from commonweal.protocol.invite import Contact, Link
from commonweal.protocol.ledger import membership
from commonweal.storage.belonging import asked_last
from commonweal.storage.home import Home, Settings
from commonweal.storage.keystore import Secrets
from commonweal.storage.seals import Seals
from commonweal.storage.shelves import Address
from commonweal.storage.store import Store

KNOCK_SECONDS_MAX = 10.0
PLACES_MAX = 16
"""Addresses of one link that are dialled."""
WAITING = "waiting-for-admission"

STATES = (
    N_("waiting-for-admission"),
    N_("member"),
    N_("no-community"),
    N_("refused"),
    N_("frozen"),
    N_("revoked"),
    N_("left"),
    N_("removed"),
)
"""How a home stands, as json says it; people read it in their language."""


@click.command("join")
@click.argument("link")
@click.option("--names", is_flag=True, help="Look up the names of hosts that LINK has.")
@click.option("--seconds", type=click.FloatRange(0), default=KNOCK_SECONDS_MAX, hidden=True)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def join(
    link: str, names: bool, seconds: float, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Ask to join the community of LINK; `-` reads it from the keyboard.

    The request is kept: when no node answers now, `weal up` goes on trying.
    """
    found = places(links.from_text(typed_link() if link == "-" else link), names=names)
    state = ask_to_join(home, found, passphrase_file)
    if state != WAITING:
        raise InCommunityAlready(found.community.hex()[:8])
    tried = [address for contact in found.contacts for address in contact.addresses]
    if form is Form.TEXT:
        say(_("Your request is written and kept here. Trying:"))
        for address in tried:
            say(f"  {address}")
    try:
        state = knocked(home, found, passphrase_file, seconds)
    finally:
        if form is Form.JSON:
            write_json({"community": found.community.hex(), "state": state, "tried": tried})
    if form is Form.TEXT:
        say(_("A node answered; now: {state}.").format(state=_(state)))
        if state == WAITING:
            say(_("Where the invite is not enough, a member lets you in: `weal vouch`."))
        say(_("Next: `weal up` starts your node."))


def ask_to_join(home: Home, link: Link, passphrase_file: Path | None) -> str:
    """Write the request of this home's member, unless it is written; return how he stands.

    Raises BadLink without an invite, InCommunityAlready for another community.
    """
    if link.invite is None:
        raise BadLink(_("it holds no invite"))
    with home.lock(), home.store() as store:
        settings = Settings.read(store)
        if settings.community not in (None, link.community):
            raise InCommunityAlready(str(settings.community and settings.community.hex()[:8]))
        if settings.community is not None:
            people = of_home(home, store, settings.community)
            member = membership.member_of(people.state, settings.device)
            if member is not None and member not in dict(people.decided.removed):
                return "member"
        if asked_last(store, settings.device) != link.invite.id:
            _write_request(store, settings, link, unlock(home, passphrase_file))
        text = links.to_text(link)
        replace(settings, community=link.community, link=text).put(store)
        Seals(store, link.community).put_checkpoint(link.height, link.seal)
        for contact in link.contacts:
            store.put_address(Address(contact.peer, None, contact.addresses, b"", 0, "link"))
        store.commit()
    return WAITING


def places(link: Link, *, names: bool = False) -> Link:
    """Return the link with the addresses that are dialled for it: it may come from anybody.

    At most PLACES_MAX, some of each peer; names are looked up where they are asked for; and this
    machine or its cable only where the link knows nothing else. Raises BadLink when none is left.
    """
    for kinds in (_FAR, _NEAR):
        allowed = (*kinds, "name") if names else kinds
        kept = [
            Contact(one.peer, tuple(a for a in one.addresses if _kind(a) in allowed))
            for one in link.contacts
        ]
        some = [one for one in kept if one.addresses]
        if some:
            each = max(1, PLACES_MAX // len(some))
            cut = tuple(Contact(one.peer, one.addresses[:each]) for one in some)
            return replace(link, contacts=cut)
    raise BadLink(_("it holds only names of hosts; add --names to look them up"))


_FAR, _NEAR = ("far",), ("far", "near")


def _kind(address: str) -> str:
    kind, host = address.split("/")[1:3]
    if kind not in ("ip4", "ip6"):
        return "name"
    try:
        found = ip_address(host)
    except ValueError:
        return "none"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_unspecified or found.is_multicast:
        return "none"
    return "near" if found.is_loopback or found.is_link_local else "far"


def knocked(home: Home, link: Link, passphrase_file: Path | None, seconds: float) -> str:
    """Try for a while to bring the request to a member's node; return how this home stands then.

    Raises NotReachable when no node answers.
    """
    from commonweal.node.knock import knock

    if home.holder() is not None:
        warn(_("Your node is running and goes on trying."))
        return WAITING
    try:
        return str(knock(home, unlock(home, passphrase_file), link, seconds))
    except NotReachable as error:
        raise NotReachable(
            _("{why}; the request is kept, and `weal up` goes on trying").format(why=error)
        ) from error


def _write_request(store: Store, settings: Settings, link: Link, secrets: Secrets) -> None:
    if secrets.member_entropy is None:
        raise PassphraseNeeded(_("this device does not hold the member's key"))
    assert link.invite is not None
    inception = inception_from_entropy(secrets.member_entropy)
    signer = keys.device_signer(secrets.device_seed)
    host = keys.peer_signer(secrets.device_seed)
    now = now_ms()
    run = []
    tip = store.log(settings.device).tip
    if not tip.length:
        member = member_signer(secrets.member_entropy)
        first = founding.enrol(member, inception, signer, host, link.community, now)
        run.append(first)
        tip = founding.tip_of(first)
    asked = founding.request(signer, inception, link.community, tip, link.invite, now)
    run.append(asked)
    store.append(settings.device, run)
    store.mark_checked(settings.device, asked.seq + 1)
