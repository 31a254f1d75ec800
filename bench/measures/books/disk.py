"""What a sealed row of a sheet takes on the disk, what a cut writes, and the tree in pages."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.figures import Figure
from commonweal.client import Member, create_home
from commonweal.protocol import merkle
from commonweal.storage.ledger.state.state_db import StateDb, TreePages
from tests.builders import plain_merkle

ROWS, MORE = 20_000, 2_000
BYTES_MAX = 700
PAGE_TWICE = 2 * 4096
"""A page of the file, written to the log of writes and to its place."""

LEAVES, CHANGED, TURNS = 50_000, 2_000, 5


def figures() -> list[Figure]:
    """Return bytes of a sealed row, bytes that two equal cuts wrote, and the time of the tree."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        home = Path(name) / "home"
        last = _cut(home, ROWS)
        rows = ROWS + MORE
        ledger, state = (_bytes(home / file) / rows for file in ("ledger.db", "state.db"))
    both = ledger + state
    limit = "the limit"
    return [
        Figure(
            "disk of a sealed row of a sheet, with its note",
            *(both, "bytes", limit, BYTES_MAX, both / BYTES_MAX),
            must=1,
            low=True,
        ),
        Figure("of these, the state", state, "bytes", "the records", ledger, state / ledger),
        Figure(
            f"written by a cut of {MORE:,} above {ROWS:,}",
            *(last / MORE, "bytes a row", "a page, twice", PAGE_TWICE, last / MORE / PAGE_TWICE),
            must=1,
            low=True,
        ),
        _tree(),
    ]


def _cut(home: Path, rows: int) -> int:
    """Return what a cut of MORE rows writes above so many in a new home."""
    create_home(home, "Mei")
    with Member(home) as member:
        member.found("Lanxi", rules="cooperative")
    _import(home, 0, rows)
    _seal(home, rows)
    _import(home, rows, MORE)
    return _written(lambda: _seal(home, MORE))


def _import(home: Path, first: int, rows: int) -> None:
    sheet = home.with_suffix(".csv")
    with sheet.open("w") as file:
        file.writelines(_lines(first, rows))
    with Member(home) as member:
        assert member.import_csv(member.sheet_preview(sheet)).written == rows


def _seal(home: Path, rows: int) -> None:
    with Member(home) as member:
        assert member.seal().records >= rows


def _lines(first: int, rows: int) -> Iterator[str]:
    yield "Datum;Wer;Stunden;Tätigkeit\n"
    for n in range(first, first + rows):
        date = f"{n % 28 + 1:02d}.{n % 12 + 1:02d}.{n % 20 + 2005}"
        yield f"{date};Mei;{n % 8 + 1},{n % 10};Beet {n} gegossen und gejätet\n"


def _written(act: Callable[[], object]) -> int:
    """Return how many bytes this process wrote in `act`, to the log of writes and the file."""
    before = _process_writes()
    act()
    return _process_writes() - before


def _process_writes() -> int:
    (line,) = (
        line for line in Path("/proc/self/io").read_text().splitlines() if line[:6] == "wchar:"
    )
    return int(line.split()[1])


def _bytes(file: Path) -> int:
    """Return the bytes of the pages of a database that are in use."""
    connection = sqlite3.connect(file)
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    connection.close()
    return int((pages - free) * size)


def _tree() -> Figure:
    """Return the time of a change of many leaves that is written, in pages and in single nodes."""
    pairs: dict[bytes, bytes | None] = {os.urandom(33): b"v" * 120 for _ in range(LEAVES)}
    ratios, ours, theirs = [], [], []
    with TemporaryDirectory(prefix="weal-bench-") as name:
        stored, plain = (StateDb(Path(name) / file) for file in ("pages", "nodes"))
        assert _grow(stored, pairs) == _grow_plain(plain, pairs)
        for _ in range(TURNS):
            more: dict[bytes, bytes | None] = {os.urandom(33): b"w" * 120 for _ in range(CHANGED)}
            start = time.process_time()
            _grow(stored, more)
            between = time.process_time()
            _grow_plain(plain, more)
            ours.append(between - start)
            theirs.append(time.process_time() - between)
            ratios.append(theirs[-1] / ours[-1])
        stored.close()
        plain.close()
    us = 1e6 / CHANGED
    return Figure(
        f"a leaf more in a tree of {LEAVES:,}, in pages",
        *(median(ours) * us, "us of CPU", "in single nodes", median(theirs) * us, median(ratios)),
        must=1.5,
    )


def _grow(layers: StateDb, changes: dict[bytes, bytes | None]) -> bytes:
    grown = merkle.update(TreePages(layers, 1), changes)
    layers.begin()
    layers.put_pages(1, grown.pages)
    layers.commit()
    return grown.root


def _grow_plain(layers: StateDb, changes: dict[bytes, bytes | None]) -> bytes:
    grown = plain_merkle.update(TreePages(layers, 1), changes)
    layers.begin()
    layers.put_pages(1, grown.nodes)
    layers.commit()
    return grown.root
