"""Joining: a request under the invite of a link, written, kept, and brought to a member's node."""

from __future__ import annotations

from dataclasses import replace

from commonweal.client.community.dialled_addresses import kind_of
from commonweal.client.community.standing import AWAITING, WAITING, standing
from commonweal.client.home.node_client import ask_if_running
from commonweal.client.home.submit import Unlock, now_ms, without_passphrase
from commonweal.client.language.words import ENGLISH, N_, Words
from commonweal.client.ledger.names.directory import of_home
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
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import SealStore

BAD_LINKS = (
    N_("a link starts with weal://"),
    N_("a link starts with weal://, and a code has 28 or 47 letters and digits"),
    N_("a part of it is missing or changed"),
    N_("it was made by another version or is not a link"),
    N_("an address in it cannot be read"),
    N_("the invite in it cannot be read"),
    N_("the member in it cannot be read"),
    N_("a character of the code is mistyped or missing"),
    N_("the code names no port"),
)
"""What is wrong with a link or a code, as the protocol says it: for those who read it."""

JOIN_SECONDS_MAX = 10.0
PLACES_MAX = 16
"""Addresses of one link that are dialled."""


def ask_to_join(
    home: Home, link: CommunityLink, unlock: Unlock = without_passphrase, words: Words = ENGLISH
) -> str:
    """Write the request of this home's member, unless it is written; return how they stand.

    A home that is in the community already looks for its nodes where the link says. One that asked
    another community, of which nobody answered, asks this one in its place: that link may have been
    mistyped. Raises BadLink where an invite is needed and there is none, InCommunityAlready for
    another community.
    """
    from commonweal.storage.ledger.membership import requested_invite  # loads the fold

    state = _standing(home, link, words)
    if state is not None:
        meet(home, link, words)
        return state
    if link.invite is None:
        raise BadLink(words("it holds no invite"))
    with home.lock(), home.store() as store:
        settings = Settings.read(store)
        if _is_elsewhere(store, settings, link):
            store.clear()
        if requested_invite(store, settings.device) != link.invite.id:
            _write_request(store, settings, link, unlock(home), words)
        text = links.to_text(link)
        settings._replace(community=link.community, link=text).put(store)
        SealStore(store, link.community).put_trusted_seal(link.height, link.seal)
        for contact in link.contacts:
            store.meet(contact)
        store.commit()
    return WAITING


def meet(home: Home, link: CommunityLink, words: Words = ENGLISH) -> None:
    """Let a home look for the nodes of its community where the link says that they are.

    The running node does so at once, else the next one. Raises InCommunityAlready when the
    link knows no node but the one of this home.
    """
    from commonweal.node.control.messages.control import Meet

    with home.store(readonly=True) as store:
        device = Settings.read(store).device
        own = membership.peer_of(of_home(home, store, link.community, words).state, device)
    others = tuple(contact for contact in link.contacts if contact.peer != own)
    if not others:
        raise InCommunityAlready(words("the link knows no node but the one of this home"))
    named = replace(link, contacts=others, invite=None)
    if ask_if_running(home, Meet(links.to_text(named))) is None:
        with home.lock(), home.store() as store:
            for contact in others:
                store.meet(contact)
            store.commit()


def _standing(home: Home, link: CommunityLink, words: Words) -> str | None:
    """Return how this home stands in the community of the link; None where it has yet to ask.

    Raises InCommunityAlready when it is in another one.
    """
    from commonweal.storage.ledger.membership import requested_invite  # loads the fold

    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        if settings.community is None or _is_elsewhere(store, settings, link):
            return None
        state = standing(store, settings, of_home(home, store, settings.community, words))
        asked = requested_invite(store, settings.device)
    if state in (WAITING, AWAITING):  # who left has to ask, and a new device knows nothing yet
        return None if link.invite is not None and link.invite.id != asked else state
    return state if state in ("member", "frozen") else None


def _is_elsewhere(store: Store, settings: Settings, link: CommunityLink) -> bool:
    """Whether this home asked another community, of which nobody ever answered.

    Raises InCommunityAlready when somebody did, or when it founded that one.
    """
    from commonweal.storage.ledger.membership import requested_invite

    if settings.community in (None, link.community):
        return False
    is_alone = all(row.author == settings.device for row in store.logs())
    if not is_alone or requested_invite(store, settings.device) is None:
        raise InCommunityAlready(str(settings.community and settings.community.hex()[:8]))
    return True


def places(link: CommunityLink, *, names: bool = False, words: Words = ENGLISH) -> CommunityLink:
    """Return the link with the addresses that are dialled for it: it may come from anybody.

    At most PLACES_MAX, some of each peer; names are looked up where they are asked for; and this
    machine or its cable only where the link knows nothing else. Raises BadLink when none is left.
    """
    for kinds in (_FAR, _NEAR):
        allowed = (*kinds, "name") if names else kinds
        kept = [
            Contact(contact.peer, tuple(a for a in contact.addresses if kind_of(a) in allowed))
            for contact in link.contacts
        ]
        some = [contact for contact in kept if contact.addresses]
        if some:
            addresses_max = max(1, PLACES_MAX // len(some))
            cut = tuple(
                Contact(contact.peer, contact.addresses[:addresses_max]) for contact in some
            )
            return replace(link, contacts=cut)
    raise BadLink(words("it holds only names of hosts; add --names to look them up"))


_FAR, _NEAR = ("far",), ("far", "near")


def knocked(
    home: Home, link: CommunityLink, unlock: Unlock, seconds: float, words: Words = ENGLISH
) -> str:
    """Try for a while to bring the request to a member's node; return how this home stands then.

    A node that runs here does so by itself, and nothing is tried.

    Raises NotReachable when no node answers.
    """
    from commonweal.node.control.join_once import request_admission

    if home.holder() is not None:
        return WAITING
    try:
        return str(request_admission(home, unlock(home), link, seconds))
    except NotReachable as error:
        raise NotReachable(
            words("{why}; the request is kept, and `weal up` goes on trying").format(why=error)
        ) from error


def _write_request(
    store: Store, settings: Settings, link: CommunityLink, secrets: Secrets, words: Words
) -> None:
    if secrets.member_entropy is None:
        raise PassphraseNeeded(words("this device does not hold the member's key"))
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
