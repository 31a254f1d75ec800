"""HTTP/1.1 of the page: uvicorn's, with a deadline for the head of each request."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_MAX = 16
HEAD_SECONDS_MAX = 5.0
IDLE_SECONDS_MAX = 30
"""A connection without a request is closed after so long."""


class PatientProtocol(H11Protocol):
    """A connection that is closed when its first request has no head after HEAD_SECONDS_MAX.

    uvicorn bounds the idle time between requests only. One connection above CONNECTIONS_MAX is
    closed without an answer, so that it costs nothing.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_deadline: asyncio.TimerHandle | None = None
        self._is_answering = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        if len(self.connections) >= CONNECTIONS_MAX:
            transport.abort()
            return
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; from the first byte of a request on, its head has a deadline."""
        if self.transport is None:  # it was closed at once
            return
        if self._head_deadline is None and not self._is_answering:
            self._await_head()
        super().data_received(data)

    def handle_events(self) -> None:
        """Answer the requests whose head is whole."""
        super().handle_events()
        if self._has_request():
            self._is_answering = True
            self._forget_deadline()

    def on_response_complete(self) -> None:
        """Wait for the next request, as long as an idle connection may be open."""
        self._is_answering = False
        super().on_response_complete()
        if not self._is_answering and self.conn.trailing_data[0]:  # a head has begun already
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._forget_deadline()
        if self.transport is not None:
            super().connection_lost(exc)

    def _has_request(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        self._head_deadline = self.loop.call_later(HEAD_SECONDS_MAX, self._give_up)

    def _forget_deadline(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _give_up(self) -> None:
        self._head_deadline = None
        if not self._is_answering:
            self.transport.abort()
