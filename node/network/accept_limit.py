"""Who may come in before anything is known of them: few at once, few per second, shared by network.

Places are shared by the network that a connection comes from, and half of them are kept for the
addresses of known members. So one network that takes every place keeps out nobody from another,
and who holds a place open gives way, once they have had time to say hello.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

import trio

from commonweal.node.network.addresses import parse

STRANGERS_MAX: Final = 16
UNKNOWN_MAX: Final = STRANGERS_MAX // 2
"""Of these, places for addresses at which no member is known."""
STRANGER_TURN_S: Final = 0.5
"""How long a stranger keeps their place against a newcomer from the same network."""
STRANGERS_PER_S: Final = 50
STRANGERS_BURST: Final = 50
"""From all addresses at which no member is known."""
NETWORK_PER_S: Final = 20
NETWORK_BURST: Final = 40
"""From one network, whether members are known there or not."""
NETWORKS_MAX: Final = 4096
KNOWN_MAX: Final = 4096
PREFIX_BITS_V4: Final = 24
PREFIX_BITS_V6: Final = 48
"""What one subscriber or one data centre customer commonly has."""


@dataclass(eq=False, slots=True)
class PendingConnection:
    """One inbound connection that is not admitted yet. close: ends it now."""

    since: float
    close: Callable[[], None]
    network: str
    is_known: bool


class _Bucket:
    """A token bucket: `burst` at once, then `per_s`."""

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._at = burst, now

    def take(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class AcceptLimit:
    """The inbound connections that are not admitted yet, at most STRANGERS_MAX."""

    def __init__(self) -> None:
        self.refused = 0
        self._inside: dict[PendingConnection, None] = {}
        self._known: dict[str, None] = {}
        self._networks: dict[str, _Bucket] = {}
        self._unknown = _Bucket(STRANGERS_PER_S, STRANGERS_BURST, 0)

    def __len__(self) -> int:
        return len(self._inside)

    def know(self, addresses: Sequence[str]) -> None:
        """Note multiaddrs at which a member is, or is looked for; names are not looked up."""
        for address in addresses:
            try:
                endpoint = parse(address)
            except ValueError:
                continue
            self._known.pop(endpoint.host, None)
            self._known[endpoint.host] = None
            if len(self._known) > KNOWN_MAX:
                del self._known[next(iter(self._known))]

    def enter(self, host: str, close: Callable[[], None]) -> PendingConnection | None:
        """A place for a newcomer from an address, or None when there is none for them now."""
        now = trio.current_time()
        visit = PendingConnection(now, close, network_of(host), host in self._known)
        if not self._is_in_time(visit) or not self._make_room(visit):
            self.refused += 1
            return None
        self._inside[visit] = None
        return visit

    def leave(self, visit: PendingConnection) -> None:
        """The place is free again: admitted, or gone. Idempotent."""
        self._inside.pop(visit, None)

    def _is_in_time(self, visit: PendingConnection) -> bool:
        bucket = self._networks.pop(visit.network, None)
        if bucket is None:
            bucket = _Bucket(NETWORK_PER_S, NETWORK_BURST, visit.since)
        self._networks[visit.network] = bucket
        if len(self._networks) > NETWORKS_MAX:
            del self._networks[next(iter(self._networks))]
        return bucket.take(visit.since) and (visit.is_known or self._unknown.take(visit.since))

    def _make_room(self, visit: PendingConnection) -> bool:
        """End a visit where all places are taken; say whether there is one now."""
        rivals = [one for one in self._inside if visit.is_known or not one.is_known]
        if len(rivals) < (STRANGERS_MAX if visit.is_known else UNKNOWN_MAX):
            return True
        by_network: dict[str, list[PendingConnection]] = {visit.network: []}
        for one in rivals:
            by_network.setdefault(one.network, []).append(one)
        largest = max(by_network.values(), key=len)
        own = by_network[visit.network]
        if len(own) + 1 < len(largest):
            oldest = largest[0]
        else:
            oldest = (own or largest)[0]
            if visit.since - oldest.since < STRANGER_TURN_S:
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
