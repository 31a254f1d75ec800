"""Hole punching (DCUtR): both ends of a relayed link dial each other at one moment.

The end that the relayed link came in at asks, measures the way there and back, and says when. Both
connect from their listening ports, so that each router has sent a packet to the other before it
gets one. The end that opened the relayed link is the client of what then runs over the direct one,
whichever of the two connected. A direct link replaces the relayed one (links.py).
Source: https://github.com/libp2p/specs/blob/master/relay/DCUtR.md
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import trio
from libp2p.crypto.keys import KeyPair
from libp2p.relay.circuit_v2.pb.dcutr_pb2 import HolePunch

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.noise import WrongPeer, secure
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.connections.connection import Connection, ServeConnection
from commonweal.node.network.connections.dial_port import (
    DialPort,
    PortNotFree,
    connect_from_free_port,
)
from commonweal.node.network.connections.protocols import StreamProtocol, open_stream
from commonweal.node.network.punch.dcutr import (
    DCUTR,
    connect_message,
    places_in,
    read_punch_message,
    sync_message,
)
from commonweal.node.network.punch.punch_limit import PunchLimit
from commonweal.node.transport import HELLO_MS_MAX, PeerKey, TrustLevel

if TYPE_CHECKING:
    from trio_typing import (
        TaskStatus,
    )  # libp2p brings these stubs, which mypy prefers to trio's own

log = logging.getLogger(__name__)

PAUSES_S: Final = (0.5, 3.0, 12.0)
"""Time before each try. Three, as the specification wants; a router that refused a packet may
remember the connection for 10 s, so the last one waits longer."""
ROUND_TRIP_S_MAX: Final = 5.0
"""A way there and back that takes longer is too uneven to be halved."""
PLAIN_S: Final = 0.3
PLAIN_ROUND_TRIPS: Final = 5
"""Time that a plain dial has before both ends dial: a packet there and back for TCP, and four for
Noise, yamux and the sync stream."""
CROSS_S: Final = 4.0
"""Longest time that one try connects: the first packet, and those after 1 s and 3 s."""
SECURE_S: Final = 3.0
PUNCH_S: Final = 2 * ROUND_TRIP_S_MAX + CROSS_S + SECURE_S
"""Longest time of one try."""
REFUSED_PAUSE_S: Final = 0.2


class HolePuncher:
    """Turns relayed links of one node into direct ones.

    port: connects from the listening port. own: multiaddrs at which others see this node. serve:
    serves what was connected. is_direct: whether there is a direct link to a peer by now; direct
    waits for it. allows: whether a number may be dialled for a peer.
    """

    def __init__(
        self,
        keys: KeyPair,
        port: DialPort,
        serve: ServeConnection,
        *,
        own: Callable[[], Sequence[str]],
        is_direct: Callable[[PeerKey], bool],
        direct: Callable[[PeerKey], Awaitable[None]],
        allows: Callable[[str], bool],
    ) -> None:
        self._keys, self._port, self._serve = keys, port, serve
        self._own, self._is_direct, self._direct = own, is_direct, direct
        self._allows = allows
        self._limit = PunchLimit()
        self._expected: dict[tuple[str, int], PeerKey] = {}
        self._nursery: trio.Nursery | None = None
        self.tries = 0
        """Since the start."""

    @property
    def protocol(self) -> StreamProtocol:
        """What peers may open on a relayed link that we opened."""
        return StreamProtocol(*(DCUTR, TrustLevel.MEMBER, self.answer, PUNCH_S), is_open=_may_punch)

    async def run(self, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Punch as `begin` and `answer` say, until cancelled; started() once it does."""
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None

    def begin(self, connection: Connection) -> None:
        """Try for a direct link beside this one, if it is relayed and came in. Never waits."""
        if self._nursery is not None and connection.relayed and not connection.outbound:
            self._nursery.start_soon(self._ask, connection)

    async def answer(self, connection: Connection, stream: Stream) -> None:
        """Serve a DCUtR stream that the peer opened on a relayed link that we opened."""
        peer = connection.peer
        theirs = places_in(await read_punch_message(stream, HolePunch.CONNECT), self._allows)
        if not self._limit.may_punch(peer):
            stream.cut()
            return
        stream.push(connect_message(self._shown()))
        with self._expecting(theirs, peer):
            await read_punch_message(stream, HolePunch.SYNC)
            stream.cut()
            await self._cross(peer, theirs, is_client=True)

    def client_towards(self, host: str, port: int) -> PeerKey | None:
        """Return the peer that is punched from this address now, if we are to be the client.

        Its packets may come to our listener, where its router was quicker than ours.
        """
        return self._expected.get((host, port))

    def _shown(self) -> list[str]:
        """Return where others see this node, as far as a peer would take it."""
        numbers = [place for place in map(parse, self._own()) if place.kind in ("ip4", "ip6")]
        return [str(place) for place in numbers if self._allows(place.host)]

    async def _ask(self, connection: Connection) -> None:
        """Try up to three times to get a direct link to the peer of a relayed one."""
        for number, pause_s in enumerate(PAUSES_S, 1):
            await trio.sleep(pause_s)
            if connection.is_over or connection.mux is None:
                return
            self.tries += 1
            try:
                with trio.move_on_after(PUNCH_S):
                    await self._ask_once(connection)
            except Exception as error:  # the wall around libp2p
                log.debug("punching to %s failed: %s", connection.address, error)
            if self._is_direct(connection.peer):
                log.info("a direct link replaces a relayed one, at try %d", number)
                return

    async def _ask_once(self, connection: Connection) -> None:
        assert connection.mux is not None, "the link stands"
        stream = await open_stream(connection.mux, DCUTR)
        try:
            began = trio.current_time()
            stream.push(connect_message(self._shown()))
            with trio.fail_after(ROUND_TRIP_S_MAX):
                answer = await read_punch_message(stream, HolePunch.CONNECT)
            round_trip_s = trio.current_time() - began
            theirs = places_in(answer, self._allows)
            if not self._limit.may_punch(connection.peer):
                return None
            self._start(connection.peer, theirs, is_client=True, shares=False)
            with trio.move_on_after(PLAIN_S + PLAIN_ROUND_TRIPS * round_trip_s):
                return await self._direct(connection.peer)
            stream.push(sync_message())
            await trio.sleep(round_trip_s / 2)
            await self._cross(connection.peer, theirs, is_client=False)
        finally:
            stream.cut()

    @contextmanager
    def _expecting(self, places: Sequence[Endpoint], peer: PeerKey) -> Iterator[None]:
        """Be the client of what comes in from these addresses meanwhile."""
        keys = [(place.host, place.port) for place in places]
        self._expected.update(dict.fromkeys(keys, peer))
        try:
            yield
        finally:
            for key in keys:
                self._expected.pop(key, None)

    async def _cross(self, peer: PeerKey, places: Sequence[Endpoint], *, is_client: bool) -> None:
        """Connect to all these addresses at once, until there is a direct link to the peer."""
        if self._is_direct(peer):
            return
        until = self._start(peer, places, is_client=is_client, shares=True)
        with trio.move_on_at(until + SECURE_S):
            await self._direct(peer)

    def _start(
        self, peer: PeerKey, places: Sequence[Endpoint], *, is_client: bool, shares: bool
    ) -> float:
        """Connect to these addresses in the background; return until when, in trio time.

        shares: from the listening port; otherwise it is a plain dial to a peer that is perhaps
        reachable, which no connection from the listening port disturbs.
        """
        assert self._nursery is not None, "streams are served while the network runs"
        until = trio.current_time() + CROSS_S
        for place in places:
            connecting = partial(self._connect, peer, place, shares=shares)
            self._nursery.start_soon(self._open, peer, place, is_client, connecting, until)
        return until

    async def _open(
        self,
        peer: PeerKey,
        place: Endpoint,
        is_client: bool,
        connect: Callable[[], Awaitable[trio.SocketStream | None]],
        until: float,
    ) -> None:
        """Connect to one address until this moment, and serve the link that comes of it."""
        socket: trio.SocketStream | None = None
        with trio.move_on_at(until):
            socket = await connect()
        if socket is None:
            return
        try:
            with trio.CancelScope() as scope:
                with trio.fail_after(SECURE_S):
                    expected = peer if is_client else None
                    proven, channel = await secure(SocketCarrier(socket), self._keys, expected)
                if proven != peer:
                    raise WrongPeer("another node answers at this address")
                scope.deadline = trio.current_time() + HELLO_MS_MAX / 1_000
                agreed = _nothing if is_client else None
                await self._serve(peer, channel, str(place), scope, agreed=agreed)
        except Exception as error:  # the wall around libp2p
            log.debug("a punched connection to %s ended: %s", place, error)
        finally:
            socket.socket.close()

    async def _connect(
        self, peer: PeerKey, place: Endpoint, *, shares: bool
    ) -> trio.SocketStream | None:
        """Return a connection; None when there is a direct link, or the limit is reached."""
        connect = self._port.connect_from_port if shares else connect_from_free_port
        while not self._is_direct(peer) and self._limit.may_connect(place.host):
            try:
                return await connect(place.host, place.port)
            except PortNotFree:  # our listener has the connection of these two ports already
                return None
            except OSError:
                await trio.sleep(REFUSED_PAUSE_S)
        return None


def _may_punch(connection: Connection) -> bool:
    return connection.relayed and connection.outbound


def _nothing() -> None:
    return None
