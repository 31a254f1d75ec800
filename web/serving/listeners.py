"""The sockets of the page: loopback alone, the same port for IPv4 and IPv6."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

from commonweal.protocol.errors import ConfigError

BACKLOG = 32
PORT_TRIES = 8
"""How often the system is asked for a port that is free for IPv4 and IPv6."""


def loopback_sockets(port: int = 0, *, preferred: int | None = None) -> list[socket.socket]:
    """Return listeners on 127.0.0.1 and, where there is IPv6, on ::1, with one port.

    port: this one and no other; 0 lets the system choose. preferred: taken instead of 0 where it is
    free, so that an address stays. Raises ConfigError when the port is taken.
    """
    if port:
        return _bound(port)
    if preferred:
        with suppress(ConfigError):
            return _bound(preferred)
    for _ in range(PORT_TRIES - 1):
        with suppress(ConfigError):
            return _bound(0)
    return _bound(0)


def _bound(port: int) -> list[socket.socket]:
    first = _listener(socket.AF_INET, "127.0.0.1", port)
    port = first.getsockname()[1]
    try:
        return [first, _listener(socket.AF_INET6, "::1", port)]
    except ConfigError as error:
        if _has_no_ipv6(error):
            return [first]
        first.close()
        raise


def _listener(family: int, address: str, port: int) -> socket.socket:
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(f"{address}:{port}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError(f"{address}:{port}: {error.strerror}") from error
    return listener


def _has_no_ipv6(error: ConfigError) -> bool:
    cause = error.__cause__
    absent = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
    return isinstance(cause, OSError) and cause.errno in absent
