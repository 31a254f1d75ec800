"""The dialler: connects to peers at addresses that the service names, and secures the link.

At most one dial to each peer, and DIALS_MAX at once. It decides nothing: which peer to dial, and
when again, is the service's choice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import trio
from libp2p.crypto.keys import KeyPair
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.noise import SecureChannel, WrongPeer, secure, why
from commonweal.node.network.connection import ServeConnection
from commonweal.node.network.dial_port import DialPort
from commonweal.node.transport import HELLO_MS_MAX, DialFailed, PeerKey

if TYPE_CHECKING:
    from trio_typing import (
        TaskStatus,
    )  # libp2p brings these stubs, which mypy prefers to trio's own

log = logging.getLogger(__name__)

DIAL_S: Final = 8.0
"""Longest time for one address, from the first packet to the secured connection."""
DIALS_MAX: Final = 16
"""Dials under way at once; further ones wait their turn."""
DIAL_ADDRESSES_MAX: Final = 20
_FINAL: Final = (WrongPeer, PeerIDMismatchesPubkey)
"""What no other port changes: another node is there."""


class Dialler:
    """The dials under way of one node.

    is_connected: whether a connection to the peer is there already. failed: takes the event of
    each address at which a peer could not be reached.
    """

    def __init__(
        self,
        keys: KeyPair,
        *,
        is_connected: Callable[[PeerKey], bool],
        serve: ServeConnection,
        failed: Callable[[DialFailed], None],
    ) -> None:
        self._keys = keys
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
        """Try each address in turn until one connects; nothing while a dial to this peer runs."""
        if self._nursery is None or peer in self._dials:
            return
        self._dials[peer] = None
        self._nursery.start_soon(self._dial, self._nursery, peer, addresses)

    async def _dial(self, nursery: trio.Nursery, peer: PeerKey, addresses: Sequence[str]) -> None:
        try:
            async with self._places:
                for address in addresses:
                    reason = await nursery.start(self._connect, peer, address)
                    if not reason or self._is_connected(peer):
                        break
                    self._failed(DialFailed(peer, address, reason))
        finally:
            self._dials.pop(peer, None)

    async def _connect(self, peer: PeerKey, address: str, *, task_status: TaskStatus[str]) -> None:
        """Connect to one address and serve the connection; started("") or started(reason)."""
        socket: trio.SocketStream | None = None
        is_told = False
        try:
            with trio.CancelScope() as scope:
                with trio.fail_after(DIAL_S):
                    endpoint = parse(address)
                    socket, channel = await self._secured(endpoint, peer)
                scope.deadline = trio.current_time() + HELLO_MS_MAX / 1_000

                def agreed() -> None:
                    nonlocal is_told
                    is_told = True
                    task_status.started("")

                await self._serve(peer, channel, address, scope, agreed=agreed)
            if not is_told:
                is_told = True
                task_status.started("did not take the sync stream in time")
        except Exception as error:  # the wall around libp2p
            log.debug("a dial to %s ended: %s: %s", address, type(error).__name__, error)
            if not is_told:
                task_status.started(why(error))
        finally:
            if socket is not None:
                socket.socket.close()

    async def _secured(
        self, endpoint: Endpoint, peer: PeerKey
    ) -> tuple[trio.SocketStream, SecureChannel]:
        """Return a connection to an endpoint and its secure channel; raises what `secure` does.

        Two nodes that dial each other's listening ports at the same moment, both from their own,
        get one connection that both dialled (RFC 9293, section 3.5): neither answers the other's
        handshake. Both then dial from another port.
        """
        shares = True
        while True:
            socket = await self.port.connect(endpoint, shares=shares)
            shares = shares and self.port.is_shared(socket)
            try:
                return socket, (await secure(SocketCarrier(socket), self._keys, peer))[1]
            except BaseException as error:
                socket.socket.close()
                if not shares or not isinstance(error, Exception) or isinstance(error, _FINAL):
                    raise
                shares = False
