"""The hub: one watch on the node in one thread, told to every open window of the page.

A window that is slow or was away gets one event for all that it missed; nothing grows.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.home.live import NodeWatch
from commonweal.client.home.node_client import ask_if_running
from commonweal.client.language.words import Words
from commonweal.protocol.errors import CommonwealError
from commonweal.storage.home.home import Home
from commonweal.web.live.strip import Strip, lost_strip, node_strip, status_strip

if TYPE_CHECKING:
    from commonweal.node.control.messages.changes import NodeChanges, NodeSummary

STREAMS_MAX = 8
HEARTBEAT_SECONDS = 15.0
AGAIN_SECONDS = 1.0
"""Pause before a node that is gone is looked for again."""
EVERYTHING = "everything"
"""The topic of an event after which the whole page is read again."""


class TooManyStreams(CommonwealError):
    """Too many windows of this page are open; close one, or read on without live changes."""


@dataclass(slots=True)
class _Stream:
    """A window: what it has not been told yet, and whether something is there."""

    topics: set[str]
    is_told: asyncio.Event


class LiveHub:
    """What the page knows of its node, and the windows that are told."""

    def __init__(self, home: Home) -> None:
        """home: whose node is watched; it need not exist."""
        self._home = home
        self._last: NodeChanges | None = None
        self._lost_ms: int | None = None
        self._losses = 0
        self._streams: list[_Stream] = []
        self._watch: NodeWatch | None = None
        self._ends = threading.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the node inside."""
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._follow, args=(loop,), name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ends.set()
            if (watch := self._watch) is not None:
                watch.close()
            for stream in self._streams:
                stream.is_told.set()
            await asyncio.to_thread(thread.join)

    @property
    def id(self) -> str:
        """What the events so far end with: the run of the node, the change, and how often lost."""
        last = self._last
        place = "-" if last is None else f"{last.epoch.hex()[:8]}-{last.number}"
        return f"{place}-{self._losses}"

    @property
    def now(self) -> NodeSummary | None:
        """How the node stands by its last change; None while it is gone."""
        return None if self._last is None or self._lost_ms is not None else self._last.now

    def strip(self, words: Words) -> Strip:
        """Return how the node stands, as the top of every page says it."""
        from commonweal.node.control.messages.node_status import Status

        if (now := self.now) is not None:
            return node_strip(now, words)
        status = ask_if_running(self._home, Status())
        return lost_strip(words) if status is None else status_strip(status, words)

    async def events(self, words: Words, known: str = "") -> AsyncIterator[str]:
        """Yield server-sent events until the process ends (WHATWG HTML, 9.2).

        known: the id of the last event that the window had; "" for none. A window that lacks
        nothing is told nothing at first. Raises TooManyStreams at the first step.
        """
        if len(self._streams) >= STREAMS_MAX:
            raise TooManyStreams
        topics = {EVERYTHING} if known and known != self.id else set()
        stream = _Stream(topics, asyncio.Event())
        self._streams.append(stream)
        try:
            yield f"retry: 1000\nid: {self.id}\n\n"
            if topics:
                stream.is_told.set()
            while not self._ends.is_set():
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await stream.is_told.wait()
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                stream.is_told.clear()
                if stream.topics:
                    yield await self._event(stream, words)
        finally:
            self._streams.remove(stream)

    async def _event(self, stream: _Stream, words: Words) -> str:
        topics, stream.topics = sorted(stream.topics), set()
        strip = await asyncio.to_thread(self.strip, words)
        data = {"topics": topics, "tone": strip.tone, "text": strip.text}
        return f"id: {self.id}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch the node, in a thread of its own, until the process ends."""
        while not self._ends.is_set():
            try:
                with NodeWatch(self._home, self._last) as watch:
                    self._watch = watch
                    if self._ends.is_set():  # it was set before there was a watch to close
                        break
                    for changes in watch:
                        _call(loop, self._tell, changes)
            except CommonwealError:
                pass  # it is gone, or too many watch it: what is shown says so
            finally:
                self._watch = None
            if not self._ends.is_set():
                _call(loop, self._lose)
                self._ends.wait(AGAIN_SECONDS)

    def _tell(self, changes: NodeChanges) -> None:
        was_lost, self._lost_ms, self._last = self._lost_ms is not None, None, changes
        is_whole = was_lost or changes.is_more
        self._tell_all({EVERYTHING} if is_whole else set(changes.topics))

    def _lose(self) -> None:
        if self._lost_ms is None:
            self._lost_ms = time.time_ns() // 1_000_000
            self._losses += 1
            self._tell_all({"node"})

    def _tell_all(self, topics: set[str]) -> None:
        for stream in self._streams:
            stream.topics |= topics
            stream.is_told.set()


def _call(
    loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: NodeChanges
) -> None:
    """Let the loop call a function, unless it has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, *arguments)
