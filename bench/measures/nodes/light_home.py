"""What a light home saves, and what dropping costs: beside the same ledger, kept whole."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import community as made
from bench.figures import Figure
from commonweal.storage.records.logs.log_store import Store

MEMBERS = 10
RECORDS = 20_000
KEPT_PER_LOG = 100
"""Records of each log that the last heights cover."""
PORTION = 2_048


def figures() -> list[Figure]:
    """Return the bytes of a light ledger, and the CPU time of dropping, beside those of a whole."""
    with TemporaryDirectory(prefix="weal-bench-") as folder:
        store = Store(Path(folder) / "ledger.db")
        community = made.make(store, MEMBERS)
        start = time.process_time()
        made.work(community, RECORDS)
        written = time.process_time() - start
        whole = _bytes(store)
        for row in store.logs():
            store.raise_base(row.author, max(0, row.length - KEPT_PER_LOG))
        start = time.process_time()
        while (author := store.to_drop()) is not None:
            store.drop(author, PORTION)
            store.commit()
        dropped = time.process_time() - start
        light = _bytes(store)
    return [
        Figure(
            f"ledger of a light home, {RECORDS:,} records",
            *(light / RECORDS, "bytes a record", "kept whole", whole / RECORDS, light / whole),
            must=0.2,
            low=True,
        ),
        Figure(
            "dropping a record",
            *(1e6 * dropped / RECORDS, "us", "signing and writing it", 1e6 * written / RECORDS),
            dropped / written,
            must=1.0,
            low=True,
        ),
    ]


def _bytes(store: Store) -> int:
    """Return the bytes of the pages that are in use."""
    store.checkpoint()
    pages, free, size = (
        int((store.row(f"PRAGMA {pragma}") or (0,))[0])
        for pragma in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
