"""Where others find this node: what a link says of it, whether it runs or not."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress

from commonweal.client.home.node_client import ask_if_running
from commonweal.protocol.identity.invite import (
    ADDRESSES_MAX,
    PEERS_MAX,
    Contact,
    is_address,
    is_circuit,
)
from commonweal.protocol.identity.public_hosts import is_public_host
from commonweal.protocol.keys import PeerKey
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.logs.log_store import Store

OTHERS_MAX = PEERS_MAX - 1

CONNECT_S_MAX = 1.0

FAR_IPV4, FAR_IPV6, FAR_PORT = "192.0.2.1", "2001:db8::1", 9
"""Addresses reserved for documentation (RFC 5737, RFC 3849): far away for every machine."""


def own_addresses(home: Home, settings: Settings) -> list[str]:
    """Return the multiaddrs of this node, best first: those it has, else those it would have."""
    from commonweal.node.control.messages.node_status import Status

    status = ask_if_running(home, Status())
    if status is not None and status.listening:
        return [address for address in status.listening if is_address(address)]
    ports = own_ports(home, settings)
    listed = [f"/{kind}/{host}/tcp/{port}" for port in ports for kind, host in _hosts()]
    addresses = [*_announced(home, ports), *sorted(listed, key=_rank)]
    return [address for address in dict.fromkeys(addresses) if is_address(address)][:ADDRESSES_MAX]


def _announced(home: Home, ports: list[int]) -> list[str]:
    """Return the addresses of the settings. Raises BadSetting."""
    from commonweal.node.runtime import config

    return [
        f"{address.removesuffix('/0')}/{port}" if address.endswith("/tcp/0") else address
        for address in config.read(config.system_file(), home.config).announce
        for port in ports[:1]
    ]


def own_ports(home: Home, settings: Settings) -> list[int]:
    """Return the ports at which `weal up` lets the node of this home listen. Raises BadSetting."""
    from commonweal.node.runtime import config

    listen = config.read(config.system_file(), home.config).listen
    return ports_of(listen) or ([] if settings.port is None else [settings.port])


def ports_of(addresses: Iterable[str]) -> list[int]:
    """Return the ports of multiaddrs, each once; 0, for any, is none, nor is a relay's."""
    own = [a for a in addresses if is_address(a) and not is_circuit(a)]
    return [*dict.fromkeys(int(address.split("/")[4]) for address in own)]


def contacts(store: Store, home: Home, settings: Settings, peer: PeerKey) -> tuple[Contact, ...]:
    """Return this node, and others of the address book that answered lately, as a link has them."""
    listed = [Contact(peer, tuple(own_addresses(home, settings)))]
    for known in store.addresses():
        usable = tuple(address for address in known.places if is_address(address))[:ADDRESSES_MAX]
        if known.peer != peer and known.last_ok_ms and usable and len(listed) <= OTHERS_MAX:
            listed.append(Contact(known.peer, usable))
    return tuple(listed)


def is_public(address: str) -> bool:
    """Whether a multiaddr may be reached from everywhere: a name, or a public number."""
    _, kind, host, *_ = address.split("/")
    if kind not in ("ip4", "ip6"):
        return True
    try:
        return is_public_host(host)
    except ValueError:
        return False


def is_taken(port: int) -> bool:
    """Say whether another program listens at a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104  as the node does
        except OSError:
            return True
    return False


def answers(address: str) -> bool:
    """Whether a TCP connection to one of our own multiaddrs opens."""
    _empty, kind, host, _tcp, port, *_rest = address.split("/")
    if kind not in ("ip4", "ip6"):
        return True
    try:
        socket.create_connection((host, int(port)), CONNECT_S_MAX).close()
    except OSError:
        return False
    return True


def _rank(address: str) -> tuple[int, int]:
    """Put public addresses first and loopback last, IPv4 before IPv6."""
    _, kind, host, *_ = address.split("/")
    if is_public(address):
        return 0, kind == "ip6"
    return (2 if host in ("127.0.0.1", "::1") else 1), kind == "ip6"


def _hosts() -> list[tuple[str, str]]:
    """Return the IP addresses from which this machine would send, and loopback.

    A running node knows every interface; this serves while it is off. Nothing is sent:
    connecting a datagram socket only chooses a route.
    """
    routes: list[tuple[str, str]] = []
    for family, kind, far in (
        (socket.AF_INET, "ip4", FAR_IPV4),
        (socket.AF_INET6, "ip6", FAR_IPV6),
    ):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as line:
            line.connect((far, FAR_PORT))
            host = ipaddress.ip_address(line.getsockname()[0])
            if not (host.is_link_local or host.is_unspecified):
                routes.append((kind, str(host)))
    return [*routes, ("ip4", "127.0.0.1")]
