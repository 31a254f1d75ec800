"""A node that notes when each of its records was durable: what one hop is measured by.

`python -m bench.nodes.commit_times up --home H ...` is `weal up` that also writes a file
beside the ledger: for each record its id, and the monotonic clock, which all processes share, when
the commit that holds the record had returned.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from commonweal import cli
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import Record
from commonweal.storage.home.home import Home
from commonweal.storage.records.logs.log_store import Store

_append, _commit = Store.append, Store.commit
_fresh: list[bytes] = []


def notes(home: Home) -> dict[bytes, float]:
    """Return what the node of `home` noted: the time in seconds by id."""
    times = {}
    for line in _file(str(home.database)).read_text().splitlines():
        id, _, at_ns = line.partition(" ")
        times[bytes.fromhex(id)] = int(at_ns) / 1e9
    return times


def append_noted(
    self: Store,
    author: DeviceKey,
    run: Sequence[Record],
    bodies: Mapping[bytes, bytes] | None = None,
) -> None:
    """Append as `Store.append` does, and remember what."""
    _append(self, author, run, bodies)
    _fresh.extend(record.id for record in run)


def commit_noted(self: Store) -> None:
    """Commit as `Store.commit` does, then note what is durable now."""
    _commit(self)
    at_ns = time.monotonic_ns()
    if _fresh:
        with _file(self.path).open("a") as noted:
            noted.writelines(f"{id.hex()} {at_ns}\n" for id in _fresh)
        _fresh.clear()


def _file(database: str) -> Path:
    return Path(database + ".durable")


if __name__ == "__main__":
    Store.append = append_noted  # type: ignore[method-assign]
    Store.commit = commit_noted  # type: ignore[method-assign, assignment]
    raise SystemExit(cli.main(sys.argv[1:]))
