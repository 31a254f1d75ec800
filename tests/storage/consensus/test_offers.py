"""A state is handed out in bounded memory, and replaces another one whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol.errors import WrongState
from commonweal.protocol.ledger.checkpoint import snapshot
from commonweal.protocol.ledger.state.state import LOCAL
from commonweal.storage.consensus import arrivals, offers
from commonweal.storage.consensus.arrivals import note_arrivals
from commonweal.storage.consensus.audit import Audit, AuditProgress
from commonweal.storage.consensus.offers import OFFER_UNUSED_MS_MAX, PAIR_MORE_BYTES
from commonweal.storage.consensus.restored import TAKEN
from commonweal.storage.consensus.snapshots import Snapshots
from commonweal.storage.ledger.state import finalizer, pending_state
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb
from commonweal.storage.ledger.views import views
from tests.builders.sealing_nodes import Node
from tests.storage.consensus.test_snapshots import (
    audited,
    fetch,
    handed_out,
    newcomer,
    pairs,
    past,
    roots,
)
from tests.storage.consensus.test_snapshots import (
    offers as offers_of,
)

HELD_BYTES = 1_500


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "CHUNK_BYTES_AIM", 4_000)


@pytest.fixture
def giver() -> Iterator[Node]:
    """A node with a past of fifty heights; what it offers is deleted afterwards."""
    node = past().here
    node.layers.remove_beside("offer")
    yield node
    node.layers.remove_beside("offer")


BY_ID = {"worth_row": "values_given", "change_row": "value_changes"}
"""Views of tables that name events and agents by local numbers, which differ between homes."""


def test_the_state_is_read_as_it_stands_in_its_tree(giver: Node) -> None:
    state = LayeredState(giver.layers, FINAL)
    assert [*state.items(LOCAL)], "local keys are in no tree"
    first = range(1 + LOCAL[0], 255)
    decoded = (pair for letter in first for pair in state.items(bytes([letter])))
    assert sorted(giver.layers.each_final()) == sorted(snapshot.pairs_of(decoded)) != []


def test_an_offer_is_made_in_bounded_memory_and_is_the_same(
    giver: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = handed_out(giver)
    monkeypatch.setattr(offers, "SORTED_BYTES_MAX", HELD_BYTES)
    offer = offers_of(giver).offer(now_ms=1)
    assert offer is not None
    kept = giver.layers.beside("offer")
    parts = kept.rows("SELECT number & ?, pairs FROM offered_pairs", ((1 << 20) - 1,))
    held: dict[int, int] = {}
    for part, data in parts:
        held[part] = held.get(part, 0) + len(data)
    largest = max(len(key) + len(value) for key, value in giver.layers.each_final())
    assert len(held) > 3, "it is written again and again"
    assert max(held.values()) < HELD_BYTES + largest + PAIR_MORE_BYTES
    chunks = [offers_of(giver).chunk(offer.height, number) for number in range(offer.chunks)]
    assert (offer, chunks) == plain


def test_an_offer_of_a_chunk_that_is_too_large_is_not_made(
    giver: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, chunks = handed_out(giver)
    largest = max(map(len, chunks))
    more = offers.CHUNK_HEAD_BYTES_MAX
    monkeypatch.setattr(snapshot, "CHUNK_BYTES_MAX", largest + more)
    assert offers_of(giver).offer(now_ms=1) is not None
    giver.layers.remove_beside("offer")
    monkeypatch.setattr(snapshot, "CHUNK_BYTES_MAX", largest - more)
    assert offers_of(giver).offer(now_ms=1) is None


def test_an_offer_is_deleted_when_nobody_asks_any_more(tmp_path: Path) -> None:
    past().here.kept.refresh()
    with closing(StateDb(tmp_path / "state.db")) as layers:
        layers.replace_by(past().here.layers)
        handing = offers.StateOffers(past().here.store, layers, past().community)
        assert not handing.tidy(now_ms=0)
        file = tmp_path / "state.db.offer"
        assert not file.exists(), "it is made when somebody asks"
        assert handing.offer(now_ms=5) is not None
        assert file.exists()
        assert handing.tidy(now_ms=4 + OFFER_UNUSED_MS_MAX) and file.exists()
        handing.offer(now_ms=4 + OFFER_UNUSED_MS_MAX)
        assert handing.tidy(now_ms=5 + OFFER_UNUSED_MS_MAX)
        assert not handing.tidy(now_ms=4 + 2 * OFFER_UNUSED_MS_MAX)
        assert list(tmp_path.glob("state.db.offer*")) == []


def test_a_state_on_the_disk_is_replaced_whole_while_another_process_reads(
    tmp_path: Path, giver: Node
) -> None:
    late = newcomer()
    late.layers = StateDb(tmp_path / "state.db")
    late.kept.layers = late.kept.last._layers = late.layers
    with closing(StateDb(tmp_path / "state.db")) as reader:
        reader.pin()
        assert reader.mark("cut") is None
        seen: list[Any] = []
        taking = Snapshots(late.kept)
        offer, chunks = handed_out(giver)
        for number, data in enumerate(chunks):
            taking.take(offer, number, data)
            seen.append((reader.mark("cut"), reader.is_empty()))
        assert set(seen) == {(None, True)}, "what is pinned stays"
        reader.rollback()
        assert reader.mark("cut")[0] == offer.height
        assert sorted(reader.each_final()) == sorted(giver.layers.each_final())
    assert pairs(late) == pairs(giver) and roots(late) == roots(giver)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("state.db", "state.db-shm", "state.db-wal"),
    ]


def test_rows_of_a_taken_state_are_written_some_keys_at_a_time_and_are_the_same(
    giver: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "KEYS_AT_ONCE", 7)
    late = newcomer()
    fetch(late, offers_of(giver))
    late.take(past().records[: past().held[-1]])
    while note_arrivals(late.kept):
        pass
    late.kept.refresh()
    for table in views.TABLES:
        if table.endswith("_row") or table == "refused":
            rows = f"SELECT * FROM {BY_ID.get(table, table)} ORDER BY 1, 2, 3"
            assert late.layers.rows(rows) == giver.layers.rows(rows), table


def test_times_of_events_are_noted_in_portions_whether_records_come_before_or_after(
    giver: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "RECORDS_AT_ONCE", 20)
    times = "SELECT id, claimed_at, when_start, when_stated FROM event_row ORDER BY id"
    half, total = past().held[24], past().held[-1]
    late = newcomer()
    late.take(past().records[:half])
    fetch(late, offers_of(giver))
    counts = [noted(late)]
    while note_arrivals(late.kept):
        counts.append(noted(late))
    steps = [more - less for less, more in pairwise(counts)]
    assert len(steps) > 2 and max(steps) <= 20
    assert not note_arrivals(late.kept) and 0 < noted(late) < noted(giver)
    late.take(past().records[:total])
    assert note_arrivals(late.kept)
    while note_arrivals(late.kept):
        pass
    assert late.layers.rows(times) == giver.layers.rows(times)


def noted(node: Node) -> int:
    """Return of how many events that count the time is known."""
    asked = "SELECT count(*) FROM event_row WHERE claimed_at IS NOT NULL"
    return int(node.layers.rows(asked)[0][0])


def test_an_audit_goes_on_after_a_restart_a_portion_at_a_time(
    tmp_path: Path, giver: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_state, "PORTION_RECORDS_MAX", 20)
    late = newcomer()
    fetch(late, offers_of(giver))
    late.take(past().records[: past().held[-1]])
    with closing(StateDb(tmp_path / "state.db")) as first:
        first.replace_by(late.layers)
    folded: list[int] = []
    plain = finalizer.Finalizer.fold

    def fold(self: finalizer.Finalizer, seal: Any, delta: Any) -> Any:
        folded.append(seal.height)
        return plain(self, seal, delta)

    monkeypatch.setattr(finalizer.Finalizer, "fold", fold)
    progress, steps = AuditProgress.FOLDS, 0
    while progress is AuditProgress.FOLDS:
        with closing(StateDb(tmp_path / "state.db")) as again:  # as after a restart
            progress = Audit(late.store, again, past().community).step()
            steps += 1
    assert progress is AuditProgress.OVER and steps > 5
    assert folded == sorted(set(folded)) == list(range(1, folded[-1] + 1)), "each seal once"
    with closing(StateDb(tmp_path / "state.db")) as done:
        assert done.mark(TAKEN) is None
    assert not (tmp_path / "state.db.audit").exists()
    assert audited(late)


def test_a_state_of_other_roots_than_the_seal_leaves_nothing_behind(
    giver: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = newcomer()
    monkeypatch.setattr("commonweal.storage.consensus.snapshots.MEMBERS", (b"M",))
    with pytest.raises(WrongState, match="other roots"):
        fetch(late, offers_of(giver))
    assert Snapshots(late.kept).progress() is None
    assert not late.layers.has_beside("taking")
