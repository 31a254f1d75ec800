"""What all clients of a gateway share: the port that is wanted, what was granted, and refusals.

Plain values; nothing here sends anything.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final, Protocol

LIFETIME_S: Final = 3_600
"""The lifetime that is asked for. A node that is killed leaves its port open no longer."""
LIFETIME_S_MAX: Final = 24 * 3_600
"""A longer one that is granted counts as this."""
SAID_CHARACTERS_MAX: Final = 120
"""Of the text by which a router refuses, no more is kept."""


class GatewayError(Exception):
    """The gateway opened no port."""


class GatewaySilent(GatewayError):
    """The gateway does not answer this protocol, or not in time, or with nonsense."""


class VersionUnsupported(GatewayError):
    """The gateway speaks another version of PCP, as NAT-PMP is one."""


class GatewayRefused(GatewayError):
    """The gateway understood and said no; the text is its reason, printable and short."""

    def __init__(self, said: str) -> None:
        printable = "".join(letter if letter.isprintable() else " " for letter in said)
        super().__init__(printable[:SAID_CHARACTERS_MAX])


@dataclass(frozen=True, slots=True)
class Route:
    """The way out of the local network: the gateway, and our own address towards it (IPv4)."""

    gateway: str
    own: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A TCP port that the gateway forwards to us.

    external_host: the gateway's own address outside, "" where it has none. lifetime_s: seconds
    from now on, 1 to LIFETIME_S_MAX.
    """

    internal_port: int
    external_host: str
    external_port: int
    lifetime_s: int


class GatewayClient(Protocol):
    """One protocol, spoken with one gateway. Every call ends within seconds, by itself."""

    @property
    def method(self) -> str:
        """The name of the protocol, as members read it."""

    async def map(self, internal_port: int, external_port: int) -> Grant:
        """Forward a TCP port to us, or renew that; another external port may be granted.

        Raises GatewayError.
        """

    async def stands(self, grant: Grant) -> bool:
        """Say whether the grant still stands as it is. Raises GatewayError."""

    async def unmap(self, grant: Grant) -> None:
        """Take the grant back. Raises GatewayError."""


def external_address(text: str) -> str:
    """Return an IPv4 address that a gateway says it has; "" for none and for nonsense."""
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return ""
    is_usable = not (address.is_unspecified or address.is_loopback or address.is_multicast)
    return str(address) if is_usable and not address.is_link_local else ""


def granted(internal_port: int, external_host: str, external_port: int, lifetime_s: int) -> Grant:
    """Return a checked grant. Raises GatewayRefused when it is of no use."""
    if not external_port or not lifetime_s:
        raise GatewayRefused("it granted no port, or no time")
    return Grant(internal_port, external_host, external_port, min(lifetime_s, LIFETIME_S_MAX))
