"""Finding the description of a UPnP gateway on the local network (SSDP).

Anybody on the network may answer. An answer counts only when it comes from the gateway's own
address and names a document on that same address.
Source: UPnP Device Architecture 1.1, section 1.3.
"""

from __future__ import annotations

import socket as stdlib_socket
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import trio

from commonweal.node.network.reach.gateways.gateway_client import GatewaySilent, Route

GROUP: Final = "239.255.255.250"
PORT: Final = 1900
HOPS_MAX: Final = 2
SOUGHT: Final = (
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
)
ANSWER_BYTES_MAX: Final = 2_048
URL_CHARACTERS_MAX: Final = 512
ANSWERS_READ_MAX: Final = 256
"""Answers of the whole network that are read for one search; a house full of devices has fewer."""
SEARCH_S: Final = 1.5
SEARCHES: Final = 2
"""The search is sent twice, since datagrams are lost."""


async def find(route: Route, group: str = GROUP, port: int = PORT) -> str:
    """Return the URL of the gateway's description. Raises GatewaySilent.

    group: where the search goes, beside the gateway itself.
    """
    try:
        with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as socket:
            own = stdlib_socket.inet_aton(route.own)
            socket.setsockopt(stdlib_socket.IPPROTO_IP, stdlib_socket.IP_MULTICAST_IF, own)
            socket.setsockopt(stdlib_socket.IPPROTO_IP, stdlib_socket.IP_MULTICAST_TTL, HOPS_MAX)
            await socket.bind((route.own, 0))
            left = ANSWERS_READ_MAX
            for _ in range(SEARCHES):
                await _search(socket, (group, route.gateway), port)
                with trio.move_on_after(SEARCH_S):
                    while left:
                        left -= 1
                        answer, sender = await socket.recvfrom(ANSWER_BYTES_MAX + 1)
                        if sender[0] == route.gateway and (url := location(answer, route.gateway)):
                            return url
                    await trio.sleep_forever()
    except OSError as error:
        raise GatewaySilent(f"UPnP: {error.strerror}") from error
    raise GatewaySilent("UPnP: no answer")


def location(answer: bytes, gateway: str) -> str:
    """Return the URL that an answer to a search names; "" when it is none of this gateway."""
    if len(answer) > ANSWER_BYTES_MAX or not answer.startswith(b"HTTP/1.1 200"):
        return ""
    for line in answer.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "location":
            url = value.strip()
            return url if is_of_gateway(url, gateway) else ""
    return ""


def is_of_gateway(url: str, gateway: str) -> bool:
    """Say whether a URL is short, plain HTTP, and on the gateway itself."""
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not is_plain or len(url) > URL_CHARACTERS_MAX:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname == gateway and (parts.port or 80) > 0
    except ValueError:
        return False


async def _search(socket: trio.socket.SocketType, hosts: tuple[str, ...], port: int) -> None:
    for target in SOUGHT:
        lines = (
            "M-SEARCH * HTTP/1.1",
            f"HOST: {GROUP}:{PORT}",
            'MAN: "ssdp:discover"',
            "MX: 1",
            f"ST: {target}",
        )
        message = "\r\n".join((*lines, "", "")).encode()
        for host in dict.fromkeys(hosts):
            with suppress(OSError):  # no multicast here, or the gateway refuses the datagram
                await socket.sendto(message, (host, port))
