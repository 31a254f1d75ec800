"""Which addresses of a link or a code are dialled: both may come from anybody."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from commonweal.protocol.identity.invite import is_circuit


def kind_of(address: str) -> str:
    """Return "far", "near" (this machine or its cable), "name", or "none" for what nobody has.

    Of an address through a relay it is the relay's.
    """
    kind, host = address.split("/")[1:3]
    if kind not in ("ip4", "ip6"):
        return "name"
    try:
        ip = ip_address(host)
    except ValueError:
        return "none"
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_unspecified or ip.is_multicast:
        return "none"
    return "near" if ip.is_loopback or ip.is_link_local else "far"


def is_dialled(address: str) -> bool:
    """Whether an address is a number that a node may have; a way through a relay is none."""
    return kind_of(address) in ("far", "near") and not is_circuit(address)
