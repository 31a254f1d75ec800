"""A relay that is no member: it joins peers that reserve with it, and knows no community.

It has a key of its own, listens, and serves circuit relay v2, ping and identify. It keeps nothing
but its counts, and dials nobody.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import trio
from libp2p.host.ping import ID as PING
from libp2p.host.ping import handle_ping
from libp2p.identity_utils import create_identity_from_seed
from libp2p.peer.id import ID

from commonweal.node.network.addresses import parse, reachable
from commonweal.node.network.channel.multistream import choose
from commonweal.node.network.channel.noise import SecureChannel, peer_id
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.connections.accept_limit import (
    STRANGERS_MAX,
    AcceptLimit,
    PendingConnection,
    network_of,
)
from commonweal.node.network.connections.listener import Listener, listen
from commonweal.node.network.relay import identify
from commonweal.node.network.relay.hop import HopServer, RelayClient, RelayCounts
from commonweal.node.network.relay.identify import IDENTIFY
from commonweal.node.network.relay.messages import HOP
from commonweal.node.network.relay.relay_limits import HOP_S, RelayLimits
from commonweal.node.transport import HELLO_MS_MAX, PeerKey

if TYPE_CHECKING:
    from trio_typing import (
        TaskStatus,
    )  # libp2p brings these stubs, which mypy prefers to trio's own

log = logging.getLogger(__name__)

SPARE_STREAMS: Final = 3
"""Streams of one peer beside its circuits: a reservation, a ping, identify."""
PROTOCOLS: Final = (HOP, str(PING), IDENTIFY)


class RelayNode:
    """One relay. seed: 32 bytes, its identity. listen: multiaddrs, port 0 for any.

    announce: where it is reached, when that is elsewhere. now_s: seconds since 1970.
    """

    def __init__(
        self,
        seed: bytes,
        listen: Sequence[str],
        limits: RelayLimits,
        *,
        now_s: Callable[[], float],
        announce: Sequence[str] = (),
    ) -> None:
        keys = self._keys = create_identity_from_seed(seed)
        self.identity = str(ID.from_pubkey(keys.public_key))
        self._listen, self._announce = tuple(listen), tuple(announce)
        self._reached: tuple[str, ...] = ()
        self._accept_limit = AcceptLimit()
        self._limits = limits
        self._open: dict[Mux, None] = {}
        self._hop = HopServer(
            keys,
            limits,
            may_reserve=lambda _: True,
            addresses=lambda: self._reached,
            now_s=now_s,
        )
        connections_max = limits.reservations + limits.circuits + STRANGERS_MAX
        self._listener = Listener(
            keys,
            self._accept_limit,
            has_room=lambda: len(self._open) < connections_max,
            serve=self._serve,
        )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where this relay is reached, with its peer id."""
        return tuple(f"{address}/p2p/{self.identity}" for address in self._reached)

    async def run(self, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen, and relay until cancelled; started() once it listens.

        Raises PortTaken or CannotListen.
        """
        listening = await listen(self._listen)
        self._reached = self._announce or tuple(map(str, reachable(listening)))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._hop.run)
                for socket in listening:
                    nursery.start_soon(self._listener.accept, socket)
                task_status.started()
                await trio.sleep_forever()
        finally:
            for socket in listening:
                socket.socket.close()

    @property
    def connections(self) -> int:
        """Peers that are connected now."""
        return len(self._open)

    def counts(self) -> RelayCounts:
        """Return counts for status and metrics."""
        return self._hop.counts()

    async def _serve(
        self,
        peer: PeerKey,
        channel: SecureChannel,
        address: str,
        scope: trio.CancelScope,
        *,
        pending: PendingConnection | None = None,
        agreed: Callable[[], None] | None = None,
    ) -> None:
        """Serve one peer; without a reservation or a circuit it stays HELLO_MS_MAX at most."""
        assert pending is not None and agreed is None, "a relay dials nobody"

        def stays() -> None:
            scope.deadline = math.inf
            self._accept_limit.leave(pending)

        def ends() -> None:
            scope.deadline = trio.current_time() + HELLO_MS_MAX / 1_000

        channel.read_less()
        async with trio.open_nursery() as nursery:
            mux = Mux(
                channel,
                outbound=False,
                peer_id=peer_id(peer),
                opened=lambda stream: nursery.start_soon(self._stream, stream, client, address),
                streams_max=self._limits.circuits_peer + SPARE_STREAMS,
            )
            mux.burst_messages_max = 1  # a peer that does not read makes it hold one
            client = RelayClient(peer, network_of(parse(address).host), mux, stays, ends)
            self._open[mux] = None
            try:
                await mux.run()
            finally:
                mux.close("the relay ends")
                del self._open[mux]
                self._hop.left(client)
                nursery.cancel_scope.cancel()

    async def _stream(self, stream: Stream, client: RelayClient, address: str) -> None:
        """Agree on the protocol of a stream, and serve it; whatever goes wrong ends it alone."""
        try:
            with trio.fail_after(HOP_S):
                protocol = await choose(stream, lambda: PROTOCOLS)
            if protocol == HOP:
                await self._hop.serve(stream, client)
                return
            if protocol == IDENTIFY:
                identify.tell(stream, self._keys, address, PROTOCOLS)
                return
            await handle_ping(stream)
            await stream.close()
        except Exception as error:  # the wall around libp2p
            log.debug("a stream of %s ended: %s", client.network, error)
            stream.cut()
