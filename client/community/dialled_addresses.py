"""Which addresses of a link or a code are dialled: both may come from anybody."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from commonweal.client.home.own_addresses import is_public
from commonweal.client.language.words import N_, Words
from commonweal.protocol.identity.invite import is_circuit

_WHERE = {
    "relay": N_("through a relay: {address}"),
    "name": N_("by its name: {address}"),
    "public": N_("on the Internet: {address}"),
    "near": N_("on this computer: {address}"),
    "private": N_("on this network: {address}"),
}


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


def place_words(address: str, words: Words) -> str:
    """Return in words where an address leads, with the address."""
    kind = kind_of(address)
    if is_circuit(address):
        kind = "relay"
    elif kind not in ("name", "near"):
        kind = "public" if is_public(address) else "private"
    return words(_WHERE[kind]).format(address=address)
