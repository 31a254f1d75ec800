"""`weal join`: asking to be admitted, with the link that a member gave."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import click

from commonweal.client.directory import of_home
from commonweal.client.node_client import ask_if_running
from commonweal.client.submit import now_ms
from commonweal.commands.terminal.language import N_, _, spoken
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    passphrase_option,
    typed_link,
    unlock,
)
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    BadLink,
    InCommunityAlready,
    NotReachable,
    PassphraseNeeded,
)
from commonweal.protocol.identity import founding
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity.identity import inception_from_entropy, member_signer
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.protocol.ledger.members import membership
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.home.keystore import Secrets
from commonweal.storage.ledger.membership import requested_invite
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.seal_store import SealStore

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

    The request is kept: when no node answers now, `weal up` goes on trying. A home that is
    in that community already looks for its nodes where LINK says that they are now.
    """
    found = places(links.from_text(typed_link() if link == "-" else link), names=names)
    tried = [address for contact in found.contacts for address in contact.addresses]
    state = ask_to_join(home, found, passphrase_file)
    is_in = state != WAITING
    if is_in and form is Form.TEXT:
        tell_places(found)
    elif form is Form.TEXT:
        say(_("Your request is written and kept here. Trying:"))
        for address in tried:
            say(f"  {address}")
    try:
        if not is_in:
            state = knocked(home, found, passphrase_file, seconds)
    finally:
        if form is Form.JSON:
            write_json({"community": found.community.hex(), "state": state, "tried": tried})
    if form is Form.TEXT and home.holder() is None:
        if not is_in:
            say(_("A node answered; now: {state}.").format(state=_(state)))
            if state == WAITING:
                say(_("Where the invite is not enough, a member lets you in: `weal vouch`."))
        say(_("Next: `weal up` starts your node."))


def ask_to_join(home: Home, link: CommunityLink, passphrase_file: Path | None) -> str:
    """Write the request of this home's member, unless it is written; return how they stand.

    A home that is in the community already looks for its nodes where the link says. Raises
    BadLink where an invite is needed and there is none, InCommunityAlready for another community.
    """
    state = _standing(home, link)
    if state is not None:
        meet(home, link)
        return state
    if link.invite is None:
        raise BadLink(_("it holds no invite"))
    with home.lock(), home.store() as store:
        settings = Settings.read(store)
        _check_community(settings, link)
        if requested_invite(store, settings.device) != link.invite.id:
            _write_request(store, settings, link, unlock(home, passphrase_file))
        text = links.to_text(link)
        replace(settings, community=link.community, link=text).put(store)
        SealStore(store, link.community).put_trusted_seal(link.height, link.seal)
        for contact in link.contacts:
            store.meet(contact)
        store.commit()
    return WAITING


def meet(home: Home, link: CommunityLink) -> None:
    """Let a home look for the nodes of its community where the link says that they are.

    The running node does so at once, else the next one. Raises InCommunityAlready when the
    link knows no node but the one of this home.
    """
    with home.store(readonly=True) as store:
        device = Settings.read(store).device
        own = membership.peer_of(of_home(home, store, link.community, spoken()).state, device)
    others = tuple(one for one in link.contacts if one.peer != own)
    if not others:
        raise InCommunityAlready(_("the link knows no node but the one of this home"))
    named = replace(link, contacts=others, invite=None)
    from commonweal.node.control.messages import Meet

    if ask_if_running(home, Meet(links.to_text(named))) is None:
        with home.lock(), home.store() as store:
            for contact in others:
                store.meet(contact)
            store.commit()


def tell_places(link: CommunityLink) -> None:
    """Say where a home that is in the community of the link now looks for its nodes."""
    say(_("This home is in that community already; its nodes are looked for here too:"))
    for contact in link.contacts:
        for address in contact.addresses:
            say(f"  {address}")


def _standing(home: Home, link: CommunityLink) -> str | None:
    """Return how this home stands in the community of the link; None where it has yet to ask.

    Raises InCommunityAlready when it is in another one.
    """
    from commonweal.commands.node.status import AWAITING, standing

    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        _check_community(settings, link)
        if settings.community is None:
            return None
        state = standing(store, settings, of_home(home, store, settings.community, spoken()))
        asked = requested_invite(store, settings.device)
    if state in (WAITING, AWAITING):  # who left has to ask, and a new device knows nothing yet
        return None if link.invite is not None and link.invite.id != asked else state
    return state if state in ("member", "frozen") else None


def _check_community(settings: Settings, link: CommunityLink) -> None:
    if settings.community not in (None, link.community):
        raise InCommunityAlready(str(settings.community and settings.community.hex()[:8]))


def places(link: CommunityLink, *, names: bool = False) -> CommunityLink:
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


def knocked(home: Home, link: CommunityLink, passphrase_file: Path | None, seconds: float) -> str:
    """Try for a while to bring the request to a member's node; return how this home stands then.

    Raises NotReachable when no node answers.
    """
    from commonweal.node.control.join_once import request_admission

    if home.holder() is not None:
        warn(_("Your node is running and goes on trying."))
        return WAITING
    try:
        return str(request_admission(home, unlock(home, passphrase_file), link, seconds))
    except NotReachable as error:
        raise NotReachable(
            _("{why}; the request is kept, and `weal up` goes on trying").format(why=error)
        ) from error


def _write_request(store: Store, settings: Settings, link: CommunityLink, secrets: Secrets) -> None:
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
        tip = founding.tip_after(first)
    asked = founding.request(signer, inception, link.community, tip, link.invite, now)
    run.append(asked)
    store.append(settings.device, run)
    store.mark_checked(settings.device, asked.seq + 1)
