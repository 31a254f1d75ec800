"""What a sealed contribution takes in the file of the state, and what a cut changes in it."""

from __future__ import annotations

from commonweal.storage.ledger.state.state_db import StateDb
from tests.storage.consensus.test_backlog import backlog, seal_all

FEW, MANY = 400, 2_400
BYTES_MAX = 310


def used(layers: StateDb) -> int:
    """Return the bytes of the pages in use."""
    pages, free, size = (
        layers.rows(f"PRAGMA {name}")[0][0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def test_a_sealed_contribution_takes_little_of_the_file() -> None:
    sizes = []
    for count in (FEW, MANY):
        shop, node = backlog(count)
        seal_all(shop, node)
        node.assessor.outlook()
        assert node.layers.rows("SELECT count(*) FROM event_row WHERE height NOTNULL") == [(count,)]
        sizes.append(used(node.layers))
    a_row = (sizes[1] - sizes[0]) / (MANY - FEW)
    assert a_row <= BYTES_MAX, f"{a_row:.0f} bytes"
