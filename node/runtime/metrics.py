"""Figures of a running node for monitors: `/metrics` and `/health`, over HTTP on loopback only.

Only when a member asks for it in his settings. It answers GET and nothing else, tells no
secret, no name and no address, and does not let a slow or chatty client cost anything.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import trio
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from commonweal.node.network.addresses import CannotListen
from commonweal.protocol.errors import StorageError

log = logging.getLogger(__name__)

REQUEST_BYTES_MAX = 4 * 1024
CONNECTIONS_MAX = 8
SECONDS_MAX = 5.0
BACKLOG = 8

FIGURES = {
    "healthy": "1 when the node takes records, can write, and knows of no damage",
    "writable": "1 while the disk takes changes",
    "damaged": "stored records that the disk changed and that are not mended yet",
    "records": "good records held",
    "logs": "logs held",
    "members_connected": "connected nodes of members",
    "peers_known": "nodes in the address book",
    "behind": "records that a connected member has and this node lacks",
    "height": "seals that are kept",
    "rounds": "rounds that seals needed beyond their first, since the start",
    "witnesses": "witnesses of the next seal",
    "witnesses_missing": "of these, who is neither connected nor was heard of late",
    "seal_waits_seconds": "how long something waits for the next seal",
    "finality_forked": "1 when two seals of one height are certified",
    "ledger_alarm": "1 when this ledger comes to something else than the seals say",
    "dropped": "links that were closed for a fault of the peer, since the start",
    "connections": "connections, of strangers too",
    "strangers": "connections that have proven nothing yet",
    "outbox_bytes": "bytes that wait to be sent",
    "inbox_bytes": "bytes that came and are not taken in yet",
    "frames_sent": "frames sent since the start",
    "frames_received": "frames received since the start",
    "gossip_heard": "gossip messages heard since the start",
    "resident_bytes": "memory of the process",
    "open_files": "open files of the process",
}
"""Each figure, as `commonweal_<name>`, with what it counts."""

Figures = Mapping[str, int]


class Metrics:
    """The little server of a node's figures."""

    def __init__(self, port: int, read: Callable[[], Awaitable[Figures]]) -> None:
        """Port: on 127.0.0.1. read: the figures of the node; may raise StorageError."""
        self._port, self._read = port, read
        self._places = trio.CapacityLimiter(CONNECTIONS_MAX)
        self._registry = CollectorRegistry()
        self._gauges = {
            name: Gauge(f"commonweal_{name}", text, registry=self._registry)
            for name, text in FIGURES.items()
        }

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; started(port) once it listens. Raises CannotListen."""
        try:
            listeners = await trio.open_tcp_listeners(self._port, host="127.0.0.1", backlog=BACKLOG)
        except OSError as error:
            raise CannotListen(f"127.0.0.1:{self._port}: {error.strerror}") from error
        task_status.started(listeners[0].socket.getsockname()[1])
        await trio.serve_listeners(self._serve, listeners)

    async def _serve(self, stream: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, trio.WouldBlock):
            self._places.acquire_on_behalf_of_nowait(stream)
            try:
                async with stream:
                    with trio.move_on_after(SECONDS_MAX):
                        request = await _request(stream)
                        if request:
                            await stream.send_all(await self._answer(request))
            finally:
                self._places.release_on_behalf_of(stream)
        await trio.aclose_forcefully(stream)

    async def _answer(self, request: bytes) -> bytes:
        match request.split(b" "):
            case [b"GET", b"/metrics", *_]:
                figures = await self._figures()
                for name, gauge in self._gauges.items():
                    gauge.set(figures.get(name, 0))
                return _response(200, CONTENT_TYPE_LATEST, generate_latest(self._registry))
            case [b"GET", b"/health", *_]:
                figures = await self._figures()
                status = 200 if figures.get("healthy") else 503
                body = json.dumps(dict(figures), sort_keys=True).encode() + b"\n"
                return _response(status, "application/json", body)
            case _:
                return _response(404, "text/plain", b"here are /metrics and /health\n")

    async def _figures(self) -> Figures:
        try:
            return {**await self._read(), **own_figures()}
        except StorageError:
            return {"healthy": 0, "writable": 0, **own_figures()}


def own_figures() -> dict[str, int]:
    """Return what the system says of this process."""
    found: dict[str, int] = {}
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        found["resident_bytes"] = pages * resource.getpagesize()
        found["open_files"] = sum(1 for _ in Path("/proc/self/fd").iterdir())
    if not found:  # macOS: the largest so far, in bytes
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found["resident_bytes"] = most if sys.platform == "darwin" else most * 1024
    return found


async def _request(stream: trio.SocketStream) -> bytes:
    """Return the first line of a request, once all of it came; empty when it never does."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = await stream.receive_some(REQUEST_BYTES_MAX)
        data += part
        if not part or len(data) > REQUEST_BYTES_MAX:
            return b""
    return data.partition(b"\r\n")[0]


def _response(status: int, kind: str, body: bytes) -> bytes:
    words = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}
    head = (
        f"HTTP/1.1 {status} {words[status]}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nX-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
