"""Homes of a small community, made without commands, for tests of running nodes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from commonweal.client.community.homes import found_community, make_home
from commonweal.node.runtime.config import Config
from commonweal.node.service.events import Answer, Committed, Submitted, Ticket, Wish
from commonweal.node.service.peer import Identity
from commonweal.node.service.service import Service
from commonweal.protocol import keys
from commonweal.protocol.identity import founding, invite
from commonweal.protocol.identity.identity import inception_from_entropy, member_signer
from commonweal.protocol.identity.invite import CommunityLink, Contact, Invite
from commonweal.protocol.keys import Signer
from commonweal.protocol.records.log import Tip
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.address_book import Address

LOOPBACK = Config(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)


def founder(folder: Path, name: str = "Mei", rules: str | None = None) -> Home:
    """Return the home of one who founded the community Lanxi; it has no passphrase.

    rules: a template's name or a file's; none without.
    """
    home = Home(folder)
    make_home(home, name, None, "en")
    found_community(home, "Lanxi", rules=rules)
    return home


def at_its_port(home: Home) -> Config:
    """Return settings that let a node listen on loopback at its home's own port."""
    with home.store(readonly=True) as store:
        port = Settings.read(store).port
    return Config(listen=(f"/ip4/127.0.0.1/tcp/{port}",), mdns=False)


def identity(home: Home) -> Identity:
    """Return who the node of a home is."""
    return Identity.of(keystore.unlock(home.keystore, None).device_seed)


def write(home: Home, *wishes: Wish) -> list[dict[str, Any]]:
    """Write records in the home of a node that does not run."""
    import random

    with home.lock(), home.store() as store:
        community = Settings.read(store).here
        service = Service(store, community, identity(home), random.Random(os.urandom(8)))
        service.handle(Submitted(Ticket(0), wishes), 1)
        store.commit()
        for action in service.handle(Committed(), 1):
            match action:
                case Answer(_, {"records": list(records)}):
                    return records
                case Answer(_, error):
                    raise AssertionError(error)
                case _:
                    pass
    raise AssertionError("no answer")


def invited(home: Home, uses: int = 1) -> CommunityLink:
    """Return a link to the community of a home whose node listens `at_its_port`."""
    seed = os.urandom(32)
    (made,) = write(home, Wish("invite.create", {"key": Signer(seed).key, "uses": uses}))
    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        clock = store.clock_of(made["id"])
    assert clock is not None
    contact = Contact(identity(home).peer, (f"/ip4/127.0.0.1/tcp/{settings.port}",))
    return CommunityLink(settings.here, (contact,), Invite(made["id"], clock, seed))


def newcomer(folder: Path, link: CommunityLink, name: str = "Bo") -> Home:
    """Return the home of a newcomer who holds a link and has written a request."""
    home = Home(folder)
    settings, _ = make_home(home, name, None, "en")
    secrets = keystore.unlock(home.keystore, None)
    assert secrets.member_entropy is not None and link.invite is not None
    signer = keys.device_signer(secrets.device_seed)
    inception = inception_from_entropy(secrets.member_entropy)
    first = founding.enrol(
        member_signer(secrets.member_entropy),
        inception,
        signer,
        identity(home).host,
        link.community,
        1,
    )
    tip = Tip(1, first.id, first.clock)
    asked = founding.request(signer, inception, link.community, tip, link.invite, 1)
    with home.store() as store:
        store.append(settings.device, [first, asked])
        store.mark_checked(settings.device, 2)
        port = settings.port
        joined = Settings(
            settings.name,
            settings.member,
            settings.device,
            link.community,
            port,
            invite.to_text(link),
        )
        joined.put(store)
        for contact in link.contacts:
            store.put_address(Address(contact.peer, None, contact.addresses, b"", 0, "link"))
        store.commit()
    return home
