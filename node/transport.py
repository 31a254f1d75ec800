"""The transport: events and limits between a node's service and its network, as plain values.

Nothing here imports trio or libp2p, so the sans-IO service and the simulator use these same
values. An event says what happened on a connection, never what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from commonweal.protocol.keys import PeerKey
from commonweal.protocol.wire.messages import FRAME_BYTES_MAX

__all__ = [
    "FRAME_BYTES_MAX",
    "FRAME_PROGRESS_MS",
    "GUESTS_MAX",
    "GUEST_FRAME_BYTES_MAX",
    "HELLO_BYTES_MAX",
    "HELLO_MS_MAX",
    "Connected",
    "DialFailed",
    "Disconnected",
    "FrameProgress",
    "FrameReceived",
    "GossipMessage",
    "GossipReceived",
    "Listening",
    "NetworkCounts",
    "PeerDiscovered",
    "PeerKey",
    "TransportEvent",
    "TrustLevel",
    "Validate",
    "ValidatedGossip",
    "ValidationResult",
]

GUEST_FRAME_BYTES_MAX: Final = 64 * 1024
"""The largest frame of a requester under an invite."""
GUESTS_MAX: Final = 16
"""Guests connected at once."""
HELLO_BYTES_MAX: Final = 8 * 1024
"""The largest frame of a peer that is not admitted yet."""
FRAME_PROGRESS_MS: Final = 1_000
"""Shortest time between two `FrameProgress` of one peer."""
HELLO_MS_MAX: Final = 5_000
"""Longest time that a connection may stay without being admitted, from its first byte."""


class TrustLevel(Enum):
    """How far a peer has come: nothing proven, holder of an invite, member."""

    STRANGER = "stranger"
    GUEST = "guest"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Listening:
    """This node can be dialled at these multiaddrs (without peer id), best first.

    The first comes once the network listens, another whenever the addresses change.
    """

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Connected:
    """The one sync stream to this peer is open, in both directions."""

    peer: PeerKey
    address: str
    outbound: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection that `Connected` announced is gone; frames not yet received are lost.

    by_us: the peer broke a limit, and the network closed it.
    """

    peer: PeerKey
    reason: str
    by_us: bool = False


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """One whole frame of the sync stream; it counts against the peer's budget until `done`."""

    peer: PeerKey
    frame: bytes


@dataclass(frozen=True, slots=True)
class FrameProgress:
    """`size` bytes of a large frame have come; a slow peer shows no other sign of life.

    Only of a member, and at most every FRAME_PROGRESS_MS.
    """

    peer: PeerKey
    size: int


@dataclass(frozen=True, slots=True)
class GossipMessage:
    """A gossip message as its publisher signed it. number: grows with each of one publisher."""

    topic: str
    data: bytes
    origin: PeerKey
    number: int


class ValidationResult(Enum):
    """What becomes of a gossip message: passed on, ignored, or counted against the forwarder."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class ValidatedGossip:
    """The result for a message, and the checked content of an accepted one."""

    verdict: ValidationResult
    content: object = None


Validate: TypeAlias = Callable[[GossipMessage], ValidatedGossip]


@dataclass(frozen=True, slots=True)
class GossipReceived:
    """A gossip message that the validator accepted, with its checked content.

    peer: who handed it to us, which need not be its publisher.
    """

    peer: PeerKey
    topic: str
    data: bytes
    content: object = None


@dataclass(frozen=True, slots=True)
class DialFailed:
    """This peer could not be reached at this address. more: others are still being tried."""

    peer: PeerKey
    address: str
    reason: str
    more: bool = False


@dataclass(frozen=True, slots=True)
class PeerDiscovered:
    """mDNS saw a libp2p node with this key on the local network; nothing is proven yet."""

    peer: PeerKey
    addresses: tuple[str, ...]


TransportEvent = (
    Listening
    | Connected
    | Disconnected
    | FrameReceived
    | FrameProgress
    | GossipReceived
    | DialFailed
    | PeerDiscovered
)


@dataclass(frozen=True, slots=True)
class NetworkCounts:
    """How busy the network is, for status and metrics; the totals count since start."""

    connections: int
    strangers: int
    guests: int
    streams: int
    outbox_bytes: int
    inbox_bytes: int
    dialling: int
    dropped: int
    refused: int
    frames_sent: int
    frames_received: int
    gossip_peers: int
    gossip_published: int
    gossip_heard: int
    relay_reservations: int
    relay_circuits: int
    relayed_bytes: int
