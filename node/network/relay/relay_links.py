"""The connections of a node to relays, and the circuits that it opens or takes over them.

A relay that is a linked member serves over that link; to any other there is a link of its own,
dialled when it is needed and closed when nothing uses it. Nothing comes in through a relay at
which this node holds no reservation.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import trio
from libp2p.crypto.keys import KeyPair
from libp2p.network.stream.exceptions import StreamClosed
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage, Status, StopMessage

from commonweal.node.network.addresses import Endpoint
from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.multistream import NoAgreement, choose, offer
from commonweal.node.network.channel.noise import peer_id, peer_key, secure, why
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.relay import messages
from commonweal.node.network.relay.circuit import RelayedCarrier
from commonweal.node.network.relay.identify import seen_at
from commonweal.node.network.relay.messages import (
    HOP,
    STOP,
    RelayRefused,
    read_message,
    write_message,
)
from commonweal.node.network.relay.relay_limits import HOP_S, LINGER_S
from commonweal.node.transport import PeerKey

if TYPE_CHECKING:
    from trio_typing import (
        TaskStatus,
    )  # libp2p brings these stubs, which mypy prefers to trio's own

log = logging.getLogger(__name__)

RELAY_STREAMS_MAX: Final = 32
"""Circuits that one relay may hand to us at once."""
RELAY_CONNECT_S: Final = 8.0

REASONS: Final = {
    Status.RESERVATION_REFUSED: "the relay has no place left",
    Status.RESOURCE_LIMIT_EXCEEDED: "the relay has as many circuits as it may",
    Status.PERMISSION_DENIED: "the relay does not serve us",
    Status.CONNECTION_FAILED: "the relay did not reach the peer",
    Status.NO_RESERVATION: "the peer is not at this relay now",
}
"""Why a relay refuses, in words for the member."""

TakeCircuit = Callable[[RelayedCarrier, PeerKey, str], Awaitable[None]]
"""Serves a circuit that came in: what carries it, who it is said to come from, and its address."""


class RelayLinks:
    """The relays that one node uses.

    find: the mux of a direct link that is there already, or None. take: serves a circuit that
    comes in, until it ends. connect: opens a connection to a relay. seen: takes the
    multiaddr at which a relay that is no linked member sees this node.
    """

    def __init__(
        self,
        keys: KeyPair,
        *,
        find: Callable[[PeerKey], Mux | None],
        take: TakeCircuit,
        connect: Callable[[Endpoint], Awaitable[trio.SocketStream]],
        seen: Callable[[PeerKey, str], None] = lambda relay, address: None,
    ) -> None:
        self._keys, self._find, self._take, self._connect = keys, find, take, connect
        self._seen = seen
        self._own: dict[PeerKey, Mux] = {}
        """Links that are there for the relay's sake alone."""
        self._users: dict[Mux, int] = {}
        self._dialled: dict[PeerKey, trio.Event] = {}
        self._reserved: dict[PeerKey, tuple[Mux, Endpoint]] = {}
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; started() at once."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None  # nothing begins any more

    async def circuit(self, endpoint: Endpoint, peer: PeerKey) -> RelayedCarrier:
        """Return a circuit to `peer` through the relay of this endpoint.

        Raises RelayRefused, OSError, or what the handshake with the relay raises.
        """
        mux = await self._link(endpoint)
        try:
            stream = await self._ask(mux, messages.connect_request(peer))
        except BaseException:
            self._unuse(mux)
            raise
        return RelayedCarrier(stream, lambda stream: self._linger(stream, mux))

    @asynccontextmanager
    async def reservation(self, endpoint: Endpoint) -> AsyncIterator[Reserved]:
        """Hold a reservation at the relay of this endpoint inside.

        Raises RelayRefused, OSError, or what the handshake with the relay raises.
        """
        relay = peer_key(ID.from_base58(endpoint.relay))
        mux = await self._link(endpoint)
        self._reserved[relay] = mux, endpoint
        try:
            held = Reserved(self, mux, relay)
            await held.renew()
            yield held
        finally:
            self._reserved.pop(relay, None)
            self._unuse(mux)

    async def reserve(self, mux: Mux, relay: PeerKey) -> HopMessage:
        """Return what the relay grants over this link. Raises RelayRefused."""
        own = peer_key(ID.from_pubkey(self._keys.public_key))
        granted: list[HopMessage] = []
        stream = await self._ask(mux, messages.reserve_request(), granted)
        stream.finish()
        stream.cut()
        messages.check_voucher(granted[0], relay, own)
        return granted[0]

    async def stop(self, stream: Stream, relay: PeerKey) -> None:
        """Serve a stream by which a relay hands us a circuit; its protocol is agreed on."""
        held = self._reserved.get(relay)
        with trio.fail_after(HOP_S):
            request = await read_message(stream, StopMessage)
        if held is None or held[0] is not stream.mux or request.type != StopMessage.CONNECT:
            write_message(stream, messages.stop_status(Status.PERMISSION_DENIED))
            stream.finish()
            return
        comes = messages.peer_named(request)
        write_message(stream, messages.stop_status(Status.OK))
        mux = stream.mux
        self._users[mux] = self._users.get(mux, 0) + 1
        carrier = RelayedCarrier(stream, lambda stream: self._linger(stream, mux))
        try:
            await self._take(carrier, comes, str(held[1]))
        finally:
            carrier.close()

    async def _ask(
        self, mux: Mux, request: HopMessage, answers: list[HopMessage] | None = None
    ) -> Stream:
        """Return the stream on which the relay said yes. Raises RelayRefused."""
        try:
            stream = mux.open()
        except StreamClosed as error:
            raise RelayRefused("the link to the relay has ended") from error
        try:
            with trio.fail_after(HOP_S):
                await offer(stream, HOP)
                write_message(stream, request)
                answer = await read_message(stream, HopMessage)
        except BaseException as error:
            stream.cut()
            if isinstance(error, NoAgreement):
                raise RelayRefused("the node at this address does not relay") from error
            raise
        if answer.type != HopMessage.STATUS or answer.status != Status.OK:
            stream.cut()
            raise RelayRefused(REASONS.get(answer.status, "the relay refuses"))
        if answers is not None:
            answers.append(answer)
        return stream

    async def _link(self, endpoint: Endpoint) -> Mux:
        """Return a link to the relay, which is held until `_unuse`."""
        relay = peer_key(ID.from_base58(endpoint.relay))
        while (dialled := self._dialled.get(relay)) is not None:
            await dialled.wait()
        mux = self._find(relay) or self._own.get(relay)
        if mux is None or mux.is_closed:
            mux = await self._dial_once(relay, endpoint)
        self._users[mux] = self._users.get(mux, 0) + 1
        return mux

    async def _dial_once(self, relay: PeerKey, endpoint: Endpoint) -> Mux:
        """Return a new link to a relay; who wants the same meanwhile waits for it."""
        assert self._nursery is not None, "the links run"
        dialled = self._dialled[relay] = trio.Event()
        try:
            result: Mux | Exception = await self._nursery.start(self._dial, relay, endpoint)
        finally:
            del self._dialled[relay]
            dialled.set()
        if isinstance(result, Exception):
            raise RelayRefused(f"the relay: {why(result)}") from result
        return result

    async def _dial(
        self, relay: PeerKey, endpoint: Endpoint, *, task_status: TaskStatus[Mux | Exception]
    ) -> None:
        """Connect to a relay and move the link's bytes until it ends; started(link or error)."""
        mux: Mux | None = None
        try:
            with trio.fail_after(RELAY_CONNECT_S):
                socket = await self._connect(endpoint)
            async with socket, trio.open_nursery() as nursery:
                with trio.fail_after(RELAY_CONNECT_S):
                    _, channel = await secure(SocketCarrier(socket), self._keys, relay)
                mux = Mux(
                    channel,
                    outbound=True,
                    peer_id=peer_id(relay),
                    opened=lambda stream: nursery.start_soon(self._opened, stream, relay),
                    streams_max=RELAY_STREAMS_MAX,
                )
                self._own[relay] = mux
                task_status.started(mux)
                nursery.start_soon(self._see, relay, mux)
                await mux.run()
                nursery.cancel_scope.cancel()
        except Exception as error:  # the wall around libp2p
            log.debug("a link to a relay ended: %s: %s", type(error).__name__, error)
            if mux is None:
                task_status.started(error)
        finally:
            if mux is not None:
                mux.close("the link to the relay ended")
                if self._own.get(relay) is mux:
                    del self._own[relay]

    async def _see(self, relay: PeerKey, mux: Mux) -> None:
        """Learn from a relay at which address it sees this node."""
        try:
            self._seen(relay, await seen_at(mux))
        except Exception as error:  # the wall around libp2p
            log.debug("a relay does not say how it sees us: %s", why(error))

    async def _opened(self, stream: Stream, relay: PeerKey) -> None:
        """Agree on the protocol of a stream that a relay opened, and serve it."""
        try:
            with trio.fail_after(HOP_S):
                await choose(stream, lambda: (STOP,))
            await self.stop(stream, relay)
        except Exception as error:  # the wall around libp2p
            log.debug("a stream of a relay ended: %s", error)
            stream.cut()

    def _linger(self, stream: Stream, mux: Mux) -> None:
        """Let a circuit that was closed send what is queued, then forget it."""
        if self._nursery is None or mux.is_closed:
            stream.cut()
            self._unuse(mux)
            return
        self._nursery.start_soon(self._end, stream, mux)

    async def _end(self, stream: Stream, mux: Mux) -> None:
        over = trio.Event()

        def look(_sent: int = 0) -> None:
            if (stream.is_ended or stream.is_reset) and not stream.queued_bytes:
                over.set()

        stream.on_end = stream.on_sent = look
        look()
        with trio.move_on_after(LINGER_S):
            await over.wait()
        stream.cut()
        self._unuse(mux)

    def _unuse(self, mux: Mux) -> None:
        """Close a link of our own that nothing uses."""
        self._users[mux] -= 1
        if self._users[mux]:
            return
        del self._users[mux]
        for relay, own in list(self._own.items()):
            if own is mux:
                del self._own[relay]
                mux.finish("the relay is not needed any more")


class Reserved:
    """A reservation that is held. mux: the link to the relay; expires_s: seconds since 1970."""

    def __init__(self, links: RelayLinks, mux: Mux, relay: PeerKey) -> None:
        self.mux = mux
        self.relay = relay
        self.expires_s = 0
        self.addresses: tuple[str, ...] = ()
        """Where the relay says that it is reached, without its peer id."""
        self._links = links

    async def renew(self) -> None:
        """Ask the relay for more time. Raises RelayRefused."""
        granted = await self._links.reserve(self.mux, self.relay)
        self.expires_s = granted.reservation.expire
        self.addresses = messages.addresses_in(granted)
