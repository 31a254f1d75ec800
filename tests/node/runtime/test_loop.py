"""The loop of a real node: commit before acting, batches, time, and a disk that refuses."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from commonweal.node.runtime import loop
from commonweal.node.runtime.clock import Clock
from commonweal.node.runtime.ledger import ledger_thread
from commonweal.node.runtime.loop import CHECKPOINT_LATE_S, TIDY_PAUSE_S, Runtime
from commonweal.node.runtime.worker import Worker
from commonweal.node.service.events import (
    Action,
    Answer,
    Asked,
    Committed,
    Drop,
    Event,
    Publish,
    Send,
    Started,
    Submitted,
    Ticket,
    Wake,
    Wish,
    Woke,
)
from commonweal.node.transport import Connected, FrameReceived, PeerKey
from commonweal.protocol import codec
from commonweal.protocol.errors import DiskFailed, DiskFull, StorageError
from commonweal.storage.home.home import Settings
from commonweal.storage.records.logs.log_store import Store
from tests.builders import homes
from tests.builders.runtimes import EPOCH_MS, Disk, Inline, Links, Road, Village

PEER = PeerKey(b"p" * 32)


@pytest.fixture
def autojump_clock() -> MockClock:
    """Time that jumps to the next deadline when nobody has anything to do."""
    return MockClock(autojump_threshold=0)


class Script:
    """A mind that writes down what it was told and answers as it was told to."""

    def __init__(self, said: list[object], store: Store) -> None:
        self.said = said
        self.store = store
        self.times: list[int] = []
        self.replies: dict[type, list[Action]] = {}
        self.writes: tuple[type, ...] = ()

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        self.said.append(event)
        self.times.append(now_ms)
        if isinstance(event, self.writes):
            self.store.put_setting("written", b"x")
        return list(self.replies.get(type(event), []))

    def reload(self, *, keeps: bool = True) -> None:
        self.said.append("reload")


class Stage:
    """A runtime whose mind, network and disk all write into one list."""

    def __init__(self) -> None:
        self.said: list[object] = []
        self.disk = Disk()
        self.disk.said = self.said
        self.mind = Script(self.said, self.disk)
        self.runtime = Runtime(
            self.mind,
            self.disk,
            Links(self.said),
            self.said.append,
            now_ms=lambda: EPOCH_MS + round(trio.current_time() * 1000),
            worker=Inline(),
        )

    async def play(self, seconds: float = 1.0) -> list[object]:
        """Run for a while; return what was said meanwhile, without empty rounds."""
        del self.said[:]
        with trio.move_on_after(seconds):
            await self.runtime.run()
        return [one for one in self.said if one not in (Committed(), Woke())]


async def test_what_is_asked_for_is_done_after_the_commit(autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.mind.writes = (FrameReceived,)
    stage.mind.replies = {FrameReceived: [Send(PEER, b"ack")], Committed: [Publish("t", b"news")]}
    stage.runtime.emit(FrameReceived(PEER, b"frame"))
    said = await stage.play()
    assert said[:3] == [Started(), FrameReceived(PEER, b"frame"), "commit"]
    assert said[3:5] == [Send(PEER, b"ack"), Publish("t", b"news")]


async def test_events_that_wait_are_handled_in_one_batch_with_one_commit(
    autojump_clock: MockClock,
) -> None:
    stage = Stage()
    stage.mind.writes = (FrameReceived,)
    for number in range(100):
        stage.runtime.emit(FrameReceived(PEER, bytes([number])))
    said = await stage.play()
    assert said.count("commit") == 1
    assert [one.frame[0] for one in said if isinstance(one, FrameReceived)] == list(range(100))


async def test_a_batch_is_bounded_in_events_and_in_bytes(autojump_clock: MockClock) -> None:
    stage = Stage()
    for _ in range(2 * loop.BATCH_EVENTS_MAX):
        stage.runtime.emit(FrameReceived(PEER, b""))
    del stage.said[:]
    batches = _batches(stage)
    assert batches[0] == loop.BATCH_EVENTS_MAX
    part = bytes(1 << 18)
    for _ in range(20):
        stage.runtime.emit(FrameReceived(PEER, part))
    assert _batches(stage) == [4] * 5


def _batches(stage: Stage) -> list[int]:
    sizes = []
    while batch := stage.runtime._take_batch():
        sizes.append(len(batch))
    return sizes


async def test_a_newer_wake_replaces_the_one_before(autojump_clock: MockClock) -> None:
    stage = Stage()
    start_ms = EPOCH_MS + round(trio.current_time() * 1000)
    stage.mind.replies = {
        Started: [Wake(start_ms + 3_000)],
        Connected: [Wake(start_ms + 30_000)],
    }
    stage.runtime.emit(Connected(PEER, "/ip4/127.0.0.1/tcp/1", outbound=True))
    await stage.play(seconds=60)
    woken = [at for at, one in zip(stage.mind.times, stage.said, strict=False) if one == Woke()]
    assert [at - start_ms for at in woken] == [30_000]


async def test_a_wake_that_is_not_asked_for_does_not_come(autojump_clock: MockClock) -> None:
    stage = Stage()
    await stage.play(seconds=3_600)
    assert Woke() not in stage.said


@pytest.mark.parametrize("error", [DiskFull("no room"), DiskFailed("input/output error")])
async def test_nothing_is_done_for_a_batch_that_the_disk_refused(
    autojump_clock: MockClock, error: StorageError
) -> None:
    stage = Stage()
    await stage.play()
    stage.disk.refusal = error
    stage.mind.writes = (Submitted,)
    stage.mind.replies = {FrameReceived: [Send(PEER, b"never")]}
    stage.runtime.emit(Connected(PEER, "", outbound=False))
    stage.runtime.emit(FrameReceived(PEER, b"frame"))
    stage.runtime.emit(Submitted(Ticket(7), ()))
    stage.runtime.emit(Asked(Ticket(8), "status"))
    said = await stage.play()
    assert Send(PEER, b"never") not in said
    assert "reload" in said
    assert Answer(Ticket(7), error) in said and Answer(Ticket(8), error) in said
    assert [one.peer for one in said if isinstance(one, Drop)] == [PEER]
    assert stage.disk.reopened == isinstance(error, DiskFailed)


async def test_a_node_whose_disk_is_full_refuses_to_write_and_answers_the_rest(
    autojump_clock: MockClock,
) -> None:
    stage = Stage()
    await stage.play()
    stage.disk.refusal = DiskFull("no room")
    stage.mind.writes = (Submitted,)
    stage.runtime.emit(Submitted(Ticket(1), ()))
    await stage.play()
    stage.mind.replies = {FrameReceived: [Send(PEER, b"served")]}
    stage.runtime.emit(Submitted(Ticket(2), ()))
    stage.runtime.emit(FrameReceived(PEER, b"question"))
    said = await stage.play()
    assert Answer(Ticket(2), stage.disk.refusal) in said
    assert not any(isinstance(one, Submitted) for one in said)
    assert Send(PEER, b"served") in said


async def test_a_node_writes_again_when_the_disk_takes_changes_again(
    autojump_clock: MockClock,
) -> None:
    stage = Stage()
    await stage.play()
    stage.disk.refusal = DiskFull("no room")
    stage.mind.writes = (Submitted,)
    stage.runtime.emit(Submitted(Ticket(1), ()))
    await stage.play(seconds=3 * loop.RETRY_S)
    assert stage.runtime.refusal is not None
    stage.disk.refusal = None
    await stage.play(seconds=2 * loop.RETRY_S)
    assert stage.runtime.refusal is None
    stage.mind.replies = {Submitted: [Answer(Ticket(2), {"records": []})]}
    stage.runtime.emit(Submitted(Ticket(2), ()))
    said = await stage.play()
    assert Answer(Ticket(2), {"records": []}) in said


async def test_a_fault_in_the_service_ends_the_loop(autojump_clock: MockClock) -> None:
    stage = Stage()

    def broken(event: Event, now_ms: int) -> list[Action]:
        raise ZeroDivisionError

    stage.mind.handle = broken  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        await stage.play()


async def test_the_trio_loop_goes_on_while_the_worker_works() -> None:
    stage = Stage()
    stage.runtime._worker = Worker()

    def slow(event: Event, now_ms: int) -> list[Action]:
        time.sleep(0.2)
        return []

    stage.mind.handle = slow  # type: ignore[method-assign]
    ticks = 0
    with trio.move_on_after(0.3):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.runtime.run)
            while True:
                await trio.sleep(0.005)
                ticks += 1
    assert ticks > 10


def test_the_clock_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady = 5_000_000_000, 0
    monkeypatch.setattr(time, "time_ns", lambda: wall)
    monkeypatch.setattr(time, "monotonic_ns", lambda: steady)
    clock = Clock()
    assert clock.now_ms() == 5_000
    wall, steady = 1_000_000_000, 2_000_000_000
    assert clock.now_ms() == 7_000, "the wall was set back; the steady clock goes on"
    wall, steady = 60_000_000_000, 2_000_000_000
    assert clock.now_ms() == 60_000, "the wall is right when it is ahead"


# Two real services, over a network in memory.


async def test_a_newcomer_is_admitted_and_his_record_reaches_the_founder(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    mei = homes.founder(tmp_path / "mei")
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei))
    with ExitStack() as stack:
        village = Village(stack)
        first, second = village.settle(mei), village.settle(bo)
        await village.live(seconds=5)
        village.runtimes[second].emit(Submitted(Ticket(5), (_work(),)))
        await village.live(seconds=5)
        answer = village.answers[Ticket(5)]
        assert isinstance(answer.value, dict), answer
        assert village.stores[first].wire(answer.value["records"][0]["id"]) is not None


async def test_a_node_whose_disk_is_full_still_serves_what_it_holds(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    mei = homes.founder(tmp_path / "mei")
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei))
    with ExitStack() as stack:
        village = Village(stack)
        first, second = village.settle(mei), village.settle(bo)
        full, other = village.stores[first], village.stores[second]
        await village.live(seconds=5)
        village.runtimes[second]._transport.drop(first, "the road is cut")
        node = village.runtimes.pop(second)
        village.runtimes[first].emit(Submitted(Ticket(1), (_work(),) * 3))
        await village.live(seconds=5)
        full.refusal = DiskFull("no room")
        village.runtimes[first].emit(Submitted(Ticket(2), (_work(),)))
        await village.live(seconds=1)
        assert village.answers[Ticket(2)].value == full.refusal
        village.runtimes[second] = node
        await village.live(seconds=60)
        held = {row.author: row.length for row in full.logs()}
        assert {row.author: row.length for row in other.logs()} == held
        road = village.runtimes[first]._transport
        assert isinstance(road, Road)
        del road.said[:]
        node.emit(Submitted(Ticket(3), (_work(),)))
        await village.live(seconds=60)
        assert {row.author: row.length for row in full.logs()} == held
        drops = [one for one in road.said if isinstance(one, Drop)]
        assert not drops, "what cannot be kept costs nobody their link"
        assert other.counts().records == full.counts().records + 1
        full.refusal = None
        await village.live(seconds=60)
        assert full.counts().records == other.counts().records == sum(held.values()) + 1


async def test_a_node_that_is_never_quiet_tidies_up_all_the_same(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied: list[float] = []
    monkeypatch.setattr(Store, "tidy", lambda _: tidied.append(trio.current_time()))
    with ExitStack() as stack:
        village = Village(stack)
        mei = village.settle(homes.founder(tmp_path / "mei"))
        await village.live(seconds=5)
        del tidied[:]
        began = trio.current_time()
        for number in range(130):
            village.runtimes[mei].emit(Submitted(Ticket(number), (_work(),)))
            await village.live(seconds=1)
        assert len(tidied) == 2
        assert tidied[0] - began <= CHECKPOINT_LATE_S + 1


async def test_a_quiet_node_tidies_up_until_nothing_is_left(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied: list[float] = []

    def tidy(_store: Store) -> bool:
        tidied.append(trio.current_time())
        return len(tidied) % 5 > 0

    monkeypatch.setattr(Store, "tidy", tidy)
    with ExitStack() as stack:
        village = Village(stack)
        village.settle(homes.founder(tmp_path / "mei"))
        await village.live(seconds=CHECKPOINT_LATE_S + 10)
    assert len(tidied) == 5
    pauses = [round(later - before, 3) for before, later in pairwise(tidied)]
    assert pauses == [TIDY_PAUSE_S] * 4


async def test_whoever_is_told_that_a_record_is_written_can_read_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        village = Village(stack)
        home = homes.founder(tmp_path / "mei")
        mei = village.settle(home)
        node = village.runtimes[mei]
        before = village.stores[mei].counts().records
        counted: list[int] = []
        reader = stack.enter_context(home.store(readonly=True))
        node._answer = lambda _answer: counted.append(reader.counts().records)
        node.emit(Submitted(Ticket(1), (_work(),)))
        await village.live(seconds=1)
        assert counted == [before + 1]


def _work() -> Wish:
    effort: codec.Value = {"n": 3, "scale": 0, "unit": "hour"}
    return Wish("event", {"action": "work", "provider": b"x" * 32, "effortQuantity": effort})


async def test_a_home_that_is_not_there_for_a_while_ends_no_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_thread, "LATE_S", 0.1)
    monkeypatch.setattr(ledger_thread, "QUIET_S", 0.05)
    home = homes.founder(tmp_path / "home")
    with home.store(readonly=True) as store:
        community = Settings.read(store).here
    told: list[Event] = []
    part = ledger_thread.LedgerThread(home.database, home.state, community)
    home.path.rename(tmp_path / "away")
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(part.run, told.append)
            await trio.sleep(0.5)
            assert not told
            (tmp_path / "away").rename(home.path)
            while not told:
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
