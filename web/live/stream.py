"""`/live`: the stream of events that keeps an open window up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from commonweal.web.live.hub import LiveHub, TooManyStreams
from commonweal.web.pages.language import words_of
from commonweal.web.security.gate import LIVE

router = APIRouter()

EVENT_STREAM = "text/event-stream"


@router.get(LIVE)
async def live(request: Request) -> Response:
    """Stream what changes; 503 when too many windows are open."""
    hub = request.app.state.live
    assert isinstance(hub, LiveHub)
    events = hub.events(words_of(request), request.headers.get("last-event-id", ""))
    try:
        first = await anext(events)
    except TooManyStreams as error:
        return PlainTextResponse(words_of(request).error(error), 503)

    async def all_events() -> AsyncIterator[str]:
        yield first
        async for event in events:
            yield event

    return StreamingResponse(all_events(), media_type=EVENT_STREAM)
