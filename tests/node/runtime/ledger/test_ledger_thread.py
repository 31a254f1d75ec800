"""The thread that concludes: what it folds above the cut, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from commonweal.node.control.server import LocalServer
from commonweal.node.runtime import process
from commonweal.node.runtime.ledger import ledger_thread
from commonweal.node.runtime.ledger.ledger_thread import LedgerThread
from commonweal.node.service.events import Event, OutlookChanged, Submitted, Ticket, Wish
from commonweal.protocol.errors import DiskFailed
from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.ledger.finality import unsealed
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.records.record import CommunityId, clock_from_bytes
from commonweal.storage.consensus import proposals, reader
from commonweal.storage.home import keystore
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state import pending_state
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store
from tests.builders import homes
from tests.builders.sealing_nodes import Node, seal_once
from tests.protocol.ledger.workshop import Workshop, paying
from tests.storage.ledger.test_ledger import everything

CUT = 10
BACKLOG = 10 * CUT
FOLDS_PER_RECORD_MAX = 3
"""Once when it is sealed, once before, and what portions are thrown away."""


class Witness:
    """The founder's node with a backlog: its ledger on disk, and the thread that concludes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop = Workshop(paying(), "Jun")
        path = folder / "ledger.db"
        self.node = Node(self.shop.community, self.shop.documents, Store(path))
        self.state = folder / "state.db"
        self.deciding = LedgerThread(path, self.state, self.shop.community)
        self.now_ms, self.folds = self.shop.now_ms, 0
        self._patch = monkeypatch
        for module in (unsealed, proposals):
            monkeypatch.setattr(module, "FULL_CUT_RECORDS", CUT)
        monkeypatch.setattr(reader, "HAVE_RECORDS_MAX", CUT)
        monkeypatch.setattr(pending_state, "NEWEST_RECORDS_MAX", 4)
        monkeypatch.setattr(pending_state, "NEWEST_RECORDS_KEPT", 2)
        monkeypatch.setattr(pending_state, "PORTION_RECORDS_MAX", CUT // 2)

    def write(self, records: int) -> None:
        """Let Jun record so many contributions, which arrive."""
        for number in range(records):
            self.shop.work("Jun", number + 1)
        self.node.take(self.shop.records)

    def seal(self) -> None:
        """Let the next cut be final."""
        signers: dict[DeviceKey, Signer] = {pen.key: pen.signer for pen in self.shop.pens.values()}
        seal_once([self.node], signers, self.now_ms)

    def look(self, after_ms: int) -> None:
        """Let the thread look at the ledger, when so much time has passed; count what it folds."""
        self.now_ms += after_ms
        fold = Ledger.fold

        def counted(ledger: Ledger, records_max: int | None = None) -> bool:
            self.folds += ledger.waiting
            return fold(ledger, records_max)

        with self._patch.context() as patch:
            patch.setattr(Ledger, "fold", counted)
            self.deciding.step(self.now_ms)

    def state_for(self, path: Path | str) -> LedgerState:
        """Return the state as a command reads it, kept in that file."""
        return LedgerState(Store(self.node.store.path), StateDb(path), self.shop.community)

    def check(self) -> None:
        """Fail when a command finds another state than that of one fold of everything."""
        assert everything(self.state_for(self.state).state) == everything(
            self.state_for(":memory:").state
        )


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Witness]:
    made = Witness(tmp_path, monkeypatch)
    yield made
    made.deciding.close()


def test_a_backlog_is_not_folded_again_after_each_cut(witness: Witness) -> None:
    witness.write(BACKLOG)
    for _ in range(BACKLOG // CUT):
        witness.look(after_ms=CUT)
        witness.seal()
        witness.look(after_ms=0)
    assert witness.node.assessor.outlook().height == BACKLOG // CUT
    assert BACKLOG <= witness.folds <= FOLDS_PER_RECORD_MAX * BACKLOG


def test_what_stands_above_the_cut_is_folded_in_the_end_though_nobody_asks(
    witness: Witness,
) -> None:
    witness.write(BACKLOG)
    witness.look(after_ms=0)
    witness.seal()
    for _ in range(BACKLOG):
        witness.look(after_ms=CUT)
    at_rest = witness.folds
    assert at_rest <= FOLDS_PER_RECORD_MAX * BACKLOG
    witness.look(after_ms=CUT)
    assert witness.folds == at_rest, "once"
    layers = StateDb(witness.state)
    assert layers.mark("ledger") is not None, "a command finds all of it folded"
    witness.check()


def test_a_command_needs_not_wait_until_the_backlog_is_folded(witness: Witness) -> None:
    witness.write(BACKLOG)
    for _ in range(3):
        witness.look(after_ms=CUT)
        witness.check()
        witness.write(3)
        witness.look(after_ms=CUT)
        witness.seal()
        witness.look(after_ms=CUT)
        witness.check()


def test_a_clock_that_is_set_back_lets_no_node_rest_for_long(witness: Witness) -> None:
    witness.write(BACKLOG)
    witness.look(after_ms=0)
    folded = witness.folds
    witness.look(after_ms=0)
    assert witness.folds == folded, "it rests"
    witness.look(after_ms=-3_600_000)
    assert witness.folds > folded


def test_who_builds_a_seal_reads_no_more_of_a_backlog_than_it_covers(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness.write(BACKLOG)
    read: list[bytes] = []

    def counted(wire: bytes) -> int:
        read.append(wire)
        return clock_from_bytes(wire)

    monkeypatch.setattr(pending_state, "CLOCKS_BYTES", 1)
    monkeypatch.setattr(pending_state, "clock_from_bytes", counted)
    witness.seal()
    assert CUT <= len(read) <= 3 * CUT


async def test_a_disk_that_fails_is_not_asked_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_thread, "QUIET_S", 0.01)
    thread = LedgerThread(tmp_path / "ledger.db", tmp_path / "state.db", CommunityId(bytes(32)))
    (tmp_path / "ledger.db-wal").touch()
    looked: list[int] = []

    def failing() -> None:
        looked.append(1)
        raise DiskFailed("state.db")

    monkeypatch.setattr(thread, "_opened", failing)
    monkeypatch.setattr(thread, "_count", lambda _: 0)
    with trio.move_on_after(0.5):
        await thread.run(lambda _: None)
    assert 1 <= len(looked) <= 3


async def test_the_ledger_thread_is_told_of_each_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the node as `weal up` assembles it, without its timer and without any request."""
    monkeypatch.setattr(ledger_thread, "LATE_S", 3_600.0)
    monkeypatch.setattr(LedgerThread, "assess", lambda _self, _request: None)
    home = homes.founder(tmp_path / "home")
    secrets = keystore.unlock(home.keystore, None)
    unsealed: list[int] = []
    with process.opened(home, secrets, homes.LOOPBACK, LocalServer) as node:
        emit = node.runtime.emit

        def noted(event: Event) -> None:
            if isinstance(event, OutlookChanged):
                unsealed.append(event.outlook.unsealed)
            emit(event)

        monkeypatch.setattr(node.runtime, "emit", noted)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(process.live, node, lambda _addresses: None)
            with trio.fail_after(20):
                while not unsealed:
                    await trio.sleep(0.01)
                await trio.sleep(2 * ledger_thread.QUIET_S)
                before = unsealed[-1]
                emit(Submitted(Ticket(1), (Wish("member.profile", {"name": "Mei Lin"}),)))
                while unsealed[-1] == before:
                    await trio.sleep(0.01)
            node.scope.cancel()
    assert unsealed[-1] == before + 1


def test_while_cuts_follow_each_other_nothing_above_them_is_folded(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness.deciding._pace.cut_records = CUT
    folded: list[int] = []
    monkeypatch.setattr(
        LedgerThread, "_fold_above", lambda _self, _app, now_ms: folded.append(now_ms)
    )
    witness.write(BACKLOG)
    for _ in range(BACKLOG // CUT - 2):
        witness.look(after_ms=ledger_thread.SEALING_MS - 1)
        witness.seal()
    witness.look(after_ms=0)
    assert folded == [], "the next cut would make it void"
    witness.look(after_ms=ledger_thread.SEALING_MS - 1)
    assert folded == []
    witness.look(after_ms=1)
    assert folded == [witness.now_ms], "no seal follows: members want to see what waits"
    witness.seal()
    witness.seal()
    witness.look(after_ms=0)
    assert folded == [witness.now_ms] * 2, "one cut takes all that is left"
