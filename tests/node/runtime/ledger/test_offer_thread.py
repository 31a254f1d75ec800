"""The threads beside the ledger's: one hands out the state, one audits a state that was taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio

from commonweal.node.runtime.ledger import audit_thread, offer_thread
from commonweal.node.runtime.ledger.audit_thread import AuditThread
from commonweal.node.runtime.ledger.offer_thread import OfferThread
from commonweal.node.service.events import Event, ReadStateChunk, StateAnswered
from commonweal.storage.consensus.audit import AuditProgress
from commonweal.storage.consensus.offers import OFFER_UNUSED_MS_MAX
from commonweal.storage.consensus.restored import TAKEN
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records.logs.log_store import Store
from tests.builders.sealing_nodes import Node
from tests.storage.consensus.test_snapshots import Past, fetch, handed_out, offers


class Scene:
    """A newcomer's files: all records, and a state that was taken from who sealed them."""

    def __init__(self, folder: Path) -> None:
        self.past = Past()
        for hours in (1, 2, 3):
            self.past.work("Jun", hours, by="Ana")
            self.past.seal_all()
        self.ledger, self.state = folder / "ledger.db", folder / "state.db"
        node = Node(self.past.community, self.past.documents, Store(self.ledger))
        for kept in self.past.chain:
            node.put(kept.sealed, kept)
        fetch(node, offers(self.past.here))
        node.take(self.past.records)
        with closing(StateDb(self.state)) as layers:
            layers.replace_by(node.layers)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    yield Scene(tmp_path)


def test_chunks_are_handed_out_and_the_offer_goes_when_nobody_asks(scene: Scene) -> None:
    offer, chunks = handed_out(scene.past.here)
    thread = OfferThread(scene.ledger, scene.state, scene.past.community)
    asked = [ReadStateChunk(0, 0), ReadStateChunk(offer.height, offer.chunks)]
    asked += [ReadStateChunk(offer.height + 1, 0)]
    answers = thread.step(1, asked)
    assert answers == [
        StateAnswered(asked[0], (offer, chunks[0])),
        StateAnswered(asked[1], None),
        StateAnswered(asked[2], None),
    ]
    file = scene.state.with_name("state.db.offer")
    assert file.exists() and thread.step(OFFER_UNUSED_MS_MAX) == [] and file.exists()
    assert thread.step(1 + OFFER_UNUSED_MS_MAX) == [] and not file.exists()


def test_while_a_state_cannot_be_read_who_asks_is_told_that_there_is_none(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    away = scene.ledger.rename(scene.ledger.with_name("away.db"))
    thread = OfferThread(scene.ledger, scene.state, scene.past.community)
    asked = [ReadStateChunk(0, 0), ReadStateChunk(0, 1)]
    for now_ms in (1, 2):
        assert thread.step(now_ms, asked) == [StateAnswered(request, None) for request in asked]
    assert [entry.levelname for entry in caplog.records] == ["WARNING"], "it is logged once"
    away.rename(scene.ledger)
    offer, chunks = handed_out(scene.past.here)
    assert thread.step(3, asked[:1]) == [StateAnswered(asked[0], (offer, chunks[0]))]
    thread.close()


async def test_a_request_wakes_the_thread(scene: Scene) -> None:
    thread = OfferThread(scene.ledger, scene.state, scene.past.community)
    told: list[Event] = []
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(thread.run, told.append)
            thread.assess(ReadStateChunk(0, 0))
            while not told:
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    assert [type(event) for event in told] == [StateAnswered]


def test_requests_that_wait_are_bounded(scene: Scene) -> None:
    thread = OfferThread(scene.ledger, scene.state, scene.past.community)
    for number in range(2 * offer_thread.REQUESTS_MAX):
        thread.assess(ReadStateChunk(0, number))
    assert len(thread._requests) == offer_thread.REQUESTS_MAX


async def test_an_audit_ends_by_itself(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_thread, "REST_S_MIN", 0.0)
    with closing(StateDb(scene.state)) as layers:
        assert layers.mark(TAKEN) == 3
        with trio.fail_after(30):
            await AuditThread(scene.ledger, scene.state, scene.past.community).run()
        assert layers.mark(TAKEN) is None


def test_an_audit_waits_while_the_record_database_is_away(scene: Scene) -> None:
    scene.ledger.unlink()
    thread = AuditThread(scene.ledger, scene.state, scene.past.community)
    assert thread.step() is AuditProgress.WAITS
