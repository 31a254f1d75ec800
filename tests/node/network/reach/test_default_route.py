"""The default gateway, as Linux and macOS say it."""

from __future__ import annotations

import errno
import socket
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from commonweal.node.network.reach.gateways import default_route as routes
from commonweal.node.network.reach.gateways.default_route import (
    TABLE_BYTES_MAX,
    default_route,
    gateway_of,
    gateway_said,
)
from commonweal.node.network.reach.gateways.gateway_client import Route

HEAD = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
MACOS = """   route to: default
destination: default
       mask: default
    gateway: {gateway}
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
"""


def word(address: str) -> str:
    """An address as the kernel prints it."""
    number = bytes(int(part) for part in address.split("."))
    return f"{int.from_bytes(number, sys.byteorder):08X}"


def line(device: str, gateway: str, metric: int, *, flags: int = 3, to: str = "0.0.0.0") -> str:
    """A route as the kernel prints it; the mask is that of the default."""
    return f"{device} {word(to)} {word(gateway)} {flags:04X} 0 0 {metric} {word(to)} 0 0 0\n"


@pytest.mark.parametrize(
    ("lines", "gateway"),
    [
        ((), None),
        ((line("eth0", "192.168.1.1", 100),), "192.168.1.1"),
        ((line("wlan0", "192.168.1.1", 600), line("eth0", "10.0.0.1", 100)), "10.0.0.1"),
        ((line("eth0", "10.0.0.1", 100), line("wlan0", "192.168.1.1", 600)), "10.0.0.1"),
        ((line("tun0", "0.0.0.0", 0, flags=1), line("eth0", "10.0.0.1", 100)), "10.0.0.1"),
        ((line("eth0", "10.0.0.1", 0, flags=2),), None),
        ((line("eth0", "10.0.0.1", 0, to="10.0.0.0"),), None),
        (("junk\n", "eth0 0 x 3 0 0 0 0\n", "eth0 0 FFFFFFFFFF 3 0 0 0 0\n"), None),
    ],
)
def test_the_gateway_of_the_route_with_the_lowest_metric_is_taken(
    lines: tuple[str, ...], gateway: str | None
) -> None:
    assert gateway_of(HEAD + "".join(lines)) == gateway


@pytest.mark.parametrize(
    ("said", "gateway"),
    [("192.168.1.1", "192.168.1.1"), ("link#12", None), ("fe80::1%en0", None), ("", None)],
)
def test_what_macos_prints_is_read(said: str, gateway: str | None) -> None:
    assert gateway_said(MACOS.format(gateway=said)) == gateway
    assert gateway_said("route: writing to routing socket: not in table\n") is None


async def test_the_way_out_has_our_own_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "route"
    monkeypatch.setattr(routes, "TABLE", table)
    monkeypatch.setattr(sys, "platform", "linux")
    assert await default_route() is None
    table.write_text(HEAD + line("lo", "127.0.0.1", 0))
    assert await default_route() == Route("127.0.0.1", "127.0.0.1")
    table.write_text(HEAD.ljust(TABLE_BYTES_MAX) + "\n" + line("lo", "127.0.0.1", 0))
    assert await default_route() is None


async def test_without_a_free_file_descriptor_there_is_no_way_out_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_kind: object) -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    table = tmp_path / "route"
    table.write_text(HEAD + line("lo", "127.0.0.1", 0))
    monkeypatch.setattr(routes, "TABLE", table)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(socket, "socket", refuse)
    assert await default_route() is None
