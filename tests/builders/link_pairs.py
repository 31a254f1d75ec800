"""Ends of real links over loopback, for the tests of the network.

`End` is a Network whose events are kept in a list; `foreign` is libp2p's own host, which is
what a stranger would use; `Peer` is another process that can be stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

import trio
from libp2p import new_host
from libp2p.abc import IHost
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.custom_types import TProtocol
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import Yamux
from multiaddr import Multiaddr

from commonweal.node.network import Network
from commonweal.node.transport import (
    Connected,
    Disconnected,
    FrameReceived,
    GossipMessage,
    GossipReceived,
    Listening,
    PeerKey,
    TransportEvent,
    ValidatedGossip,
    ValidationResult,
)

LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)
PATIENCE_S = 10.0
E = TypeVar("E", bound=TransportEvent)


class End:
    """One Network and what it emitted.

    admits: admit every peer at once. takes: call `done` for every frame at once. relay, relays: as
    of Network.
    """

    def __init__(
        self,
        number: int,
        *,
        admits: bool = True,
        takes: bool = True,
        relay: bool = True,
        relays: Sequence[str] = (),
    ) -> None:
        self.events: list[TransportEvent] = []
        """All but `Listening`, which says nothing of other ends."""
        self.listening: tuple[str, ...] = ()
        self.admits = admits
        self.takes = takes
        self.refused: list[bytes] = []
        self._happened = trio.Event()
        self.network = Network(
            bytes([number]) * 32,
            LOOPBACK,
            self._emit,
            validate=self._validate,
            mdns=False,
            relay=relay,
            relays=relays,
        )

    @property
    def key(self) -> PeerKey:
        """The key of this end."""
        return self.network.key

    def frames(self, peer: PeerKey) -> list[bytes]:
        """The frames received from this peer so far."""
        return [e.frame for e in self.events if isinstance(e, FrameReceived) and e.peer == peer]

    def all(self, kind: type[E]) -> list[E]:
        """The events of one kind so far."""
        return [each for each in self.events if isinstance(each, kind)]

    async def wait(self, kind: type[E], count: int = 1) -> E:
        """The last of `count` events of this kind, when they are there."""
        with trio.fail_after(PATIENCE_S):
            while len(found := self.all(kind)) < count:
                self._happened = trio.Event()
                await self._happened.wait()
        return found[count - 1]

    async def dial(self, other: End) -> None:
        """Dial the other end and wait until both have the link."""
        self.network.dial(other.key, other.network.addresses)
        with trio.fail_after(PATIENCE_S):
            while not (self.has(other.key) and other.has(self.key)):
                await trio.sleep(0.005)

    def has(self, peer: PeerKey) -> bool:
        """Whether there is a link to this peer now."""
        ups = sum(1 for e in self.events if isinstance(e, Connected) and e.peer == peer)
        downs = sum(1 for e in self.events if isinstance(e, Disconnected) and e.peer == peer)
        assert ups - downs in (0, 1), "Connected and Disconnected take turns"
        return ups > downs

    def _emit(self, event: TransportEvent) -> None:
        if isinstance(event, Listening):
            self.listening = event.addresses
            return
        self.events.append(event)
        match event:
            case Connected(peer) if self.admits:
                self.network.admit(peer)
            case FrameReceived(peer, frame) if self.takes:
                self.network.done(peer, len(frame))
            case _:
                pass
        self._happened.set()

    def _validate(self, message: GossipMessage) -> ValidatedGossip:
        data = message.data
        if data.startswith(b"raise"):
            raise RuntimeError("the validator is broken")
        if data.startswith(b"bad"):
            self.refused.append(data)
            return ValidatedGossip(ValidationResult.REJECT)
        if data.startswith(b"unknown"):
            self.refused.append(data)
            return ValidatedGossip(ValidationResult.IGNORE)
        return ValidatedGossip(ValidationResult.ACCEPT)


@contextlib.asynccontextmanager
async def running(*ends: End) -> AsyncIterator[None]:
    """The networks of these ends run inside; their shutdown takes no more than 3 s."""
    async with trio.open_nursery() as nursery:
        for end in ends:
            await nursery.start(end.network.run)
        yield
        nursery.cancel_scope.cancel()
        deadline = trio.current_time() + 3
    assert trio.current_time() < deadline, "shutdown took too long"


async def heard(end: End, data: bytes) -> GossipReceived:
    """The gossip message with this data, when it is there."""
    with trio.fail_after(PATIENCE_S):
        while True:
            for event in end.all(GossipReceived):
                if event.data == data:
                    return event
            await trio.sleep(0.01)


@contextlib.asynccontextmanager
async def foreign() -> AsyncIterator[IHost]:
    """libp2p's own host with Noise and yamux: a stranger's client."""
    keys = create_new_key_pair()
    host = new_host(
        key_pair=keys,
        sec_opt={NOISE: Noise(keys, noise_privkey=create_noise_key_pair().private_key)},
        muxer_opt={TProtocol("/yamux/1.0.0"): Yamux},
    )
    async with host.run([]):
        yield host
        for peer in host.get_connected_peers():
            await host.disconnect(peer)


async def reach(host: IHost, end: End) -> PeerKey:
    """Connect a foreign host to an end; its key."""
    await host.connect(info_from_p2p_addr(Multiaddr(end.network.addresses[0])))
    return PeerKey(host.get_public_key().to_bytes())


@contextlib.contextmanager
def no_file_left() -> Iterator[None]:
    """This process may open no file more, inside."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


class Peer:
    """Another process with a Network that admits and echoes; it can be stopped."""

    def __init__(self, process: subprocess.Popen[str], number: int) -> None:
        assert process.stdout is not None
        self._process = process
        self.address = json.loads(process.stdout.readline())
        self.key = End(number).key

    def stop(self) -> None:
        """Freeze it, as a laptop that sleeps."""
        self._process.send_signal(signal.SIGSTOP)


@contextlib.contextmanager
def process(number: int) -> Iterator[Peer]:
    """Another process, killed at the end by its own id."""
    command = [sys.executable, "-m", "tests.builders.link_pairs", str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield Peer(started, number)
        finally:
            started.kill()


async def _echo(number: int) -> None:
    end = End(number)
    async with running(end):
        print(json.dumps(end.network.addresses[0]), flush=True)
        with trio.move_on_after(60):
            count = 0
            while True:
                event = await end.wait(FrameReceived, count := count + 1)
                end.network.send(event.peer, event.frame)


if __name__ == "__main__":
    trio.run(_echo, int(sys.argv[-1]))
