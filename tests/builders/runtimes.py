"""Runtimes without a real network: one that writes down what it is asked for, one in memory.

Time is trio's, which tests let jump; the disk refuses when a test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from random import Random
from typing import TypeVar

import trio

from commonweal.node.runtime.loop import Runtime
from commonweal.node.runtime.worker import Worker
from commonweal.node.service.events import (
    Answer,
    Dial,
    Drop,
    Publish,
    Send,
    Subscribe,
    Taken,
    Ticket,
)
from commonweal.node.service.service import Service
from commonweal.node.transport import Connected, Disconnected, FrameReceived, Listening, PeerKey
from commonweal.protocol.errors import StorageError
from commonweal.protocol.identity import invite
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.logs.log_store import Store
from tests.builders import homes

EPOCH_MS = 1_700_000_000_000
T = TypeVar("T")


class Inline(Worker):
    """A worker that works at once, so that time can jump."""

    async def run(self, work: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        return work()


class Links:
    """A network that writes down what it was asked for."""

    def __init__(self, said: list[object]) -> None:
        self.said = said

    def send(self, peer: PeerKey, frame: bytes) -> None:
        self.said.append(Send(peer, frame))

    def publish(self, topic: str, data: bytes) -> None:
        self.said.append(Publish(topic, data))

    def subscribe(self, topics: Sequence[str]) -> None:
        self.said.append(Subscribe(tuple(topics)))

    def dial(self, peer: PeerKey, addresses: Sequence[str]) -> None:
        self.said.append(Dial(peer, tuple(addresses)))

    def admit(self, peer: PeerKey) -> None:
        self.said.append("admit")

    def guest(self, peer: PeerKey) -> None:
        self.said.append("guest")

    def drop(self, peer: PeerKey, reason: str) -> None:
        self.said.append(Drop(peer, reason))

    def done(self, peer: PeerKey, size: int) -> None:
        self.said.append(Taken(peer, size))


class Disk(Store):
    """A store in memory that says when it commits, and refuses while `refusal` is set."""

    said: list[object]
    refusal: StorageError | None = None
    reopened = 0

    def commit(self) -> None:
        if self._connection.in_transaction:
            if self.refusal is not None:
                self.rollback()
                raise self.refusal
            self.said.append("commit")
        super().commit()

    def reopen(self) -> None:
        self.reopened += 1


class Village:
    """Services of several homes, on one network that loses nothing."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.runtimes: dict[PeerKey, Runtime] = {}
        self.stores: dict[PeerKey, Disk] = {}
        self.answers: dict[Ticket, Answer] = {}

    def settle(self, home: Home) -> PeerKey:
        """Let the node of a home live here; return its key."""
        store = Disk(home.database)
        store.said = []
        self.stack.callback(store.close)
        settings = Settings.read(store)
        me = homes.identity(home)
        link = invite.from_text(settings.link) if settings.link else None
        service = Service(store, settings.here, me, Random(1), link.invite if link else None)
        node = Runtime(
            service,
            store,
            Road(self, me.peer),
            lambda answer: self.answers.update({answer.ticket: answer}),
            now_ms=lambda: EPOCH_MS + round(trio.current_time() * 1000),
            worker=Inline(),
        )
        self.runtimes[me.peer], self.stores[me.peer] = node, store
        node.emit(Listening((f"/ip4/127.0.0.1/tcp/{settings.port}",)))
        return me.peer

    async def live(self, seconds: float) -> None:
        """Let all run for a while."""
        with trio.move_on_after(seconds):
            async with trio.open_nursery() as nursery:
                for node in self.runtimes.values():
                    nursery.start_soon(node.run)


class Road(Links):
    """What one node of the village sees of the network."""

    def __init__(self, village: Village, me: PeerKey) -> None:
        super().__init__([])
        self.village, self.me = village, me
        self.linked: set[PeerKey] = set()

    def _other(self, peer: PeerKey) -> Road:
        road = self.village.runtimes[peer]._transport
        assert isinstance(road, Road)
        return road

    def dial(self, peer: PeerKey, addresses: Sequence[str]) -> None:
        if peer in self.linked or peer not in self.village.runtimes:
            return
        self.linked.add(peer)
        self._other(peer).linked.add(self.me)
        self.village.runtimes[self.me].emit(Connected(peer, addresses[0], outbound=True))
        self.village.runtimes[peer].emit(Connected(self.me, "", outbound=False))

    def send(self, peer: PeerKey, frame: bytes) -> None:
        if peer in self.linked:
            self.village.runtimes[peer].emit(FrameReceived(self.me, frame))

    def drop(self, peer: PeerKey, reason: str) -> None:
        if peer in self.linked:
            super().drop(peer, reason)
            self.linked.discard(peer)
            self._other(peer).linked.discard(self.me)
            self.village.runtimes[self.me].emit(Disconnected(peer, reason))
            self.village.runtimes[peer].emit(Disconnected(self.me, "gone"))
