"""One request over HTTP to the gateway, bounded in size and time; h11 reads and writes it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import h11
import trio

from commonweal.node.network.reach.gateways.gateway_client import GatewaySilent, Route

DOCUMENT_BYTES_MAX: Final = 128 * 1024
"""Largest body that is read. Descriptions of real gateways have 3 to 20 KiB."""
HEADER_BYTES_MAX: Final = 8 * 1024
CALL_S_MAX: Final = 5.0
"""Longest time of a request with its answer, from the first packet on."""
READ_BYTES: Final = 16 * 1024
HTTP_PORT: Final = 80


async def call(
    route: Route, url: str, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()
) -> tuple[int, bytes]:
    """Return the status and the body of an answer; POST where there is a body to send.

    url: on the gateway. Raises GatewaySilent: no answer in time, too large, or no HTTP.
    """
    parts = urlsplit(url)
    port = parts.port or HTTP_PORT
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = [("Host", f"{route.gateway}:{port}"), ("Connection", "close"), *headers]
    if body:
        sent.append(("Content-Length", str(len(body))))
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_BYTES_MAX)
    try:
        request = h11.Request(method="POST" if body else "GET", target=target, headers=sent)
        with trio.fail_after(CALL_S_MAX):
            return await _answered(http, request, body, route, port)
    except (OSError, h11.ProtocolError, trio.TooSlowError, trio.BrokenResourceError) as error:
        raise GatewaySilent(f"{url}: {type(error).__name__}") from error


async def _answered(
    http: h11.Connection, request: h11.Request, body: bytes, route: Route, port: int
) -> tuple[int, bytes]:
    events = [request, h11.Data(data=body), h11.EndOfMessage()]
    if not body:
        del events[1]
    sent = b"".join(http.send(event) or b"" for event in events)
    stream = await _connected(route, port)
    async with stream:
        await stream.send_all(sent)
        status, document = 0, bytearray()
        while True:
            event = http.next_event()
            match event:
                case h11.NEED_DATA:
                    http.receive_data(await stream.receive_some(READ_BYTES))
                case h11.Response():
                    status = event.status_code
                case h11.Data():
                    document += event.data
                    if len(document) > DOCUMENT_BYTES_MAX:
                        raise h11.RemoteProtocolError("the document is too large")
                case h11.EndOfMessage():
                    return status, bytes(document)
                case h11.ConnectionClosed() | h11.PAUSED:
                    raise h11.RemoteProtocolError("the answer ends too early")


async def _connected(route: Route, port: int) -> trio.SocketStream:
    """Return a connection to the gateway from the address of this route."""
    socket = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_STREAM)
    try:
        await socket.bind((route.own, 0))
        await socket.connect((route.gateway, port))
        return trio.SocketStream(socket)
    except BaseException:
        socket.close()
        raise
