"""A backlog is sealed in one pass: each record is read and folded once, whatever is final before.

What is counted here is work, not time: decoded records, folded records, and steps of SQLite.
"""

from __future__ import annotations

import gc
from collections import Counter
from typing import Any
from weakref import ref

import pytest

from commonweal.protocol import codec
from commonweal.protocol.keys import SIGNATURE_BYTES
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.things.event_row import EVENT
from commonweal.storage.consensus import proposals, reader
from commonweal.storage.ledger.state import pending_state, state_db
from commonweal.storage.ledger.state.finalizer import Finalizer, StoredHistory
from commonweal.storage.ledger.views import views
from tests.builders.sealing_nodes import Node, seal_once
from tests.protocol.ledger.workshop import Workshop, hours, paying
from tests.storage.consensus.test_proposals import MINUTE, node_of, signers_of
from tests.storage.ledger.test_ledger import everything

PER_CUT = 40


@pytest.fixture(autouse=True)
def _small_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "FULL_CUT_RECORDS", PER_CUT)
    monkeypatch.setattr(reader, "HAVE_RECORDS_MAX", PER_CUT)


def backlog(records: int) -> tuple[Workshop, Node]:
    """Return a workshop of one witness, whose first records are final, and whose others wait."""
    shop = Workshop(paying(), "Jun")
    node = node_of(shop)
    seal_once([node], signers_of(shop), shop.now_ms)
    work = {"action": "work", "provider": shop.id("Mei"), "effortQuantity": hours(1)}
    for _ in range(records):
        shop.write("Mei", "event", work)
    node.take(shop.records)
    return shop, node


def seal_all(shop: Workshop, node: Node) -> int:
    """Seal until nothing waits; return how many heights that took."""
    heights = 0
    while node.assessor.outlook().unsealed:
        shop.now_ms += MINUTE
        seal_once([node], signers_of(shop), shop.now_ms)
        heights += 1
    return heights


def test_each_record_of_a_backlog_is_folded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, node = backlog(3 * PER_CUT)
    node.kept.refresh()
    assert node.kept.is_whole, "all that waits was folded above the cut, as commands do"
    folded: Counter[bytes] = Counter()
    fold = Ledger._fold

    def counting(self: Ledger, entry: Any, mark: int) -> Any:
        folded[entry.record.id] += 1
        return fold(self, entry, mark)

    monkeypatch.setattr(Ledger, "_fold", counting)
    assert seal_all(shop, node) == 3
    events = [record.id for record in shop.records if record.kind == "event"]
    assert len(events) == 3 * PER_CUT
    assert [folded[id] for id in events] == [1] * len(events)


def test_each_record_of_a_backlog_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, node = backlog(2 * PER_CUT)
    decoded: Counter[bytes] = Counter()
    decode = codec.decode

    def counting(data: bytes, *bounds: Any, **named: Any) -> Any:
        decoded[data] += 1
        return decode(data, *bounds, **named)

    monkeypatch.setattr(codec, "decode", counting)
    assert seal_all(shop, node) == 2
    waiting = shop.records[-2 * PER_CUT :]
    counts = [decoded[record.wire[:-SIGNATURE_BYTES]] for record in waiting]
    # The first record of each cut is looked at once more, to see whether it cites what waits.
    assert sum(counts) <= len(counts) + 8, counts


def test_nothing_of_a_cut_stays_in_memory_once_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, node = backlog(PER_CUT)
    histories: list[ref[StoredHistory]] = []
    begin = Finalizer.history

    def noting(self: Finalizer) -> StoredHistory:
        history = begin(self)
        histories.append(ref(history))
        return history

    monkeypatch.setattr(Finalizer, "history", noting)
    gc.disable()
    try:
        assert seal_all(shop, node) == 1
        assert len(histories) == 1, "what was built is not folded again"
        assert [history() for history in histories] == [None]
        assert node.kept.ready is None
    finally:
        gc.enable()


def test_a_history_is_freed_without_a_search_for_cycles() -> None:
    shop = Workshop(paying(), "Jun")
    history = History(shop.community)
    history.add_documents(shop.documents)
    history.add(shop.records)
    assert history.state.get(b"F") is not None
    noted = ref(history)
    gc.disable()
    try:
        del history
        assert noted() is None
    finally:
        gc.enable()


def steps_of_a_cut(final: int) -> int:
    """Return how many hundred steps SQLite makes to seal one record above so many final ones."""
    shop, node = backlog(final)
    seal_all(shop, node)
    shop.work("Mei", 2)
    node.take(shop.records)
    node.assessor.outlook()
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    node.layers._connection.set_progress_handler(count, 100)
    assert seal_all(shop, node) == 1
    node.layers._connection.set_progress_handler(None, 100)
    return steps


def test_a_cut_reads_no_more_of_the_state_when_more_is_final() -> None:
    few, many = steps_of_a_cut(PER_CUT), steps_of_a_cut(20 * PER_CUT)
    assert many < 1.5 * few, f"{few} and {many} hundred steps"


@pytest.mark.parametrize("portion", [3, 10_000])
def test_a_cut_takes_back_a_large_overlay_in_portions(
    portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_db, "CLEARED_KEYS_MAX", portion)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_MAX", 6)
    monkeypatch.setattr(pending_state, "NEWEST_RECORDS_KEPT", 3)
    shop, node = backlog(2 * PER_CUT)
    node.kept.refresh()
    assert node.layers.rows("SELECT 1 FROM state WHERE layer = 1 LIMIT 1"), "an overlay is kept"
    shop.now_ms += MINUTE
    seal_once([node], signers_of(shop), shop.now_ms)
    node.kept.refresh(whole=False)
    assert not node.layers.rows("SELECT 1 FROM state WHERE layer > 0")
    ((events,),) = node.layers.rows("SELECT count(*) FROM event_row")
    assert events == PER_CUT, "what no cut covers is shown only where it is folded"
    node.kept.refresh()
    ((events,),) = node.layers.rows("SELECT count(*) FROM event_row")
    assert events == 2 * PER_CUT
    fresh = Node(shop.community, shop.documents, node.store)
    assert everything(fresh.kept.state) == everything(node.kept.state)


def test_rows_of_what_a_cut_wrote_are_those_that_its_table_gives() -> None:
    shop, node = backlog(5)
    done = shop.work("Mei", 7, by="Jun")
    shop.earn(900)
    node.take(shop.records)
    seal_all(shop, node)
    more = {"action": "work", "corrects": done.id, "effortQuantity": hours(1)}
    shop.write("Mei", "event", more)
    shop.attest(shop.work("Jun", 2), "Mei")
    node.take(shop.records)
    seal_all(shop, node)
    rows = "SELECT * FROM event_entry ORDER BY number"
    before = node.layers.rows(rows)
    assert len(before) == 8
    node.layers.change("DELETE FROM event_entry")
    keys = [key for key, _ in node.layers.each_final(EVENT)]
    views.refresh(node.layers, node.store, keys)
    times = 5  # columns that follow from the records, and are noted only when these are folded
    assert [row[:-times] for row in node.layers.rows(rows)] == [row[:-times] for row in before]


def test_a_backlog_comes_to_the_roots_of_a_history_in_memory() -> None:
    shop, node = backlog(2 * PER_CUT)
    shop.earn(900)
    node.take(shop.records)
    seal_all(shop, node)
    plain = History(shop.community)
    plain.add_documents(shop.documents)
    plain.add(shop.records)
    for height in range(1, node.kept.cut.height + 1):
        kept = node.seals.at(height)
        assert kept is not None
        seal = kept.sealed.seal
        advance = plain.advance(kept.delta, seal.time_ms)
        outcome = plain.conclude(advance, plain.covered(advance).records)
        roots = plain.roots(outcome)
        assert (advance.cut.root, roots.state, roots.members, roots.distribution) == (
            *(seal.cut_root, seal.state_root, seal.members_root, seal.distribution_root),
        )
        plain.accept(outcome, seal.id, roots)
    assert node.kept.cut.height >= 3
