"""What a relay gives at most: reservations, circuits, bytes a second, and time.

It only counts; hop.py acts on it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from commonweal.node.transport import PeerKey

RESERVATION_S: Final = 1_800
"""How long a reservation lasts; it is renewed after half of that."""
REQUESTS_PER_S: Final = 1
REQUESTS_BURST: Final = 20
"""Requests for a reservation or a circuit that one connection may make."""
HOP_S: Final = 8.0
"""Longest time from a request to its answer, with that of the peer to which a circuit leads."""
CIRCUIT_IDLE_S: Final = 90.0
"""A circuit over which nothing went for so long ends; members' nodes ping every 5 s."""
HELD_BYTES_MAX: Final = 8 << 20
"""With it a relay with a hundred links stays below 150 MiB, whatever their readers do."""
LINGER_S: Final = 5.0
"""Longest time that one direction of a circuit stays after the other has ended."""
MEMBER_CIRCUIT_BYTES_PER_S: Final = 2 << 20
MEMBER_BYTES_PER_S: Final = 4 << 20
"""What a member's node relays: a part of a home's uplink."""


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """The bounds of one relay.

    reservations, reservations_network: in total, and of one network (/24, or /48 of IPv6).
    circuits, circuits_network, circuits_peer, circuits_between: in total, of those who come from
    one network, of one peer at either end, and from one network to one peer, so that nobody takes
    all the circuits of another alone. circuit_bytes_per_s and bytes_per_s: of one circuit and of
    all, both directions together. held_bytes: what all circuits together hold of what their readers
    have not taken; then the one that stands still ends.
    """

    reservations: int = 256
    reservations_network: int = 32
    circuits: int = 128
    circuits_network: int = 64
    circuits_peer: int = 16
    circuits_between: int = 8
    circuit_bytes_per_s: int = 8 << 20
    bytes_per_s: int = 32 << 20
    held_bytes: int = HELD_BYTES_MAX
    reservation_s: int = RESERVATION_S
    idle_s: float = CIRCUIT_IDLE_S


MEMBER_LIMITS: Final = RelayLimits(
    reservations=64,
    reservations_network=64,
    circuits=64,
    circuits_network=32,
    circuit_bytes_per_s=MEMBER_CIRCUIT_BYTES_PER_S,
    bytes_per_s=MEMBER_BYTES_PER_S,
)
"""Of a member's node; who reserves is a member, so that their network does not matter. Who asks for
a circuit may be anybody."""


class CircuitCount:
    """The circuits under way of one relay, by the peers at their ends and where they came from."""

    def __init__(self, limits: RelayLimits) -> None:
        self._limits = limits
        self._peers = Counter[PeerKey]()
        self._networks = Counter[str]()
        self._between = Counter[tuple[str, PeerKey]]()
        self.total = 0

    def enter(self, network: str, asker: PeerKey, target: PeerKey) -> bool:
        """Count a circuit that was asked for from `network`; False, and none, when one is full."""
        limits = self._limits
        if (
            self.total >= limits.circuits
            or self._networks[network] >= limits.circuits_network
            or any(self._peers[peer] >= limits.circuits_peer for peer in (asker, target))
            or self._between[network, target] >= limits.circuits_between
        ):
            return False
        self.total += 1
        self._networks[network] += 1
        self._peers.update((asker, target))
        self._between[network, target] += 1
        return True

    def leave(self, network: str, asker: PeerKey, target: PeerKey) -> None:
        """A circuit that was counted has ended."""
        self.total -= 1
        self._networks.subtract((network,))
        self._peers.subtract((asker, target))
        self._between.subtract(((network, target),))
        self._networks += Counter[str]()  # leaves out what is 0
        self._peers += Counter[PeerKey]()
        self._between += Counter[tuple[str, PeerKey]]()
