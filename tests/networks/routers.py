"""Homes behind routers of several kinds, on a network of this machine.

Routers differ in two ways (RFC 4787, sections 4 and 5). Mapping: whether one port inside is one
port outside, whoever is spoken to. Filtering: who may answer. Linux's masquerade keeps the port
where it is free, and lets in only what was spoken to, address and port.
"""

from __future__ import annotations

from enum import Enum

from tests.networks.places import HIDDEN, MASQUERADE, Network, Place

PROVIDER = "100.64.0"
"""Addresses between a provider's router and its subscribers' (RFC 6598)."""
QUIET = """
table ip quiet {
 chain in {
  type filter hook input priority 0;
  iifname "t0" ct state new drop;
 }
}
"""
"""The router itself answers nobody outside; without it, it refuses by a reset."""


class Router(Enum):
    """The kind of a home's router."""

    FORWARDING = "forwards a port"
    """One port outside leads to the node: what a member set by hand."""
    KEEPING = "keeps the port"
    """Endpoint-independent mapping, filtering by address and port."""
    REFUSING = "keeps the port, refuses by a reset"
    """The same, and it answers a stranger's first packet."""
    CHANGING = "changes the port"
    """Another port outside for each that is spoken to: symmetric."""
    DOUBLE = "behind the provider's router"
    """Two routers after each other, both of which keep the port."""


def home(net: Network, kind: Router, port: int) -> tuple[Place, Place]:
    """Make a home; return where its node is and its router, the one with a public address.

    port: where the node listens, which matters to a router that forwards it.
    """
    router = net.router()
    if kind is Router.DOUBLE:
        between = net.behind(router, MASQUERADE + QUIET, PROVIDER)
        net.forward(between)
        inside = net.behind(between, MASQUERADE.replace('"t0"', '"veth0"') + QUIET)
    else:
        inside = net.behind(router, _rules(kind, port))
    net.places.append(inside)
    return inside, router


def _rules(kind: Router, port: int) -> str:
    match kind:
        case Router.REFUSING:
            return MASQUERADE
        case Router.CHANGING:
            return MASQUERADE.replace("masquerade;", "masquerade fully-random;") + QUIET
        case Router.FORWARDING:
            opened = f'iifname "t0" tcp dport {port}'
            return (
                MASQUERADE.replace("ct state est", f"{opened} accept;\n  ct state est")
                + "table ip door {\n chain in {\n  type nat hook prerouting priority -100;\n"
                f"  {opened} dnat to {HIDDEN};\n }}\n}}\n" + QUIET
            )
        case _:
            return MASQUERADE + QUIET
