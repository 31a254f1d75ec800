"""What a secure channel runs over: a TCP socket, or whatever else moves bytes both ways."""

from __future__ import annotations

from typing import Protocol

import trio


class Carrier(Protocol):
    """Bytes both ways, in order. One task receives and one sends."""

    async def receive_into(self, view: memoryview) -> int:
        """Write what has come into `view`; return how many bytes, 0 at the end."""
        ...

    async def send_some(self, data: memoryview) -> int:
        """Send the first bytes of `data`; return how many, at least 1."""
        ...

    def close(self) -> None:
        """Close now; never waits, and wakes both the reader and the writer. Idempotent."""
        ...


class SocketCarrier:
    """A TCP socket as a carrier."""

    def __init__(self, socket: trio.SocketStream) -> None:
        self._socket = socket.socket

    async def receive_into(self, view: memoryview) -> int:
        """Write what has come into `view`; return how many bytes, 0 at the end."""
        return await self._socket.recv_into(view)

    async def send_some(self, data: memoryview) -> int:
        """Send the first bytes of `data`; return how many."""
        return await self._socket.send(data)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
