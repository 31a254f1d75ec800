"""Gossip between networks: who hears it, within which limits, and what it leaves behind."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import trio

from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.gossip import gossip
from commonweal.node.transport import (
    Connected,
    Disconnected,
    GossipReceived,
)
from tests.builders.link_pairs import (
    PATIENCE_S,
    End,
    heard,
    running,
)
from tests.node.network.test_gate import gossip_works


async def test_gossip_reaches_three_members_and_no_stranger() -> None:
    a, b, c = End(1), End(2), End(3)
    stranger = End(4)
    async with running(a, b, c, stranger):
        await a.dial(b)
        await b.dial(c)
        b.admits = False
        await stranger.dial(b)
        for end in (a, b, c, stranger):
            end.network.subscribe(["t"])
        await gossip_works(a, c)
        a.network.publish("t", b"bad news")
        a.network.publish("t", b"raise")
        a.network.publish("t", b"good news")
        assert (await heard(c, b"good news")).peer == b.key
        assert (await heard(b, b"good news")).peer == a.key
        assert b.refused == [b"bad news"]
        assert {e.data for e in c.all(GossipReceived)}.isdisjoint({b"bad news", b"raise"})
        assert [e.data for e in c.all(GossipReceived)].count(b"good news") == 1
        assert not stranger.all(GossipReceived)
        assert not a.all(GossipReceived)


async def test_who_unsubscribes_hears_no_more() -> None:
    a, b = End(1), End(2)
    async with running(a, b):
        await a.dial(b)
        for end in (a, b):
            end.network.subscribe(["t", "u"])
        await gossip_works(a, b)
        b.network.subscribe(["u"])
        await trio.sleep(0.2)
        a.network.publish("t", b"unheard")
        a.network.publish("u", b"heard")
        await heard(b, b"heard")
        assert b"unheard" not in [each.data for each in b.all(GossipReceived)]


async def test_who_follows_a_topic_later_hears_what_was_said_last() -> None:
    a, b = End(1), End(2)
    async with running(a, b):
        a.network.subscribe(["t"])
        await a.dial(b)
        with trio.fail_after(PATIENCE_S):
            while not a.network.state().gossip_peers:
                await trio.sleep(0.01)
        a.network.publish("t", b"before")
        b.network.subscribe(["t"])
        assert (await heard(b, b"before")).peer == a.key


async def test_what_is_followed_while_a_greeting_is_on_its_way_is_told_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a, b = End(1), End(2)
    greeting, write = gossip._SafePubsub.get_hello_packet, Stream.write

    async def write_slowly(self: Stream, data: bytes) -> None:
        await trio.sleep(0.05)
        await write(self, data)

    def greet_and_change(self: gossip._SafePubsub) -> object:
        packet = greeting(self)
        if self is b.network._gossip._pubsub:
            b.network.subscribe(["t"])
        return packet

    async with running(a, b):
        a.network.subscribe(["t"])
        monkeypatch.setattr(gossip._SafePubsub, "get_hello_packet", greet_and_change)
        monkeypatch.setattr(Stream, "write", write_slowly)
        await a.dial(b)
        await gossip_works(a, b)


async def test_one_who_floods_gossip_is_not_heard_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonweal.node.network.gossip.gossip.MESSAGES_PER_S", 0)
    monkeypatch.setattr("commonweal.node.network.gossip.gossip.MESSAGES_BURST", 20)
    a, b = End(1), End(2)
    async with running(a, b):
        await a.dial(b)
        for end in (a, b):
            end.network.subscribe(["t"])
        await gossip_works(a, b)
        for i in range(40):
            a.network.publish("t", b"%d" % i)
            await trio.sleep(0.01)
        await trio.sleep(0.2)
        assert 10 <= len(b.all(GossipReceived)) <= 20
        b.network.publish("t", b"b is heard")
        await heard(a, b"b is heard")


async def test_gossip_comes_back_with_the_connection() -> None:
    a, b = End(1), End(2)
    async with running(a, b):
        for end in (a, b):
            end.network.subscribe(["t"])
        for _ in range(3):
            await a.dial(b)
            await gossip_works(a, b)
            a.network.drop(b.key, "again")
            await b.wait(Disconnected, len(b.all(Connected)))


async def test_gossip_keeps_nothing_of_the_messages_that_went_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("commonweal.node.network.gossip.gossip.FORGET_S", 0.3)
    monkeypatch.setattr("commonweal.node.network.gossip.gossip.VALIDATED_MAX", 5)
    a, b = End(1), End(2)
    async with running(a, b):
        await a.dial(b)
        for end in (a, b):
            end.network.subscribe(["t"])
        await gossip_works(a, b)
        for i in range(20):
            a.network.publish("t", b"%d" % i)
        await heard(b, b"19")
        for end in (a, b):
            pubsub: Any = end.network._gossip._pubsub
            assert len(pubsub.validation_cache.cache) == 5
            tables = pubsub.router.recent_message_deliveries, pubsub.router.equivocation_detection
            with trio.fail_after(PATIENCE_S):
                while any(tables):
                    await trio.sleep(0.05)


async def test_gossip_that_ended_leaves_no_thread() -> None:
    def sweeping() -> int:
        return sum("_background_cleanup" in each.name for each in threading.enumerate())

    before = sweeping()
    a = End(1)
    async with running(a):
        with trio.fail_after(PATIENCE_S):
            while sweeping() == before:
                await trio.sleep(0.01)
    assert sweeping() == before
