"""What a node that lives for long keeps in memory: no pages that the system has too, few ids."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from commonweal.commands.writing import write
from commonweal.node.deciding import Deciding
from commonweal.node.events import Wish
from commonweal.storage import ids
from commonweal.storage.home import Home, Settings
from commonweal.storage.store import Store
from tests.ledger.village import Village
from tests.protocol.authors import BO, chain
from tests.test_ledger_state import Home as Kept
from tests.test_ledger_state import founding_documents
from tests.weal import founder

WORK = Wish("event", {"action": "work", "provider": bytes(16)})
BEFORE, AFTER = b"the text as it was ", b"the text as it will"


def change(file: Path) -> None:
    """Put other bytes in a file, as nobody does who asks SQLite: what is cached is not so."""
    held = file.read_bytes()
    assert held.count(BEFORE) == 1
    with file.open("r+b") as opened:
        opened.seek(held.index(BEFORE))
        opened.write(AFTER)


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
    home = Home(founder(tmp_path / "home"))
    with home.store(readonly=True) as store:
        community = Settings.read(store).here
    deciding = Deciding(home.database, home.state, community)
    deciding.step(1)
    assert deciding._open is not None
    said: list[str] = []
    for part in deciding._open[:2]:
        part._connection.set_trace_callback(said.append)
    write(home, [WORK])
    deciding.step(2)
    assert said.count("PRAGMA shrink_memory") == 2
    assert said[-1] == "PRAGMA shrink_memory", "after all that is read"
    deciding.close()


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
