"""The dialler: connects to peers at addresses that the service names, and secures the link.

At most one dial to each peer, and DIALS_MAX at once. It decides nothing: which peer to dial, and
when again, is the service's choice.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import trio
from libp2p.crypto.keys import KeyPair
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.carrier import Carrier, SocketCarrier
from commonweal.node.network.channel.noise import SecureChannel, WrongPeer, secure, why
from commonweal.node.network.connections.connection import ServeConnection
from commonweal.node.network.connections.dial_port import DialPort
from commonweal.node.transport import HELLO_MS_MAX, DialFailed, PeerKey

if TYPE_CHECKING:
    from trio_typing import (
        TaskStatus,
    )  # libp2p brings these stubs, which mypy prefers to trio's own

log = logging.getLogger(__name__)

DIAL_S: Final = 8.0
"""Longest time for one address, from the first packet to the secured connection."""
STAGGER_S: Final = 0.5
"""Time after which the next address of a peer is tried, too."""
DIALS_MAX: Final = 16
"""Peers that are dialled at once; further ones wait their turn."""
DIAL_ADDRESSES_MAX: Final = 20
_FINAL: Final = (WrongPeer, PeerIDMismatchesPubkey)
"""What no other port changes: another node is there."""


OpenCircuit: TypeAlias = Callable[[Endpoint, PeerKey], Awaitable[Carrier]]
"""Opens a circuit to a peer through the relay of an endpoint."""


class Dialler:
    """The dials under way of one node.

    is_connected: whether a connection to the peer is there already. failed: takes the event of
    each address at which a peer could not be reached. circuit: opens a way through a relay.
    """

    def __init__(
        self,
        keys: KeyPair,
        *,
        is_connected: Callable[[PeerKey], bool],
        serve: ServeConnection,
        failed: Callable[[DialFailed], None],
        circuit: OpenCircuit,
    ) -> None:
        self._keys, self._circuit = keys, circuit
        self.port = DialPort()
        self._is_connected, self._serve, self._failed = is_connected, serve, failed
        self._dials: dict[PeerKey, None] = {}
        self._places = trio.CapacityLimiter(DIALS_MAX)
        self._nursery: trio.Nursery | None = None

    def __len__(self) -> int:
        return len(self._dials)

    async def run(self, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Dial what `dial` is told, until cancelled; started() once it does."""
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None

    def dial(self, peer: PeerKey, addresses: Sequence[str]) -> None:
        """Try the addresses until one connects; nothing while a dial to this peer runs.

        Each is tried STAGGER_S after the one before it, or once that one has failed, so that
        addresses where nobody answers delay the others little (RFC 8305, section 5).
        """
        if self._nursery is None or peer in self._dials or not addresses:
            return
        self._dials[peer] = None
        self._nursery.start_soon(self._dial, self._nursery, peer, addresses)

    async def _dial(self, nursery: trio.Nursery, peer: PeerKey, addresses: Sequence[str]) -> None:
        try:
            async with self._places:
                await self._race(nursery, peer, addresses)
        finally:
            self._dials.pop(peer, None)

    async def _race(self, nursery: trio.Nursery, peer: PeerKey, addresses: Sequence[str]) -> None:
        """Return once one address has connected or all have failed."""
        turn, left = trio.Semaphore(1), len(addresses)

        async def attempt(address: str, ended: trio.Event) -> None:
            nonlocal left
            reason = await nursery.start(self._connect, peer, address, turn)
            left -= 1
            if not reason or self._is_connected(peer):
                race.cancel_scope.cancel()
                return
            self._failed(DialFailed(peer, address, reason, more=left > 0))
            ended.set()

        async with trio.open_nursery() as race:
            for address in addresses:
                ended = trio.Event()
                race.start_soon(attempt, address, ended)
                with trio.move_on_after(STAGGER_S):
                    await ended.wait()

    async def _connect(
        self, peer: PeerKey, address: str, turn: trio.Semaphore, *, task_status: TaskStatus[str]
    ) -> None:
        """Connect to one address and serve the connection; started("") or started(reason).

        turn: of several secured connections to one peer, only one asks for the sync stream.
        """
        carrier: Carrier | None = None
        attempt = _Attempt(turn, task_status)
        try:
            with trio.CancelScope() as scope:
                with trio.fail_after(DIAL_S):
                    carrier, channel = await self._secured(parse(address), peer)
                    await attempt.take_turn()
                scope.deadline = trio.current_time() + HELLO_MS_MAX / 1_000
                await self._serve(peer, channel, address, scope, agreed=lambda: attempt.end(""))
            attempt.end("did not take the sync stream in time")
        except Exception as error:  # the wall around libp2p
            log.debug("a dial to %s ended: %s: %s", address, type(error).__name__, error)
            attempt.end(why(error))
        finally:
            attempt.give_turn()
            if carrier is not None:
                carrier.close()

    async def _secured(self, endpoint: Endpoint, peer: PeerKey) -> tuple[Carrier, SecureChannel]:
        """Return a connection to an endpoint and its secure channel; raises what `secure` does."""
        if not endpoint.relay:
            return await self._secured_socket(endpoint, peer)
        carrier = await self._circuit(endpoint, peer)
        try:
            return carrier, (await secure(carrier, self._keys, peer))[1]
        except BaseException:
            carrier.close()
            raise

    async def _secured_socket(
        self, endpoint: Endpoint, peer: PeerKey
    ) -> tuple[Carrier, SecureChannel]:
        """Return a TCP connection to an endpoint and its secure channel.

        Two nodes that dial each other's listening ports at the same moment, both from their own,
        get one connection that both dialled (RFC 9293, section 3.5): neither answers the other's
        handshake. Both then dial from another port.
        """
        shares = True
        while True:
            socket = await self.port.connect(endpoint, shares=shares)
            shares = shares and self.port.is_shared(socket)
            carrier = SocketCarrier(socket)
            try:
                return carrier, (await secure(carrier, self._keys, peer))[1]
            except BaseException as error:
                carrier.close()
                if not shares or not isinstance(error, Exception) or isinstance(error, _FINAL):
                    raise
                shares = False


class _Attempt:
    """One of the dials to a peer: whether it has its turn, and whether its end was told."""

    def __init__(self, turn: trio.Semaphore, task_status: TaskStatus[str]) -> None:
        self._turn, self._status = turn, task_status
        self._has_turn = self._is_told = False

    async def take_turn(self) -> None:
        """Wait until no other attempt is asking for the sync stream."""
        await self._turn.acquire()
        self._has_turn = True

    def give_turn(self) -> None:
        """Let another attempt ask. Idempotent."""
        if self._has_turn:
            self._has_turn = False
            self._turn.release()

    def end(self, reason: str) -> None:
        """Tell that the peer is linked (""), or why not. Idempotent."""
        if not self._is_told:
            self._is_told = True
            self._status.started(reason)
            self.give_turn()
