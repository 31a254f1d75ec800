"""Which user of this computer opened a connection over loopback. Linux alone tells.

Source: Linux, Documentation/networking/proc_net_tcp.rst.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from fastapi import Request

TABLES = {socket.AF_INET: Path("/proc/net/tcp"), socket.AF_INET6: Path("/proc/net/tcp6")}
LOCAL, REMOTE, USER = 1, 2, 7
"""Columns of a table."""


def user_of(request: Request) -> int | None:
    """Return the id of the user whose program sent a request; None where the system does not tell.

    The socket at the other end is listed with its owner as long as the connection lasts.
    """
    client, server = request.scope.get("client"), request.scope.get("server")
    if client is None or server is None:
        return None
    try:
        family, theirs = _end(*client)
        ends = [theirs, _end(*server)[1]]
        with TABLES[family].open(encoding="ascii") as table:
            for line in table:
                columns = line.split()
                if columns[LOCAL : REMOTE + 1] == ends:
                    return int(columns[USER])
    except (OSError, ValueError):
        return None
    return None


def _end(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """Return an end of a connection as the kernel writes it: words of 32 bits in its own order."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = socket.inet_pton(family, host)
    words = struct.unpack(f"={len(address) // 4}I", address)
    return family, "".join(f"{word:08X}" for word in words) + f":{port:04X}"
