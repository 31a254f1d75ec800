"""What passes between a node and its network: keys, limits and events as plain values.

Nothing here imports trio or libp2p, so the sans-IO Service and the simulator use these same
values. An event says what happened on a link; it never says what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from commonweal.protocol.keys import PeerKey

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
    "NetworkCounts",
    "PeerDiscovered",
    "PeerKey",
    "TransportEvent",
    "TrustLevel",
    "Validate",
    "ValidatedGossip",
    "ValidationResult",
]

FRAME_BYTES_MAX: Final = 1 << 20
"""The largest frame of an admitted peer."""
GUEST_FRAME_BYTES_MAX: Final = 64 * 1024
"""The largest frame of a requester under an invite."""
GUESTS_MAX: Final = 16
"""Guests who are here at once."""
HELLO_BYTES_MAX: Final = 8 * 1024
"""The largest frame of a peer that is not admitted yet."""
FRAME_PROGRESS_MS: Final = 1_000
"""How often it is told that a part of a frame has come."""
HELLO_MS_MAX: Final = 5_000
"""How long a connection may stay without being admitted, counted from its first byte."""


class TrustLevel(Enum):
    """How far a peer has come: nothing proven, holder of an invite, member."""

    STRANGER = "stranger"
    GUEST = "guest"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Connected:
    """The one sync stream to this peer is open, in both directions."""

    peer: PeerKey
    address: str
    outbound: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The link that `Connected` announced is gone; frames not yet received are lost.

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
    """Of a large frame so many bytes have come; on a slow line nothing else shows for long.

    At most every FRAME_PROGRESS_MS of one peer, a member.
    """

    peer: PeerKey
    size: int


@dataclass(frozen=True, slots=True)
class GossipMessage:
    """A gossip message as its publisher signed it. number: it grows with each of one publisher."""

    topic: str
    data: bytes
    origin: PeerKey
    number: int


class ValidationResult(Enum):
    """What becomes of a gossip message: it is passed on, let go, or held against the forwarder."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class ValidatedGossip:
    """A verdict, and of an accepted message what it says, checked."""

    verdict: ValidationResult
    content: object = None


Validate: TypeAlias = Callable[[GossipMessage], ValidatedGossip]


@dataclass(frozen=True, slots=True)
class GossipReceived:
    """A gossip message that passed the validator, and what it says, checked.

    `peer` is who handed it to us; who published it may be somebody else.
    """

    peer: PeerKey
    topic: str
    data: bytes
    content: object = None


@dataclass(frozen=True, slots=True)
class DialFailed:
    """This peer could not be reached at this address."""

    peer: PeerKey
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class PeerDiscovered:
    """mDNS saw a libp2p node with this key on the local network; nothing is proven yet."""

    peer: PeerKey
    addresses: tuple[str, ...]


TransportEvent = (
    Connected
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
