"""Multiaddrs of TCP: what we listen on, what we say that is, and what we dial.

Only /ip4, /ip6 and /dns names with /tcp are known; no other transport is ever used.
"""

from __future__ import annotations

import errno
import ipaddress
import socket as stdlib_socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import ifaddr
import trio

from commonweal.protocol.errors import ConfigError

BACKLOG: Final = 128
ADDRESS_CHARACTERS_MAX: Final = 256


class PortTaken(ConfigError):
    """Another program listens on this port; stop it, or choose another with --listen."""


class CannotListen(ConfigError):
    """The node cannot listen on this address; choose another with --listen."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host (number or name) and a TCP port. kind: ip4, ip6, dns, dns4 or dns6."""

    kind: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"/{self.kind}/{self.host}/tcp/{self.port}"


def parse(address: str) -> Endpoint:
    """The endpoint of a multiaddr, with or without /p2p at its end; raises ValueError."""
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


async def listen(addresses: Sequence[str]) -> list[trio.SocketListener]:
    """Sockets that listen on these addresses; a port 0 becomes the first port chosen.

    Raises PortTaken, or CannotListen when an address is not ours. An IPv6 address is left
    out on a machine without IPv6, when another address remains.
    """
    listeners: list[trio.SocketListener] = []
    chosen, absent = 0, ""
    try:
        for address in addresses:
            try:
                endpoint = parse(address)
            except ValueError as wrong:
                raise CannotListen(f"{address}: {wrong}") from wrong
            port = endpoint.port or chosen
            try:
                listener = await _bind(endpoint, port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE and endpoint.port == 0:
                    listener = await _bind(endpoint, 0)
                elif error.errno == errno.EADDRINUSE:
                    raise PortTaken(f"port {port}") from error
                elif endpoint.kind == "ip6":
                    absent = f"{address}: {error.strerror}"
                    continue
                else:
                    raise CannotListen(f"{address}: {error.strerror}") from error
            listeners.append(listener)
            chosen = chosen or listener.socket.getsockname()[1]
        if not listeners:
            raise CannotListen(absent or "no address was given")
    except BaseException:
        for listener in listeners:
            listener.socket.close()
        raise
    return listeners


def reachable(listeners: Sequence[trio.SocketListener]) -> tuple[Endpoint, ...]:
    """Where the listeners can be reached: 0.0.0.0 and :: stand for every usable interface."""
    found: list[Endpoint] = []
    for listener in listeners:
        host, port = listener.socket.getsockname()[:2]
        kind = "ip6" if listener.socket.family == stdlib_socket.AF_INET6 else "ip4"
        if ipaddress.ip_address(host).is_unspecified:
            found += [Endpoint(kind, each, port) for each in _interfaces(kind)]
        else:
            found.append(Endpoint(kind, host, port))
    public = [each for each in found if not ipaddress.ip_address(each.host).is_loopback]
    return tuple(dict.fromkeys(public or found))


def remote(socket: trio.SocketStream) -> str:
    """The multiaddr of the other end of a socket; empty when it is gone already."""
    try:
        host, port = socket.socket.getpeername()[:2]
    except OSError:
        return ""
    return str(Endpoint("ip6" if ":" in host else "ip4", host, port))


async def _bind(endpoint: Endpoint, port: int) -> trio.SocketListener:
    if endpoint.kind not in ("ip4", "ip6"):
        raise CannotListen(f"{endpoint}: listen on a number, not on a name")
    is_v6 = endpoint.kind == "ip6"
    family = stdlib_socket.AF_INET6 if is_v6 else stdlib_socket.AF_INET
    socket = trio.socket.socket(family, stdlib_socket.SOCK_STREAM)
    try:
        socket.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_REUSEADDR, 1)
        if is_v6:
            socket.setsockopt(stdlib_socket.IPPROTO_IPV6, stdlib_socket.IPV6_V6ONLY, 1)
        await socket.bind((endpoint.host, port))
        socket.listen(BACKLOG)
    except BaseException:
        socket.close()
        raise
    return trio.SocketListener(socket)


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
