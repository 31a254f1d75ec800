"""Bodies of requests: read whole before anything runs, of a bounded size and in bounded time."""

from __future__ import annotations

import asyncio

from fastapi import Request

from commonweal.web.api.answers import refusal, words_for
from commonweal.web.security.gate import Application, Message, Receive, Scope, Send

BODY_BYTES_MAX = 256 * 1024
BODY_SECONDS_MAX = 30.0


class BoundedBodies:
    """An ASGI application before another one, which gets bodies that are here already."""

    def __init__(self, app: Application) -> None:
        self._application = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        request = Request(scope, receive)
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                body = await _body(request)
        except TimeoutError:
            return await refusal(408, words_for(request))(scope, receive, send)
        if body is None:
            return await refusal(413, words_for(request))(scope, receive, send)
        is_given = False

        async def replay() -> Message:
            nonlocal is_given
            if is_given:
                return await receive()  # waits until the other side goes
            is_given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return await self._application(scope, replay, send)


async def _body(request: Request) -> bytes | None:
    """Return the body of a request; None when it is too large."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
        return None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            return None
        parts.append(part)
    return b"".join(parts)
