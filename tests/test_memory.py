"""What a node that lives for long keeps in memory."""

from __future__ import annotations

import tracemalloc

from commonweal.node.events import Wish
from commonweal.storage import ids
from commonweal.storage.store import Store
from tests.ledger.village import Village
from tests.protocol.authors import BO, chain
from tests.test_ledger_state import Home as Kept
from tests.test_ledger_state import founding_documents

WORK = Wish("event", {"action": "work", "provider": bytes(16)})


def test_an_idle_store_keeps_few_ids_in_memory() -> None:
    log = chain(BO, ids.FRESH_IDS_IDLE)
    store = Store()
    for one in log:
        store.append(BO.device, [one])
        assert store.wire(one.id) == one.wire
    assert len(store._ids._fresh()) == ids.FRESH_IDS_IDLE <= 1_024
    store.tidy()
    assert not store._ids._fresh()
    assert store.wire(log[7].id) == log[7].wire
    store.close()


def test_a_fold_of_what_is_new_takes_no_more_memory_when_more_is_old() -> None:
    village = Village()
    for _ in range(1_500):
        village.mei.write("event", WORK.data)
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
