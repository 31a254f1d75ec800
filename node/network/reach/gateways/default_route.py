"""The default gateway of this machine: read from the kernel on Linux, asked of `route` on macOS."""

from __future__ import annotations

import ipaddress
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import trio

from commonweal.node.network.reach.gateways.datagrams import PORT
from commonweal.node.network.reach.gateways.gateway_client import Route

TABLE: Final = Path("/proc/thread-self/net/route")
TABLE_BYTES_MAX: Final = 256 * 1024
UP_BY_GATEWAY: Final = 0x3
"""Flags of a route that is up and leads to a gateway (RTF_UP, RTF_GATEWAY)."""
ROUTE_S_MAX: Final = 2.0


async def default_route() -> Route | None:
    """Return the way out over IPv4; None without a gateway, as on a network that ends here."""
    if sys.platform == "darwin":
        gateway = await _asked_of_route()
    else:
        gateway = _of_table(TABLE)
    own = None if gateway is None else _own_address(gateway)
    return None if gateway is None or own is None else Route(gateway, own)


def gateway_of(table: str) -> str | None:
    """Return the gateway of the default route with the lowest metric.

    table: as /proc/net/route prints it, with addresses as hexadecimal words of this machine.
    """
    best: tuple[int, str] | None = None
    for line in table.splitlines()[1:]:
        words = line.split()
        try:
            _, target, gateway, flags, _, _, metric, mask = words[:8]
            is_default = int(target, 16) == 0 == int(mask, 16)
            if not is_default or int(flags, 16) & UP_BY_GATEWAY != UP_BY_GATEWAY:
                continue
            address = ipaddress.IPv4Address(int(gateway, 16).to_bytes(4, sys.byteorder))
            route = (int(metric), str(address))
        except (ValueError, OverflowError):
            continue
        best = route if best is None else min(best, route, key=lambda route: route[0])
    return None if best is None else best[1]


def gateway_said(printed: str) -> str | None:
    """Return the gateway that `route -n get default` of macOS prints; None where it has none."""
    match = re.search(r"^\s*gateway: (\S+)\s*$", printed, re.MULTILINE)
    try:
        return None if match is None else str(ipaddress.IPv4Address(match[1]))
    except ValueError:
        return None


def _of_table(path: Path) -> str | None:
    try:
        with path.open("rb") as table:
            return gateway_of(table.read(TABLE_BYTES_MAX).decode("ascii", "replace"))
    except OSError:
        return None


async def _asked_of_route() -> str | None:
    try:
        with trio.fail_after(ROUTE_S_MAX):
            ran = await trio.run_process(
                ["/sbin/route", "-n", "get", "default"],
                capture_stdout=True,
                stderr=subprocess.DEVNULL,
                check=False,
            )
    except (OSError, trio.TooSlowError):
        return None
    return gateway_said(ran.stdout.decode("ascii", "replace"))


def _own_address(gateway: str) -> str | None:
    """Return the address by which this machine would send to the gateway; sends nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((gateway, PORT))
            return str(probe.getsockname()[0])
    except OSError:
        return None
