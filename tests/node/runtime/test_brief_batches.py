"""Where a batch is handled: one record at once while the disk is fast, all else in the worker."""

from __future__ import annotations

import threading
import time

import pytest
import trio

from commonweal.node.runtime import loop
from commonweal.node.runtime.loop import BRIEF_FRAME_BYTES_MAX, Runtime
from commonweal.node.service.events import Action, Event, Submitted, Ticket, Wish
from commonweal.node.transport import FrameReceived, PeerKey
from commonweal.protocol import codec
from commonweal.protocol.wire import frame_codec, messages
from commonweal.storage.records.logs.log_store import Store
from tests.builders.runtimes import Links

PEER = PeerKey(b"p" * 32)
RECORD = Submitted(Ticket(1), (Wish("event", {}),))
RUNS = frame_codec.encode(messages.Runs((), 0, asked=False))
SLOW_S, REST_S = 0.2, 2.0
"""What takes longer is slow, for the test of slow disks; for the others nothing is."""


@pytest.fixture(autouse=True)
def _nothing_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "BRIEF_S_MAX", 60.0)


class Mind:
    """Notes in which thread it handled each event, and takes as long as it is told to."""

    def __init__(self) -> None:
        self.threads: dict[str, list[int]] = {}
        self.takes_s = 0.0

    def handle(self, event: Event, _now_ms: int) -> list[Action]:
        self.threads.setdefault(repr(event), []).append(threading.get_ident())
        time.sleep(self.takes_s if event == RECORD else 0)
        return []

    def reload(self, *, keeps: bool = True) -> None:
        raise AssertionError("the disk refuses nothing here")


class Stage:
    """A runtime with a worker thread, and who handled what."""

    def __init__(self) -> None:
        self.mind = Mind()
        store = Store()
        self.runtime = Runtime(self.mind, store, Links([]), lambda _answer: None)

    async def came(self, *events: Event) -> str:
        """Let events come together; return whether the last was handled at once or elsewhere."""
        handled = self.mind.threads.setdefault(repr(events[-1]), [])
        before = len(handled)
        for event in events:
            self.runtime.emit(event)
        with trio.fail_after(10):
            while len(handled) == before:
                await trio.sleep(0.001)
        await trio.sleep(self.mind.takes_s + 0.01)  # for what the worker still does
        return "at once" if handled[-1] == threading.get_ident() else "in the worker"


async def test_one_record_is_handled_at_once_when_the_first_showed_that_the_disk_is_fast() -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.runtime.run)
        await trio.sleep(0.02)  # the first batch is what a start brings
        assert await stage.came(RECORD) == "in the worker"
        assert await stage.came(RECORD) == "at once"
        assert await stage.came(FrameReceived(PEER, RUNS)) == "at once"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "events",
    [
        (RECORD, RECORD),
        (Submitted(Ticket(2), (Wish("event", {}),) * 2),),
        (FrameReceived(PEER, RUNS + bytes(BRIEF_FRAME_BYTES_MAX)),),
        (FrameReceived(PEER, frame_codec.encode(messages.WantRecords(()))),),
        (FrameReceived(PEER, codec.encode(["run"])),),
        (FrameReceived(PEER, b""),),
    ],
)
async def test_what_may_take_longer_is_handled_in_the_worker(events: tuple[Event, ...]) -> None:
    stage = Stage()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.runtime.run)
        await trio.sleep(0.02)  # the first batch is what a start brings
        await stage.came(RECORD)
        assert await stage.came(*events) == "in the worker"
        assert await stage.came(RECORD) == "at once"
        nursery.cancel_scope.cancel()


async def test_a_slow_disk_is_waited_for_in_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "BRIEF_S_MAX", SLOW_S)
    monkeypatch.setattr(loop, "BRIEF_REST_S", REST_S)
    stage = Stage()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.runtime.run)
        await trio.sleep(0.02)  # the first batch is what a start brings
        await stage.came(RECORD)
        stage.mind.takes_s = 4 * SLOW_S
        assert await stage.came(RECORD) == "at once"
        assert await stage.came(RECORD) == "in the worker"
        stage.mind.takes_s = 0.0
        assert await stage.came(RECORD) == "in the worker"
        await trio.sleep(REST_S + 0.1)
        assert await stage.came(RECORD) == "at once"
        nursery.cancel_scope.cancel()


async def test_nothing_is_handled_at_once_while_the_worker_works() -> None:
    stage = Stage()
    let_go = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.runtime.run)
        await trio.sleep(0.02)  # the first batch is what a start brings
        await stage.came(RECORD)
        nursery.start_soon(stage.runtime.look, lambda: let_go.wait(10))
        await trio.sleep(0.01)
        stage.runtime.emit(RECORD)
        await trio.sleep(0.05)
        assert len(stage.mind.threads[repr(RECORD)]) == 1, "it waits for what the worker does"
        let_go.set()
        await trio.sleep(0.05)
        assert len(stage.mind.threads[repr(RECORD)]) == 2
        nursery.cancel_scope.cancel()
