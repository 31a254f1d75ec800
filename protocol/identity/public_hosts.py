"""Which IP addresses the Internet routes, and which are of homes, providers or one machine."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

_NOT_PUBLIC: Final = tuple(
    ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10"),
        "ff00::/8",
    )
)
"""Networks of homes, providers and single machines (RFC 1918, 6598, 3927, 4193, 4291)."""


def is_public_host(host: str) -> bool:
    """Return whether this number is one that the Internet routes. Raises ValueError for a name."""
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return not any(address in block for block in _NOT_PUBLIC if block.version == address.version)
