"""The page's process in the foreground: from the lock to the last answer."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from commonweal.web.application import create_application
from commonweal.web.security.entry import EntryTokens
from commonweal.web.security.gate import HEAD_BYTES_MAX
from commonweal.web.serving import http
from commonweal.web.serving.listeners import loopback_sockets
from commonweal.web.serving.page_file import KEY_BYTES, PageAddress, PageFile

STOP_SECONDS_MAX = 2
"""How long answers may take after the process was told to end."""


def run(home: Path, port: int, ready: Callable[[PageAddress], None]) -> None:
    """Serve the page of a home until SIGINT or SIGTERM; `ready` is told once it listens.

    port: 0 takes the one of the last time where it is free, else one that the system chooses.
    Raises HomeInUse when the page of this home runs, ConfigError when the port is taken.
    """
    file = PageFile(home)
    with file.hold():
        before = file.read()
        sockets = loopback_sockets(port, preferred=None if before is None else before.port)
        address = PageAddress(sockets[0].getsockname()[1], secrets.token_bytes(KEY_BYTES))
        try:
            file.write(address)
            asyncio.run(_serve(home, address, sockets, ready))
        finally:
            for listener in sockets:
                listener.close()


async def _serve(
    home: Path,
    address: PageAddress,
    sockets: list[socket.socket],
    ready: Callable[[PageAddress], None],
) -> None:
    application = create_application(home, address.port, EntryTokens(address.key))
    config = uvicorn.Config(
        application,
        http=http.PatientProtocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        timeout_keep_alive=http.IDLE_SECONDS_MAX,
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
    )
    server = _Announced(config, lambda: ready(address))
    await server.serve(sockets=sockets)


class _Announced(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
