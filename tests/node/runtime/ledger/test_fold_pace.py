"""How many records a cut takes follows the pace at which this machine folded before."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.node.runtime.ledger import fold_pace
from commonweal.node.runtime.ledger.fold_pace import (
    CUT_RECORDS_FIRST,
    CUT_RECORDS_MIN,
    CUT_S,
    GROWTH_MAX,
    MEASURED_RECORDS_MIN,
    FoldPace,
)
from commonweal.node.runtime.ledger.ledger_thread import LedgerThread
from commonweal.node.service.events import LedgerAnswered
from commonweal.protocol.seal.consensus.events import PrepareProposal
from commonweal.protocol.seal.cut import FULL_CUT_RECORDS
from commonweal.storage.records.logs.log_store import Store
from tests.builders.sealing_nodes import Node
from tests.protocol.ledger.workshop import Workshop, paying
from tests.storage.consensus.test_proposals import signers_of


@pytest.mark.parametrize("per_s", [2_000, 4_321, 10_000])
def test_a_cut_takes_what_is_folded_in_time(per_s: int) -> None:
    pace = FoldPace()
    for _ in range(10):
        pace.note(pace.cut_records, pace.cut_records / per_s)
    assert pace.cut_records == pytest.approx(per_s * CUT_S, abs=1)


def test_a_cut_has_bounds_however_fast_or_slow_the_machine_is() -> None:
    fast, slow = FoldPace(), FoldPace()
    for _ in range(20):
        fast.note(fast.cut_records, 0.0)
        slow.note(slow.cut_records, 3_600.0)
    assert (fast.cut_records, slow.cut_records) == (FULL_CUT_RECORDS, CUT_RECORDS_MIN)


def test_one_measurement_changes_little_and_a_small_cut_nothing() -> None:
    pace = FoldPace()
    pace.note(CUT_RECORDS_FIRST, 1e-9)
    assert pace.cut_records == CUT_RECORDS_FIRST * GROWTH_MAX
    pace.note(CUT_RECORDS_FIRST, 1e9)
    assert pace.cut_records == CUT_RECORDS_FIRST
    pace.note(MEASURED_RECORDS_MIN - 1, 1e9)
    assert pace.cut_records == CUT_RECORDS_FIRST


def test_the_ledger_thread_measures_what_it_folds_and_counts_no_seal_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Workshop(paying(), "Jun")
    for number in range(8):
        shop.work("Jun", number + 1)
    node = Node(shop.community, shop.documents, Store(tmp_path / "ledger.db"))
    node.take(shop.records)
    haves = tuple(
        node.have(signers_of(shop)[seat.device]) for seat in node.assessor.outlook().witnesses
    )
    noted: list[tuple[int, float]] = []
    monkeypatch.setattr(
        fold_pace.FoldPace, "note", lambda _self, records, seconds: noted.append((records, seconds))
    )
    thread = LedgerThread(tmp_path / "ledger.db", tmp_path / "state.db", shop.community)
    try:
        for _ in range(2):
            told = thread.step(shop.now_ms, (PrepareProposal(0, haves),))
            assert isinstance(told[-1], LedgerAnswered) and told[-1].answer is not None
    finally:
        thread.close()
    assert [records for records, _ in noted] == [len(shop.records)]
    assert noted[0][1] > 0
