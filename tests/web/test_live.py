"""The live page: what open windows are told, in which order, and how many there may be."""

from __future__ import annotations

import asyncio
import json
import queue
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.language.words import ENGLISH, words_in
from commonweal.node.control.messages.changes import NodeChanges, NodeSummary, OwnLogHolders
from commonweal.protocol.errors import NotReachable
from commonweal.storage.home.home import Home
from commonweal.web.live import hub as hubs
from commonweal.web.live.hub import EVERYTHING, STREAMS_MAX, LiveHub, TooManyStreams
from commonweal.web.live.strip import node_strip
from tests.builders import own_loop
from tests.builders.browser import Browser

NOW = NodeSummary(
    state="member",
    writable=True,
    damaged=0,
    records=9,
    behind=0,
    connected=2,
    height=3,
    folded=3,
    seals_behind=0,
    sealed_ms=1,
    unsealed=0,
    witnesses=2,
    missing=(),
    alarm="",
    is_forked=False,
    own=OwnLogHolders(3, 2, (3,)),
)


def change(number: int, *topics: str, **now: Any) -> NodeChanges:
    return NodeChanges(b"epoch", number, topics, (), (), False, replace(NOW, **now))


class FakeNode:
    """A node whose changes a test tells; None ends it, as a crash does."""

    def __init__(self) -> None:
        self.changes: queue.Queue[NodeChanges | None] = queue.Queue()

    def watch(self, _home: Home, after: NodeChanges | None) -> FakeNode:
        self.after = after
        return self

    def __enter__(self) -> FakeNode:
        return self

    def __exit__(self, *_error: object) -> None:
        """Let go."""

    def __iter__(self) -> FakeNode:
        return self

    def __next__(self) -> NodeChanges:
        told = self.changes.get()
        if told is None:
            raise NotReachable("gone")
        return told

    def close(self) -> None:
        self.changes.put(None)


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    fake = FakeNode()
    monkeypatch.setattr(hubs, "NodeWatch", fake.watch)
    monkeypatch.setattr(hubs, "AGAIN_SECONDS", 0.01)
    return fake


def told(event: str) -> dict[str, Any]:
    (data,) = [line[6:] for line in event.split("\n") if line.startswith("data: ")]
    parsed: dict[str, Any] = json.loads(data)
    return parsed


def within(hub: LiveHub, story: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(20), hub.running():
            await story()

    own_loop.run(run())


def test_a_window_is_told_once_of_all_that_came_while_it_was_slow(
    node: FakeNode, tmp_path: Path
) -> None:
    hub = LiveHub(Home(tmp_path))

    async def story() -> None:
        events = hub.events(ENGLISH)
        assert "retry" in await anext(events)
        node.changes.put(change(1, "records"))
        first = told(await anext(events))
        assert first["topics"] == ["records"]
        assert first["text"] == "up to date · 2 members connected · seal #3"
        for number, topic in enumerate(("records", "seal", "peers"), 2):
            node.changes.put(change(number, topic))
        while not hub.id.endswith("-4-0"):
            await asyncio.sleep(0.01)
        event = await anext(events)
        assert told(event)["topics"] == ["peers", "records", "seal"]
        assert f"id: {hub.id}\n" in event

    within(hub, story)


def test_a_window_that_comes_back_is_told_nothing_twice(node: FakeNode, tmp_path: Path) -> None:
    hub = LiveHub(Home(tmp_path))

    async def story() -> None:
        node.changes.put(change(1, "records"))
        while hub.id.startswith("--"):
            await asyncio.sleep(0.01)
        same, older = hub.events(ENGLISH, hub.id), hub.events(ENGLISH, "another-1-0")
        await anext(same)
        await anext(older)
        assert told(await anext(older))["topics"] == [EVERYTHING]
        node.changes.put(change(2, "seal"))
        assert told(await anext(same))["topics"] == ["seal"]

    within(hub, story)


def test_the_loss_of_the_node_is_told_and_its_return(node: FakeNode, tmp_path: Path) -> None:
    hub = LiveHub(Home(tmp_path))

    async def story() -> None:
        node.changes.put(change(1, "records"))
        events = hub.events(words_in("zh"))
        await anext(events)
        assert told(await anext(events))["tone"] == "good"
        before = hub.id
        node.changes.put(None)
        lost = told(await anext(events))
        assert (lost["tone"], lost["topics"]) == ("bad", ["node"])
        assert "节点没有运行" in lost["text"]
        assert hub.id != before
        node.changes.put(change(2, "peers"))
        assert told(await anext(events))["topics"] == [EVERYTHING]
        assert node.after == change(1, "records")

    within(hub, story)


def test_windows_are_bounded_and_a_closed_one_makes_room(node: FakeNode, tmp_path: Path) -> None:
    hub = LiveHub(Home(tmp_path))

    async def story() -> None:
        open_windows = [hub.events(ENGLISH) for _ in range(STREAMS_MAX)]
        for events in open_windows:
            await anext(events)
        with pytest.raises(TooManyStreams):
            await anext(hub.events(ENGLISH))
        await open_windows[0].aclose()  # type: ignore[attr-defined]
        assert await anext(hub.events(ENGLISH))

    within(hub, story)


def test_a_quiet_stream_has_a_heartbeat(
    node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "HEARTBEAT_SECONDS", 0.01)
    hub = LiveHub(Home(tmp_path))

    async def story() -> None:
        events = hub.events(ENGLISH)
        await anext(events)
        assert (await anext(events)).startswith(":")

    within(hub, story)


@pytest.mark.parametrize(
    ("now", "tone", "said"),
    [
        ({"writable": False}, "bad", "disk refuses"),
        ({"alarm": "differs"}, "bad", "differs from the seals"),
        ({"state": "waiting-for-admission"}, "busy", "You are"),
        ({"behind": 12}, "busy", "12 records to come"),
        ({"behind": 1}, "busy", "1 record to come"),
        ({"folded": 1}, "busy", "up to seal #1 of #3"),
        ({"missing": ((b"", b""),)}, "busy", "1 witness is missing"),
        ({"height": 0, "folded": 0, "connected": 1}, "good", "up to date · 1 member connected"),
    ],
)
def test_the_strip_says_what_matters_most(now: dict[str, Any], tone: str, said: str) -> None:
    strip = node_strip(replace(NOW, **now), ENGLISH)
    assert strip.tone == tone
    assert said in strip.text
    assert strip.is_counting == ("behind" in now or now.get("folded") == 1)


@pytest.mark.parametrize("path", ["/give", "/nothing", "/why/nobody", "/assets"])
def test_no_page_asks_the_node_where_all_others_wait_for_it(
    mei: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A node that hangs is waited for half a minute; what is wrong is told from a thread too."""
    waiting: list[bool] = []

    def asked(_home: Home, _question: object) -> None:
        waiting.append(asyncio._get_running_loop() is not None)

    monkeypatch.setattr(hubs, "ask_if_running", asked)
    mei.get(path)
    assert waiting == [False]
