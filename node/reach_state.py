"""The reach of a node: what it knows about being dialled from outside its own network.

Plain values, made by node.network and read by the local API, the commands and the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from commonweal.protocol.keys import PeerKey


class Verdict(Enum):
    """Whether others can dial this node from outside: confirmed, tried in vain, or nobody said."""

    UNKNOWN = "unknown"
    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"


class DialBackResult(IntEnum):
    """What became of a dial to one address of the asker."""

    REACHED = 0
    NO_ANSWER = 1
    ANOTHER_NODE = 2
    """Somebody answers there who does not prove the asker's key."""
    NOT_SEEN_THERE = 3
    """The asker is not seen at this host, so nothing was dialled."""
    NOT_NOW = 4
    """A limit of the member asked; nothing was dialled."""


@dataclass(frozen=True, slots=True)
class PortMapping:
    """What the router answered when it was asked to forward our port.

    way: "PCP", "NAT-PMP" or "UPnP"; "" while no router answers. address: the multiaddr that the
    router forwards to this node; "" when there is none. reason: a word of MAPPING_REASONS; "" when
    members can use the address. said: the router's own text of a refusal, printable. gateway: the
    router's address on this network. at_ms: when this was answered, by our clock.
    """

    way: str = ""
    address: str = ""
    reason: str = ""
    said: str = ""
    gateway: str = ""
    at_ms: int = 0


MAPPING_REASONS = (
    *("asking", "no-router", "local-only", "public-already"),
    *("silent", "refused", "not-public", "not-connected"),
)
"""Why the router forwards nothing, or nothing that members can use.

local-only: this node does not listen on the address that the router sees. not-public: the port is
mapped, but the router's own address is private or its provider's (100.64.0.0/10). not-connected:
the router has no address outside.
"""


@dataclass(frozen=True, slots=True)
class ObservedAddress:
    """The multiaddr from which a member saw this node dial, or to which it came.

    port: the port that it saw, which is the listening one only where dials leave from it.
    """

    address: str
    by: PeerKey
    at_ms: int


@dataclass(frozen=True, slots=True)
class ConfirmedAddress:
    """A member dialled this address and met this node there. at_ms: its newest success.

    from_outside: the member saw this node at a public address, or behind a router.
    """

    address: str
    by: PeerKey
    at_ms: int
    from_outside: bool


@dataclass(frozen=True, slots=True)
class UnreachedAddress:
    """A member dialled this address in vain. at_ms: when, by our clock."""

    address: str
    by: PeerKey
    at_ms: int
    result: DialBackResult


@dataclass(frozen=True, slots=True)
class ReachState:
    """What is known about our own addresses.

    verdict: whether others can dial this node from outside. port: the TCP port listened to.
    addresses: what members are told, best first. mapping: what the router answered, None while it
    is not asked. relayed: circuit addresses at which a relay keeps a place for this node.
    relayed_links: peers linked through a relay.
    """

    verdict: Verdict = Verdict.UNKNOWN
    port: int = 0
    addresses: tuple[str, ...] = ()
    announced: tuple[str, ...] = ()
    mapping: PortMapping | None = None
    observed: tuple[ObservedAddress, ...] = ()
    confirmed: tuple[ConfirmedAddress, ...] = ()
    unreached: tuple[UnreachedAddress, ...] = ()
    relayed: tuple[str, ...] = ()
    relayed_links: tuple[PeerKey, ...] = ()
