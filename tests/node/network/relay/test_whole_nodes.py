"""Whole nodes that meet through a helper alone, and what that helper sees of them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from commonweal.node.control.server import LocalServer
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.relay_node import RelayNode
from commonweal.node.runtime import process
from commonweal.node.service.events import Text, Wish
from commonweal.protocol.identity.invite import Contact
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from tests.builders import homes
from tests.builders.relays import running_relay

PATIENCE_S = 30.0
NAME, NOTE = "Mei the gardener", "sowed the beans"


class Spy:
    """What muxes took in, after the encryption of their connections was taken off."""

    def __init__(self) -> None:
        self.relay: RelayNode | None = None
        self.by_relay = bytearray()
        self.by_members = bytearray()

    def note(self, mux: Mux, plain: bytes) -> None:
        """Add what came to those who took it."""
        is_relays = self.relay is not None and mux in self.relay._open
        (self.by_relay if is_relays else self.by_members).extend(plain)


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    """Return who notes everything that any mux of this process takes in."""
    noted, take = Spy(), Mux._take

    def taken(self: Mux, plain: bytes) -> None:
        noted.note(self, plain)
        take(self, plain)

    monkeypatch.setattr(Mux, "_take", taken)
    return noted


async def test_a_newcomer_joins_and_syncs_through_a_helper_that_learns_nothing(
    tmp_path: Path, spy: Spy
) -> None:
    mei = homes.founder(tmp_path / "mei", NAME)
    note = Text("text/plain", NOTE.encode())
    (written,) = homes.write(mei, Wish("event", {"action": "work"}, text=note))
    async with running_relay() as relay:
        spy.relay = relay
        link = homes.invited(mei)
        (contact,) = link.contacts
        through = Contact(contact.peer, (f"{relay.addresses[0]}/p2p-circuit",))
        bo = homes.newcomer(tmp_path / "bo", replace(link, contacts=(through,)))
        await _run_until_held(mei, bo, relay, written["id"])
        assert relay.counts().circuits_made >= 1
    assert relay.counts().relayed_bytes > 1_000
    with mei.store(readonly=True) as store:
        settings = Settings.read(store)
    secret = (settings.here, settings.member, settings.device, written["id"], NAME, NOTE, "Lanxi")
    needles = [each.encode() if isinstance(each, str) else bytes(each) for each in secret]
    heard = bytes(spy.by_relay)
    for needle in needles:
        for form in (needle, needle.hex().encode(), b64encode(needle)[:-4]):
            assert form not in heard
    assert sum(needle in spy.by_members for needle in needles) >= 5, "members do see them"


async def _run_until_held(mei: Home, bo: Home, relay: RelayNode, record: RecordId) -> None:
    """Run both nodes until the newcomer is a member and holds the record."""
    settings = replace(homes.LOOPBACK, port_mapping=False)
    hosting = replace(settings, relays=relay.addresses)
    with (
        process.opened(mei, keystore.unlock(mei.keystore, None), hosting, LocalServer) as host,
        process.opened(bo, keystore.unlock(bo.keystore, None), settings, LocalServer) as guest,
    ):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(process.live, host, _nothing)
            nursery.start_soon(process.live, guest, _nothing)
            with trio.fail_after(PATIENCE_S):
                while await guest.runtime.look(lambda: guest.store.clock_of(record)) is None:
                    await trio.sleep(0.05)
            (peer,) = guest.service.core.peers.values()
            assert "/p2p-circuit" in peer.address
            host.scope.cancel()
            guest.scope.cancel()


def _nothing(_addresses: list[str]) -> None:
    """Ignore where a node listens."""
