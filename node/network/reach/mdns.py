"""mDNS: finds libp2p nodes on the local network, and lets them find this one.

The records are those of the libp2p mDNS specification: a random name under _p2p._udp.local and our
addresses with our peer id. They show no community, and a node that answers is a stranger until it
proves more.
Source: https://github.com/libp2p/specs/blob/master/discovery/mdns.md
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import trio
from libp2p.peer.id import ID
from zeroconf import ServiceBrowser, ServiceInfo, ServiceListener, Zeroconf

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.noise import peer_key
from commonweal.node.network.connections.accept_limit import network_of
from commonweal.node.transport import PeerKey
from commonweal.protocol.identity.public_hosts import is_public_host

log = logging.getLogger(__name__)

SERVICE: Final = "_p2p._udp.local."
FOUND_PER_S_MAX: Final = 20
"""Announcements handed on per second, however many come."""
ADDRESSES_MAX: Final = 16
ASK_MS: Final = 3_000
AGAIN_S: Final = 30.0
"""Pause after the network could not be used."""
NAMES_WAITING_MAX: Final = 64
"""While more names wait, no query completes an announcement that left something out."""


class Mdns:
    """Announces our addresses, and calls `discovered` with each node seen, in the trio thread.

    Of what others announce, only addresses of the local network are handed on.

    addresses: returns the addresses of the interfaces, with our peer id.
    """

    def __init__(
        self,
        key: PeerKey,
        addresses: Callable[[], Sequence[str]],
        discovered: Callable[[PeerKey, tuple[str, ...]], None],
    ) -> None:
        self._key = key
        self._addresses = addresses
        self._found = discovered
        self._round = trio.CancelScope()

    def restart(self) -> None:
        """Announce and browse on the interfaces that there are now; known nodes are seen again."""
        self._round.cancel()

    async def run(self) -> None:
        """Announce and browse until cancelled. Without a usable network it tries again later."""
        while True:
            with trio.CancelScope() as self._round:
                try:
                    await self._run_round()
                except Exception as error:  # zeroconf raises what its platform, or others, make it
                    words = str(error) or type(error).__name__
                    log.warning("mDNS does not work on this network: %s", words)
                await trio.sleep(AGAIN_S)

    async def _run_round(self) -> None:
        """Announce and browse on the present interfaces; raises anything where that is refused.

        Anybody on the network can claim our name, so that it is refused.
        """
        zeroconf = await trio.to_thread.run_sync(Zeroconf)
        send, receive = trio.open_memory_channel[ServiceInfo](FOUND_PER_S_MAX)
        token = trio.lowlevel.current_trio_token()
        name = f"{secrets.token_hex(16)}.{SERVICE}"
        try:
            if announced := self._announced():
                service = _service(name, announced)
                await trio.to_thread.run_sync(zeroconf.register_service, service)
            listener = _Listener(name, partial(token.run_sync_soon, partial(_offer, send)))
            browse = partial(ServiceBrowser, zeroconf, SERVICE, None, listener)
            browser = await trio.to_thread.run_sync(browse)
            listener.waiting = browser.queue.qsize
            async for info in receive:
                self._read(info)
                await trio.sleep(1 / FOUND_PER_S_MAX)
        finally:
            # The goodbye takes zeroconf a second; nothing waits for it.
            threading.Thread(target=zeroconf.close, daemon=True).start()

    def _announced(self) -> list[str]:
        return [address for address in self._addresses() if not _is_loopback(address)]

    def _read(self, info: ServiceInfo) -> None:
        """Hand over the near addresses of an announcement that is well-formed and of one node."""
        try:
            told = [v.decode() for k, v in info.properties.items() if k[:7] == b"dnsaddr" and v]
            names = {address.partition("/p2p/")[2] for address in told}
            places = [parse(address) for address in told[:ADDRESSES_MAX]]
            own = {network_of(parse(address).host) for address in self._addresses()}
            addresses = tuple(str(place) for place in places if _is_near(place, own))
            if len(names) != 1 or not addresses:
                return
            peer = peer_key(ID.from_base58(names.pop()))
        except Exception as error:  # whatever others on the network may announce
            log.debug("an mDNS announcement makes no sense: %s", error)
            return
        if peer != self._key:
            self._found(peer, addresses)


class _Listener(ServiceListener):
    """Called in zeroconf's thread; passes what it resolves to the trio thread."""

    def __init__(self, own: str, offer: Callable[[ServiceInfo], None]) -> None:
        self.waiting: Callable[[], int] = lambda: 0
        """Number of names to be resolved; zeroconf's own queue has no limit."""
        self._own = own
        self._offer = offer

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        if name == self._own:
            return
        info = ServiceInfo(type_, name)
        try:
            known = info.load_from_cache(zc)
            known = known or (self.waiting() <= NAMES_WAITING_MAX and info.request(zc, ASK_MS))
        except Exception as error:  # on a busy machine, or closed meanwhile: its thread goes on
            log.debug("an mDNS announcement is not resolved: %s", error)
            return
        if known:
            with suppress(trio.RunFinishedError):
                self._offer(info)

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.add_service(zc, type_, name)

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Do nothing: a node that left is noticed when it is dialled."""


def _service(name: str, addresses: Sequence[str]) -> ServiceInfo:
    keys = ["dnsaddr", *(f"dnsaddr{i}" for i in range(2, ADDRESSES_MAX + 1))]
    endpoints = [parse(address) for address in addresses[:ADDRESSES_MAX]]
    return ServiceInfo(
        SERVICE,
        name,
        port=endpoints[0].port,
        properties=dict(zip(keys, addresses, strict=False)),
        server=f"{name.partition('.')[0]}.local.",
        addresses=[ipaddress.ip_address(endpoint.host).packed for endpoint in endpoints],
    )


def _is_near(place: Endpoint, own: Collection[str]) -> bool:
    """Whether a place can be on the local network: a private number, or one beside ours.

    Anybody on the network can announce a member's node, so a name, or a number elsewhere, would
    make all nodes here knock at somebody's door. own: the networks of our interfaces.
    """
    if place.kind not in ("ip4", "ip6") or place.relay:
        return False
    number = ipaddress.ip_address(place.host)
    number = getattr(number, "ipv4_mapped", None) or number
    if number.is_loopback or number.is_multicast or number.is_unspecified:
        return False
    return not is_public_host(place.host) or network_of(place.host) in own


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(parse(address).host).is_loopback


def _offer(send: trio.MemorySendChannel[ServiceInfo], info: ServiceInfo) -> None:
    try:
        send.send_nowait(info)
    except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
        log.debug("too many mDNS announcements; one is left out")
