"""A relayed stream as a carrier: Noise and yamux run over it from end to end, as over a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio
from libp2p.network.stream.exceptions import StreamError

from commonweal.node.network.channel.stream import WRITE_BYTES_MAX, Stream

CIRCUIT_WINDOW_BYTES: Final = 1 << 20
"""Bytes that a relay may have under way to us: more than one window, since it is far."""


class RelayedCarrier:
    """The stream to a relay that it joined with one of another peer.

    closed: called once at the end, with the stream, whose queue may still go out.
    """

    def __init__(self, stream: Stream, closed: Callable[[Stream], None]) -> None:
        self._stream, self._closed = stream, closed
        self._is_closed = False
        stream.widen(CIRCUIT_WINDOW_BYTES)

    async def receive_into(self, view: memoryview) -> int:
        """Write what has come into `view`; return how many bytes, 0 at the end."""
        try:
            return await self._stream.read_into(view)
        except StreamError as error:
            raise trio.BrokenResourceError("the relay ended the circuit") from error

    async def send_some(self, data: memoryview) -> int:
        """Queue the first bytes of `data`, when the queue is short; return how many."""
        try:
            await self._stream.room()
        except StreamError as error:
            raise trio.BrokenResourceError("the relay ended the circuit") from error
        piece = bytes(data[:WRITE_BYTES_MAX])
        self._stream.push(piece)
        return len(piece)

    def close(self) -> None:
        """Send what is queued and no more, and end the circuit. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        self._stream.finish()
        self._stream.pour(lambda data: self._stream.grant(len(data)))
        self._closed(self._stream)
