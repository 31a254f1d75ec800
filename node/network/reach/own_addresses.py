"""Own addresses: where this node can be dialled, gathered from all that know a part of it.

Its inputs are the interfaces, the settings, the router, members who see or dial this node, and
relays. It opens no socket and asks nobody. Times are Unix milliseconds of our clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.reach_state import (
    ConfirmedAddress,
    DialBackResult,
    ObservedAddress,
    PortMapping,
    ReachState,
    UnreachedAddress,
    Verdict,
)
from commonweal.node.transport import PeerKey
from commonweal.protocol.identity.invite import ADDRESSES_MAX
from commonweal.protocol.identity.public_hosts import is_public_host

CONFIRMED_MS_MAX: Final = 60 * 60_000
"""A confirmation that was not repeated for this long counts no more."""
CONFIRMED_MAX: Final = 16
"""Confirmed addresses kept; the oldest is forgotten first. As many unreached ones."""
OBSERVERS_MAX: Final = 64
"""Members whose sight of this node is kept, one address each."""


class OwnAddresses:
    """The addresses of one node, best first.

    announced: multiaddrs of the settings, port 0 for the one listened to. changed: called when
    `addresses` is another than before.
    """

    def __init__(
        self, announced: Sequence[str] = (), changed: Callable[[], None] = lambda: None
    ) -> None:
        self.addresses: tuple[str, ...] = ()
        """What members are told: multiaddrs without our peer id, at most ADDRESSES_MAX."""
        self.port = 0
        """The TCP port listened to; 0 before the node listens."""
        self._announced = tuple(map(parse, announced))
        self._changed = changed
        self.interfaces: tuple[Endpoint, ...] = ()
        """Where the interfaces of this machine are."""
        self._mapping: PortMapping | None = None
        self._observed: dict[PeerKey, ObservedAddress] = {}
        self._confirmed: dict[str, ConfirmedAddress] = {}
        self._unreached: dict[str, UnreachedAddress] = {}
        self._relayed: tuple[str, ...] = ()

    def listen(self, endpoints: Sequence[Endpoint]) -> None:
        """Note where the interfaces of this machine are now, with the port listened to."""
        self.interfaces = tuple(endpoints)
        self.port = endpoints[0].port if endpoints else self.port
        self._arrange()

    def map(self, mapping: PortMapping | None) -> None:
        """Note what the router answered; None when it is not asked."""
        self._mapping = mapping
        self._arrange()

    @property
    def is_router_asked(self) -> bool:
        """Whether the router is being asked to forward the port, and has not answered yet."""
        return self._mapping is not None and self._mapping.reason == "asking"

    def relay(self, addresses: Sequence[str]) -> None:
        """Note the circuit addresses at which relays keep a place for this node now."""
        self._relayed = tuple(addresses)
        self._arrange()

    def observe(self, peer: PeerKey, address: str, now_ms: int) -> None:
        """Note the multiaddr at which a member sees this node. It is not told to anybody."""
        self._observed.pop(peer, None)
        self._observed[peer] = ObservedAddress(address, peer, now_ms)
        if len(self._observed) > OBSERVERS_MAX:
            del self._observed[next(iter(self._observed))]

    def confirm(self, address: str, peer: PeerKey, now_ms: int, *, from_outside: bool) -> None:
        """Note that a member dialled this address, and that this node was there."""
        self._unreached.pop(address, None)
        self._confirmed.pop(address, None)
        self._confirmed[address] = ConfirmedAddress(address, peer, now_ms, from_outside)
        if len(self._confirmed) > CONFIRMED_MAX:
            del self._confirmed[next(iter(self._confirmed))]
        self._arrange()

    def deny(self, address: str, peer: PeerKey, now_ms: int, result: DialBackResult) -> None:
        """Note that a member dialled this address in vain.

        Takes back what the same member confirmed. Another's confirmation stays: a member who lies,
        or sits behind a filter, cannot make this node forget an address that works.
        """
        held = self._confirmed.get(address)
        if held is not None and held.by != peer:
            return
        self._confirmed.pop(address, None)
        self._unreached.pop(address, None)
        self._unreached[address] = UnreachedAddress(address, peer, now_ms, result)
        if len(self._unreached) > CONFIRMED_MAX:
            del self._unreached[next(iter(self._unreached))]
        self._arrange()

    def expire(self, now_ms: int) -> None:
        """Forget what was confirmed, or tried in vain, longer than CONFIRMED_MS_MAX ago."""
        for address, held in list(self._confirmed.items()):
            if not 0 <= now_ms - held.at_ms <= CONFIRMED_MS_MAX:
                del self._confirmed[address]
        for address, failed in list(self._unreached.items()):
            if not 0 <= now_ms - failed.at_ms <= CONFIRMED_MS_MAX:
                del self._unreached[address]
        self._arrange()

    def move(self) -> None:
        """Forget what others saw and confirmed: this machine is on another network now."""
        self._observed.clear()
        self._confirmed.clear()
        self._unreached.clear()
        self._arrange()

    def candidates(self) -> tuple[str, ...]:
        """Return the addresses worth a dial back: all but private and relayed ones.

        Among them is every number at which members see this node, with the port listened to: a
        router may forward that port without having been asked.
        """
        public = [str(place) for place in self.interfaces if is_public_host(place.host)]
        mapped = [self._mapping.address] if self._mapping and self._mapping.address else []
        seen = [
            str(Endpoint(endpoint.kind, endpoint.host, self.port))
            for endpoint in map(parse, self.observed())
            if self.port
        ]
        return tuple(dict.fromkeys([*self._named(), *mapped, *public, *seen]))

    def observed(self) -> tuple[str, ...]:
        """Return the multiaddrs at which members see this node, newest first, each once.

        The port is that of the newest dial, which leaves from the listening port where it can.
        """
        newest = reversed(self._observed.values())
        return tuple(dict.fromkeys(held.address for held in newest))

    def observed_by(self, peer: PeerKey) -> str:
        """Return the multiaddr at which this member sees this node, "" where it did not say."""
        held = self._observed.get(peer)
        return held.address if held is not None else ""

    def confirmed_since(self, since_ms: int) -> tuple[str, ...]:
        """Return the addresses confirmed at or after this time, newest first."""
        held = reversed(self._confirmed.values())
        return tuple(seen.address for seen in held if seen.at_ms >= since_ms)

    def is_reachable(self, since_ms: int = 0) -> bool:
        """Return whether a member met this node from outside, at or after this time."""
        held = self._confirmed.values()
        return any(seen.from_outside and seen.at_ms >= since_ms for seen in held)

    def verdict(self) -> Verdict:
        """Return whether others can dial this node from outside, as far as members said."""
        if self.is_reachable():
            return Verdict.REACHABLE
        return Verdict.UNREACHABLE if self._unreached else Verdict.UNKNOWN

    def state(self) -> ReachState:
        """Return what is known, for status."""
        return ReachState(
            verdict=self.verdict(),
            port=self.port,
            addresses=self.addresses,
            announced=self._named(),
            mapping=self._mapping,
            observed=tuple(reversed(self._observed.values())),
            confirmed=tuple(reversed(self._confirmed.values())),
            unreached=tuple(reversed(self._unreached.values())),
            relayed=self._relayed,
        )

    def _named(self) -> tuple[str, ...]:
        """Return the addresses of the settings, with a port; none before the node listens."""
        ports = [(endpoint, endpoint.port or self.port) for endpoint in self._announced]
        return tuple(str(replace(endpoint, port=port)) for endpoint, port in ports if port)

    def _arrange(self) -> None:
        """Put the addresses in order: announced, confirmed, mapped, public, relayed, private.

        Relayed ones always find room: they work where no other does.
        """
        outside = [held for held in reversed(self._confirmed.values()) if held.from_outside]
        direct = [*self._named(), *(held.address for held in outside)]
        if self._mapping is not None and self._mapping.address:
            direct.append(self._mapping.address)
        direct += [str(place) for place in self.interfaces if is_public_host(place.host)]
        private = [str(place) for place in self.interfaces if not is_public_host(place.host)]
        relayed = self._relayed[: ADDRESSES_MAX // 4]
        listed = [*list(dict.fromkeys(direct))[: ADDRESSES_MAX - len(relayed)], *relayed, *private]
        addresses = tuple(dict.fromkeys(listed))[:ADDRESSES_MAX]
        if addresses != self.addresses:
            self.addresses = addresses
            self._changed()
