"""What a node that lives for long keeps in memory: no pages that the system has too, few ids."""

from __future__ import annotations

import ctypes
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio

from commonweal.node.runtime import process_life
from commonweal.node.runtime.ledger import ledger_thread
from commonweal.node.runtime.ledger.ledger_thread import LedgerThread
from commonweal.node.service.core import Core
from commonweal.node.service.events import Event, Wish
from commonweal.node.service.peer import Identity
from commonweal.node.service.replica.replica import Replica
from commonweal.node.service.upkeep.scrub import SCRUB_BYTES, SCRUB_RECORDS, Scrubber
from commonweal.protocol.errors import DiskFailed, ReadOnlyDatabase
from commonweal.protocol.records import packed_run
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.logs import id_index, record_lookup
from commonweal.storage.records.logs.log_store import Store
from tests.builders.unasked import write
from tests.builders.weal import founder
from tests.protocol.authors import BO, COMMUNITY, FIRST, FOUNDING, MEI, chain
from tests.protocol.ledger.village import Village
from tests.storage.ledger.test_ledger import Home as Kept
from tests.storage.ledger.test_ledger import founding_documents

PATIENCE_S = 10.0
RECORD_BYTES = 400
"""More than a record of the chain has."""
WORK = Wish("event", {"action": "work", "provider": bytes(16)})
BEFORE, AFTER = b"the text as it was ", b"the text as it will"


def change(file: Path) -> None:
    """Put other bytes in a file, as nobody does who asks SQLite: what is cached is not so."""
    held = file.read_bytes()
    assert held.count(BEFORE) == 1
    with file.open("r+b") as opened:
        opened.seek(held.index(BEFORE))
        opened.write(AFTER)


def resident_bytes() -> int:
    """Return how much memory of this process is in use, as the system counts; 0 if it does not."""
    counts = Path("/proc/self/statm")
    pages = int(counts.read_text("ascii").split()[1]) if counts.exists() else 0
    return pages * resource.getpagesize()


def in_home(folder: Path) -> LedgerThread:
    """Return what decides in a home that is founded in `folder`."""
    home = Home(founder(folder / "home"))
    with home.store(readonly=True) as store:
        return LedgerThread(home.database, home.state, Settings.read(store).here)


def test_a_checkpoint_lets_go_of_the_pages_that_are_cached(tmp_path: Path) -> None:
    store = Store(tmp_path / "ledger.db")
    store.put_setting("name", BEFORE)
    store.commit()
    store.checkpoint()
    assert store.setting("name") == BEFORE
    change(tmp_path / "ledger.db")
    assert store.setting("name") == BEFORE, "read from what is cached"
    store.checkpoint()
    assert store.setting("name") == AFTER, "read anew"
    store.close()


def test_who_folded_lets_go_of_the_pages_that_are_cached(tmp_path: Path) -> None:
    who = in_home(tmp_path)
    who.step(1)
    assert who._open is not None
    said: list[str] = []
    for part in who._open[:2]:
        part._connection.set_trace_callback(said.append)
    write(Home(tmp_path / "home"), [WORK])
    who.step(2)
    assert said.count("PRAGMA shrink_memory") == 2
    assert said[-1] == "PRAGMA shrink_memory", "after all that is read"
    who.close()


async def test_pages_that_nobody_uses_go_back_to_the_system() -> None:
    blocks = [bytes(2_000) for _ in range(20_000)]
    kept = blocks[::100]  # among those that go, so that what is free does not lie at the end
    del blocks
    before = resident_bytes()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(process_life.sweep, 0.01)
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    assert len(kept) == 200
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        assert before - resident_bytes() > 20_000_000


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"), reason="another library gives memory"
)
def test_threads_of_a_node_take_memory_from_one_place() -> None:
    program = (
        "import ctypes, os, threading\n"
        "from commonweal.node.runtime import process_life\n"
        "process_life.share_memory()\n"
        "keep = []\n"
        "def take(): keep.append([ctypes.create_string_buffer(5_000) for _ in range(50)])\n"
        "threads = [threading.Thread(target=take) for _ in range(8)]\n"
        "[one.start() for one in threads]; [one.join() for one in threads]\n"
        "libc = ctypes.CDLL(None); libc.fdopen.restype = ctypes.c_void_p\n"
        "out = ctypes.c_void_p(libc.fdopen(1, b'w'))\n"
        "libc.malloc_info(0, out); libc.fflush(out)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout.count("<heap nr") == 1, said.stderr


def test_few_clocks_stay_when_memory_is_given_back() -> None:
    log = chain(BO, 2 * record_lookup.CLOCKS_IDLE)
    store = Store()
    store.append(BO.device, log)
    store.commit()
    clocks = [store.clock_of(one.id) for one in log]
    store.checkpoint()
    assert len(store._clocks) == record_lookup.CLOCKS_IDLE <= 1_024
    assert [store.clock_of(one.id) for one in log] == clocks
    store.close()


async def test_who_looks_often_opens_the_ledger_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_thread, "QUIET_S", 0.01)
    monkeypatch.setattr(ledger_thread, "LATE_S", 0.0)
    opened: list[Store] = []

    def opening(path: Path, *, readonly: bool) -> Store:
        opened.append(Store(path, readonly=readonly))
        return opened[-1]

    monkeypatch.setattr(ledger_thread, "Store", opening)
    looks = 0
    step = LedgerThread.step

    def counted(self: LedgerThread, *details: Any) -> list[Event]:
        nonlocal looks
        looks += 1
        return step(self, *details)

    monkeypatch.setattr(LedgerThread, "step", counted)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(in_home(tmp_path).run, lambda _event: None)
        with trio.fail_after(PATIENCE_S):
            while looks < 8:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert len(opened) == 2, "once to see how much there is, once to stay"


async def test_who_decides_outlives_a_disk_that_cannot_be_read_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_thread, "QUIET_S", 0.01)
    monkeypatch.setattr(ledger_thread, "LATE_S", 0.0)
    failures = [DiskFailed("a bad cable"), DiskFailed("still"), ReadOnlyDatabase("no more files")]

    def opening(path: Path, *, readonly: bool) -> Store:
        if failures:
            raise failures.pop()
        return Store(path, readonly=readonly)

    monkeypatch.setattr(ledger_thread, "Store", opening)
    concluded: list[Event] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(in_home(tmp_path).run, concluded.append)
        with trio.fail_after(PATIENCE_S):
            while not concluded:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()


def test_a_round_of_the_scrub_keeps_nothing_of_what_it_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, log = Store(tmp_path / "ledger.db"), chain(MEI, 1_024, FIRST)
    assert FIRST.body is not None
    store.append(MEI.device, [FIRST], {FIRST.body.hash: FOUNDING.body})
    store.append(MEI.device, log)
    store.commit()
    unpacked: list[int] = []
    unpack = packed_run.unpack

    def noted(opening: bytes, seq: int, packed: bytes) -> packed_run.UnpackedRun:
        unpacked.append(seq)
        return unpack(opening, seq, packed)

    monkeypatch.setattr(packed_run, "unpack", noted)
    scrubber = Scrubber(Core(Replica(store, COMMUNITY), Identity(MEI.signer, MEI.host), Random(1)))
    statements: list[str] = []
    store._connection.set_trace_callback(statements.append)
    sizes: list[int] = []
    wires = store.wires

    def counted(*of: Any) -> list[bytes]:
        sizes.append(len(read := wires(*of)))
        return read

    monkeypatch.setattr(store, "wires", counted)
    for _ in range(len(log) * RECORD_BYTES // SCRUB_BYTES + 2):
        scrubber.step()
        assert store._unpacked == {}, "runs that were read"
        assert statements[-1] == "PRAGMA shrink_memory", "after all that is read"
    assert len(set(unpacked)) == 1_024 // packed_run.RECORDS_MAX, "all of it was read"
    assert max(sizes) == SCRUB_RECORDS, "as much is in memory at a time"
    store.close()


def test_an_idle_store_keeps_few_ids_in_memory() -> None:
    log = chain(BO, id_index.FRESH_IDS_IDLE)
    store = Store()
    for one in log:
        store.append(BO.device, [one])
        assert store.wire(one.id) == one.wire
    assert len(store._ids._fresh()) == id_index.FRESH_IDS_IDLE <= 1_024
    store.tidy()
    assert not store._ids._fresh()
    assert store.wire(log[7].id) == log[7].wire
    store.close()


def test_a_fold_of_what_is_new_takes_no_more_memory_when_more_is_old() -> None:
    village = Village()
    for _ in range(1_500):
        village.mei.write("event", dict(WORK.data))
    home = Kept(village.community, founding_documents(village))
    home.hold(village.records)
    home.arrive(village.mei.key, 1_500)
    assert home.state.cut.height == 0
    home.arrive(village.mei.key, 1)
    tracemalloc.start()
    try:
        assert home.state.cut.height == 0
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1024 * 1024, f"{peak_bytes} bytes"
