"""Multiaddrs of TCP: what we listen on, what we say that is, and what we dial.

Only /ip4, /ip6 and /dns names with /tcp are known, and circuits through a relay at such an
address; no other transport is ever used. Nothing here opens a socket.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import ifaddr
import trio

from commonweal.protocol.identity.invite import CIRCUIT, is_circuit

ADDRESS_CHARACTERS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host (number or name) and a TCP port. kind: ip4, ip6, dns, dns4 or dns6.

    relay: the peer id of the relay that listens there, when it is only the way to somebody else.
    """

    kind: str
    host: str
    port: int
    relay: str = ""

    def __str__(self) -> str:
        circuit = f"/p2p/{self.relay}{CIRCUIT}" if self.relay else ""
        return f"/{self.kind}/{self.host}/tcp/{self.port}{circuit}"


def parse(address: str) -> Endpoint:
    """Return the endpoint of a multiaddr, with or without /p2p at its end. Raises ValueError."""
    way, mark, _ = address.partition(CIRCUIT)
    if mark and is_circuit(way + mark):
        endpoint = parse(way)
        return replace(endpoint, relay=way.rpartition("/p2p/")[2])
    parts = address.split("/")
    if len(address) > ADDRESS_CHARACTERS_MAX or len(parts) not in (5, 7) or parts[0]:
        raise ValueError("not an address of the form /ip4/1.2.3.4/tcp/4001")
    kind, host, transport, port = parts[1:5]
    if transport != "tcp" or (len(parts) == 7 and parts[5] != "p2p"):
        raise ValueError("only TCP addresses are known")
    if not (port.isascii() and port.isdigit() and int(port) < 65_536):
        raise ValueError("the port is not a number from 0 to 65535")
    match kind:
        case "ip4":
            ipaddress.IPv4Address(host)
        case "ip6":
            ipaddress.IPv6Address(host)
        case "dns" | "dns4" | "dns6":
            if not host:
                raise ValueError("the name is empty")
        case _:
            raise ValueError("the address begins with neither /ip4, /ip6 nor /dns")
    return Endpoint(kind, host, int(port))


def bound(listeners: Sequence[trio.SocketListener]) -> tuple[Endpoint, ...]:
    """Return what the listeners are bound to; 0.0.0.0 and :: stand as they are."""
    names = (listener.socket.getsockname()[:2] for listener in listeners)
    return tuple(Endpoint("ip6" if ":" in host else "ip4", host, port) for host, port in names)


def reachable(listeners: Sequence[trio.SocketListener]) -> tuple[Endpoint, ...]:
    """Return where the listeners can be reached.

    0.0.0.0 and :: stand for every usable interface; loopback is left out when another remains.
    """
    endpoints: list[Endpoint] = []
    for endpoint in bound(listeners):
        if ipaddress.ip_address(endpoint.host).is_unspecified:
            hosts = _interfaces(endpoint.kind)
            endpoints += [Endpoint(endpoint.kind, host, endpoint.port) for host in hosts]
        else:
            endpoints.append(endpoint)
    public = [
        endpoint for endpoint in endpoints if not ipaddress.ip_address(endpoint.host).is_loopback
    ]
    return tuple(dict.fromkeys(public or endpoints))


def remote(socket: trio.SocketStream) -> str:
    """Return the multiaddr of the other end of a socket; "" when it is gone already."""
    try:
        host, port = socket.socket.getpeername()[:2]
    except OSError:
        return ""
    return str(Endpoint("ip6" if ":" in host else "ip4", host, port))


def _interfaces(kind: str) -> list[str]:
    hosts: list[str] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            host = ip.ip[0] if isinstance(ip.ip, tuple) else ip.ip
            number = ipaddress.ip_address(host.split("%")[0])
            if number.is_link_local or (kind == "ip6") != (number.version == 6):
                continue
            hosts.append(str(number))
    return hosts
