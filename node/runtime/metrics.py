"""Metrics of a running node for monitors: `/metrics` and `/health`, over HTTP on loopback only.

Served only when the setting `metrics_port` asks for it. It answers GET and nothing else, shows
no secret, no name and no address, and bounds what a slow or chatty client can cost. A `Host` that
is a foreign name is refused, or a page that a browser has open could read the figures (DNS
rebinding). h11 reads and writes HTTP; each connection serves one request.
"""

from __future__ import annotations

import json
import logging
import re
import resource
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import h11
import trio
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from commonweal.node.network import CannotListen
from commonweal.protocol.errors import CommonwealError, StorageError

log = logging.getLogger(__name__)

REQUEST_BYTES_MAX = 4 * 1024
CONNECTIONS_MAX = 8
SECONDS_MAX = 5.0
BACKLOG = 8
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")
"""A name or an IP address, and perhaps a port."""

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
    "relay_reservations": "members that are reached through this node",
    "relay_circuits": "links that this node relays now",
    "relayed_bytes": "bytes relayed since the start",
    "resident_bytes": "memory of the process",
    "open_files": "open files of the process",
}
"""Each figure, as `commonweal_<name>`, with what it counts."""

Figures = Mapping[str, int]


class Metrics:
    """The HTTP server of a node's figures."""

    def __init__(self, port: int, read: Callable[[], Awaitable[Figures]]) -> None:
        """port: on 127.0.0.1. read: returns the figures of the node; may raise StorageError."""
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
        """Answer one request, if it is whole and short and comes in time; then close."""
        try:
            self._places.acquire_on_behalf_of_nowait(stream)
            try:
                async with stream:
                    with trio.move_on_after(SECONDS_MAX):
                        http = h11.Connection(
                            h11.SERVER, max_incomplete_event_size=REQUEST_BYTES_MAX
                        )
                        request = await _request(http, stream)
                        if request is not None:
                            answer = await self._answer(request)
                            await stream.send_all(_response(http, request, *answer))
            finally:
                self._places.release_on_behalf_of(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.WouldBlock):
            log.debug("a client of the metrics is gone, or is one too many")
        except (h11.ProtocolError, CommonwealError, OSError, ValueError) as error:
            log.warning("the metrics could not be shown: %s: %s", type(error).__name__, error)
        await trio.aclose_forcefully(stream)

    async def _answer(self, request: h11.Request) -> tuple[HTTPStatus, str, bytes]:
        """Return status, content type and body."""
        if not all(_is_of_machine(value) for name, value in request.headers if name == b"host"):
            return HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"ask by localhost or by number\n"
        match request.method, request.target:
            case b"GET", b"/metrics":
                figures = await self._figures()
                for name, gauge in self._gauges.items():
                    gauge.set(figures.get(name, 0))
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)
            case b"GET", b"/health":
                figures = await self._figures()
                is_healthy = figures.get("healthy")
                status = HTTPStatus.OK if is_healthy else HTTPStatus.SERVICE_UNAVAILABLE
                body = json.dumps(dict(figures), sort_keys=True).encode() + b"\n"
                return status, "application/json", body
            case _:
                return HTTPStatus.NOT_FOUND, "text/plain", b"here are /metrics and /health\n"

    async def _figures(self) -> Figures:
        try:
            return {**await self._read(), **own_figures()}
        except StorageError:
            return {"healthy": 0, "writable": 0, **own_figures()}


def own_figures() -> dict[str, int]:
    """Return memory and open files of this process, as the system counts them."""
    figures: dict[str, int] = {}
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        figures["resident_bytes"] = pages * resource.getpagesize()
        figures["open_files"] = sum(1 for _ in Path("/proc/self/fd").iterdir())
    if not figures:  # macOS has no /proc: the largest resident size so far, in bytes
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        figures["resident_bytes"] = peak if sys.platform == "darwin" else peak * 1024
    return figures


async def _request(http: h11.Connection, stream: trio.SocketStream) -> h11.Request | None:
    """Return the head of a request; None when it is no HTTP, too long, or never whole."""
    try:
        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(await stream.receive_some(REQUEST_BYTES_MAX))
    except h11.RemoteProtocolError:
        return None
    return event if isinstance(event, h11.Request) else None


def _is_of_machine(host: bytes) -> bool:
    """Whether a `Host` is localhost or an IP address, of which no name server can tell a lie."""
    match = HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].decode("ascii").strip("[]")
    try:
        ip_address(name)
    except ValueError:
        return name.lower() == "localhost"
    return True


def _response(
    http: h11.Connection, request: h11.Request, status: HTTPStatus, kind: str, body: bytes
) -> bytes:
    """Return the bytes of a response after which the connection closes; to HEAD without a body."""
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        ("Connection", "close"),
    ]
    head = h11.Response(status_code=status, headers=headers, reason=status.phrase)
    data = [] if request.method == b"HEAD" else [h11.Data(body)]
    return b"".join(http.send(event) or b"" for event in (head, *data, h11.EndOfMessage()))
