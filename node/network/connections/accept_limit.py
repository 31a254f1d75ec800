"""The accept limit: which inbound connections may stay before their peer is admitted.

Places are few and shared among networks (/24, or /48 of IPv6), and half of them are reserved for
addresses of known members. One network that takes every place therefore keeps nobody out who
comes from another, and a connection that holds its place gives way once it had time to say hello.
It only counts: listener.py accepts and closes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

import trio

from commonweal.node.network.addresses import parse
from commonweal.node.token_bucket import TokenBucket

STRANGERS_MAX: Final = 16
"""Connections that are not admitted yet."""
UNKNOWN_MAX: Final = STRANGERS_MAX // 2
"""Of these, places for addresses at which no member is known."""
STRANGER_TURN_S: Final = 0.5
"""How long a stranger keeps a place against a newcomer from the same network."""
STRANGERS_PER_S: Final = 50
STRANGERS_BURST: Final = 50
"""Connections from all addresses at which no member is known."""
NETWORK_PER_S: Final = 20
NETWORK_BURST: Final = 40
"""Connections from one network, whether members are known there or not."""
NETWORKS_MAX: Final = 4096
KNOWN_MAX: Final = 4096
PREFIX_BITS_V4: Final = 24
PREFIX_BITS_V6: Final = 48
"""What one subscriber, or one customer of a data centre, commonly has."""


@dataclass(eq=False, slots=True)
class PendingConnection:
    """An inbound connection that is not admitted yet.

    since: when it came, in trio time. close: ends it now.
    """

    since: float
    close: Callable[[], None]
    network: str
    is_known: bool


class AcceptLimit:
    """The inbound connections that are not admitted yet, at most STRANGERS_MAX."""

    def __init__(self) -> None:
        self.refused = 0
        """Connections refused since the start."""
        self._pending: dict[PendingConnection, None] = {}
        self._known: dict[str, None] = {}
        self._networks: dict[str, TokenBucket] = {}
        self._unknown = TokenBucket(STRANGERS_PER_S, STRANGERS_BURST)

    def __len__(self) -> int:
        return len(self._pending)

    def know(self, addresses: Sequence[str]) -> None:
        """Note multiaddrs at which a member is, or is looked for. DNS names are not resolved."""
        for address in addresses:
            try:
                endpoint = parse(address)
            except ValueError:
                continue
            if endpoint.relay:
                continue  # the member is behind it, and so may be anybody
            self._known.pop(endpoint.host, None)
            self._known[endpoint.host] = None
            if len(self._known) > KNOWN_MAX:
                del self._known[next(iter(self._known))]

    def enter(
        self, host: str, close: Callable[[], None], *, relayed: bool = False
    ) -> PendingConnection | None:
        """Return a place for a new connection from `host`, or None when it is refused.

        relayed: `host` is a relay, behind which anybody may be.
        """
        network = f"relay {host}" if relayed else network_of(host)
        is_known = not relayed and host in self._known
        newcomer = PendingConnection(trio.current_time(), close, network, is_known)
        if not self._is_in_rate(newcomer) or not self._make_room(newcomer):
            self.refused += 1
            return None
        self._pending[newcomer] = None
        return newcomer

    def leave(self, connection: PendingConnection) -> None:
        """Free the place of a connection that was admitted or has ended. Idempotent."""
        self._pending.pop(connection, None)

    def _is_in_rate(self, newcomer: PendingConnection) -> bool:
        bucket = self._networks.pop(newcomer.network, None)
        if bucket is None:
            bucket = TokenBucket(NETWORK_PER_S, NETWORK_BURST)
        self._networks[newcomer.network] = bucket
        if len(self._networks) > NETWORKS_MAX:
            del self._networks[next(iter(self._networks))]
        return bucket.spend(1) and (newcomer.is_known or self._unknown.spend(1))

    def _make_room(self, newcomer: PendingConnection) -> bool:
        """Return whether there is a place; close another connection when all are taken."""
        rivals = [
            connection
            for connection in self._pending
            if newcomer.is_known or not connection.is_known
        ]
        if len(rivals) < (STRANGERS_MAX if newcomer.is_known else UNKNOWN_MAX):
            return True
        by_network: dict[str, list[PendingConnection]] = {newcomer.network: []}
        for rival in rivals:
            by_network.setdefault(rival.network, []).append(rival)
        largest = max(by_network.values(), key=len)
        own = by_network[newcomer.network]
        if len(own) + 1 < len(largest):
            oldest = largest[0]
        else:
            oldest = (own or largest)[0]
            if newcomer.since - oldest.since < STRANGER_TURN_S:
                return False
        self.leave(oldest)
        oldest.close()
        return True


def network_of(host: str) -> str:
    """Return the network of an address: its /24, or the /48 of an IPv6 address."""
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = PREFIX_BITS_V6 if isinstance(address, IPv6Address) else PREFIX_BITS_V4
    return str(ip_network(f"{address}/{bits}", strict=False))
