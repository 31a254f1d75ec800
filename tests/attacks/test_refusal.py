"""The disk refuses at any change: full, or failing, once or for a while.

The real runtime, service and store run on an emulated disk. Whatever is refused, nobody is told
of a record that is not on the disk, questions are answered meanwhile, and once the disk takes
changes again the same process writes again.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import apsw
import pytest
import trio
from trio.testing import MockClock

from commonweal.node.runtime.loop import RETRY_S, Runtime
from commonweal.node.service.events import Answer, Asked, Submitted, Ticket, Wish
from commonweal.node.service.peer import Identity
from commonweal.node.service.service import Service
from commonweal.protocol.errors import CommonwealError, DiskFailed, DiskFull, StorageError
from commonweal.protocol.records.record import RecordId
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.sqlite import database, schema
from tests.attacks import history
from tests.attacks.disk import Disk, FileSystem, Sqlite
from tests.builders.runtimes import Inline, Links
from tests.protocol.authors import COMMUNITY, FIRST, FOUNDING, MEI

FILES = FileSystem("refusing")
KINDS: dict[str, type[apsw.Error]] = {"full": apsw.FullError, "failing": apsw.IOError}
KTH_MAX = 200
ONCE_ONE_IN = 4
"""A single refusal is tried at one in so many changes; one that lasts, at each."""
ASKS = 15
OUTAGE_S = 2.5 * RETRY_S

# A refusal that SQLite passes over, as when it closes, APSW reports to nobody in particular.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path on the emulated disk, whose write-ahead log is moved often."""
    monkeypatch.setattr(database, "WAL_PAGES_MAX", 12)
    for module in (database, schema):
        monkeypatch.setattr(module, "sqlite3", Sqlite(FILES))
    FILES.disk = Disk()
    store = Store(tmp_path / "home.db")
    assert FIRST.body is not None
    store.append(MEI.device, [FIRST], {FIRST.body.hash: FOUNDING.body})
    store.mark_checked(MEI.device, 1)
    store.commit()
    store.close()
    return tmp_path / "home.db"


@pytest.fixture
def autojump_clock() -> MockClock:
    """Time that jumps to the next deadline when nobody has anything to do."""
    return MockClock(autojump_threshold=0)


class Owner:
    """A client that writes and asks all the time, and keeps every answer."""

    def __init__(self, path: Path) -> None:
        self.acknowledged: list[RecordId] = []
        self.refused: list[CommonwealError] = []
        self.answered = 0
        self.store = Store(path)
        service = Service(self.store, COMMUNITY, Identity(MEI.signer, MEI.host), Random(1))
        self.node = Runtime(
            service,
            self.store,
            Links([]),
            self._told,
            now_ms=lambda: 1_790_000_000_000 + round(trio.current_time() * 1000),
            worker=Inline(),
        )
        self._tickets = 0

    def _told(self, answer: Answer) -> None:
        match answer.value:
            case {"records": list(records)}:
                for one in records:
                    wire = self.store.wire(one["id"])
                    assert wire is not None
                    on_disk = b"".join(file.durable for file in FILES.disk.files.values())
                    assert wire[-64:] in on_disk, "acknowledged before it was on the disk"
                    self.acknowledged.append(one["id"])
            case {"records": int()}:
                self.answered += 1
            case CommonwealError() as error:
                self.refused.append(error)
            case other:
                raise AssertionError(other)

    async def act(self, rounds: int, pause_s: float) -> None:
        """Write and ask, again and again."""
        for _ in range(rounds):
            self._tickets += 2
            wish = Wish("event", {"action": "work", "n": self._tickets, "tag": "x" * 800})
            self.node.emit(Submitted(Ticket(self._tickets), (wish, wish)))
            await trio.sleep(pause_s / 2)
            self.node.emit(Asked(Ticket(self._tickets + 1), "status"))
            await trio.sleep(pause_s / 2)


async def outlive(path: Path, kth: int, kind: type[apsw.Error], *, stays: bool) -> Owner:
    """Let the k-th change be refused, heal the disk after a while, and write again."""
    owner = Owner(path)
    disk = FILES.disk
    async with trio.open_nursery() as nursery:
        nursery.start_soon(owner.node.run)
        await trio.sleep(0.5)
        disk.fails_at, disk.refusal, disk.stays = disk.changes + kth, kind, stays
        await owner.act(ASKS, 1.5)
        if disk.failed:
            before = owner.answered
            await owner.act(2, 1.0)
            assert owner.answered >= before + 2, "reads go on while nothing can be written"
        await trio.sleep(OUTAGE_S)
        disk.heal()
        await trio.sleep(RETRY_S + 1)
        before = len(owner.acknowledged)
        await owner.act(2, 1.0)
        assert len(owner.acknowledged) == before + 4, "it writes again without a restart"
        assert owner.node.refusal is None
        nursery.cancel_scope.cancel()
    owner.store.close()
    return owner


@pytest.mark.parametrize("stays", [False, True], ids=["once", "for-a-while"])
@pytest.mark.parametrize("kind", list(KINDS))
async def test_whatever_change_is_refused_nothing_is_acknowledged_that_is_not_kept(
    path: Path, kind: str, stays: bool, autojump_clock: MockClock
) -> None:
    image = FILES.disk.image()
    hit = tried = 0
    for kth in range(1, KTH_MAX + 1, 1 if stays else ONCE_ONE_IN):
        tried += 1
        FILES.disk = Disk(image)
        owner = await outlive(path, kth, KINDS[kind], stays=stays)
        hit += FILES.disk.failed > 0
        if stays and FILES.disk.failed:
            assert owner.refused, "who writes meanwhile is told"
        wanted = DiskFull if kind == "full" else DiskFailed
        for error in owner.refused:
            assert isinstance(error, StorageError)
            assert type(error) is wanted and error.exit_code == 73
        FILES.disk.crash(Random(kth))
        with_all = Store(path)
        assert all(with_all.wire(id) is not None for id in owner.acknowledged), kth
        assert with_all.rows("PRAGMA integrity_check") == [("ok",)]
        with_all.close()
    assert hit > tried * 0.9, "nearly every one of these changes was made and refused"


async def test_a_device_that_vanishes_is_used_again_when_it_is_back(
    path: Path, autojump_clock: MockClock
) -> None:
    owner = Owner(path)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(owner.node.run)
        await owner.act(3, 1.0)
        assert len(owner.acknowledged) == 6
        FILES.disk.gone = True
        await owner.act(40, 1.0)
        assert len(owner.acknowledged) == 6 and len(owner.refused) >= 40
        FILES.disk.gone = False
        await trio.sleep(2 * RETRY_S + 1)
        await owner.act(2, 1.0)
        assert len(owner.acknowledged) == 10
        nursery.cancel_scope.cancel()
    owner.store.close()


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_store_goes_on_from_its_last_commit_after_any_refused_change(
    path: Path, kind: str
) -> None:
    steps, known = history.steps(3, 16), history.lives(3, 16)
    for kth in range(1, KTH_MAX + 1):
        FILES.disk = Disk()
        FILES.disk.fails_at, FILES.disk.refusal = kth + 60, KINDS[kind]
        try:
            store = Store(path)
        except StorageError:
            store = Store(path)
        at = 0
        while at < len(steps):
            try:
                steps[at](store)
                store.commit()
            except StorageError as error:
                if isinstance(error, DiskFailed):
                    store.reopen()
                else:
                    store.rollback()
                at = history.step_of(store)
                assert at < 0 or history.contents(store) == known[at]
            at += 1
        assert FILES.disk.failed == 1
        assert history.contents(store) == known[-1], kth
        store.close()
