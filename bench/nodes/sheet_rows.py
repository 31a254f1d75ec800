"""A process that takes in a sheet and writes what each part of it cost, as JSON lines.

`python -m bench.nodes.sheet_rows HOME SHEET [STOP]`: it is killed once STOP rows are written.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from commonweal.client import Member
from commonweal.client.sheets.sheet import Row, Sheet, SheetForm
from commonweal.node.service.replica import quota
from commonweal.protocol.vocabulary.budget import BUDGET_MAX

PART = 100_000
"""Rows of which the cost is told together."""


def tell(what: str, rows: int, cpu_s: float) -> None:
    """Write a line: what was done with how many rows, and the memory that it took at most."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = {"what": what, "rows": rows, "cpu_s": cpu_s, "memory_mib": memory}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def timed_rows(sheet: Sheet, form: SheetForm) -> Iterator[Row]:
    """Yield the rows of a sheet, and tell the time that each part of them took."""
    start = time.process_time()
    for number, row in enumerate(_rows(sheet, form), start=1):
        yield row
        if number % PART == 0:
            now = time.process_time()
            tell("rows", number, now - start)
            start = now


def main(home: Path, file: Path, stop: int) -> None:
    """Take in a sheet, with no limit but that of the import; end by a signal at `stop` rows."""

    @contextmanager
    def progress(_source: str, _total: int) -> Iterator[Callable[[int], None]]:
        written, start = 0, time.process_time()

        def advance(more: int) -> None:
            nonlocal written, start
            written += more
            if written % PART == 0:
                now = time.process_time()
                tell("written", written, now - start)
                start = now
            if written == stop:
                os.kill(os.getpid(), signal.SIGKILL)

        yield advance

    with Member(home) as member:
        start = time.process_time()
        assert member.view.me
        tell("folded", 0, time.process_time() - start)
        preview = member.sheet_preview(file)
        tell("here", preview.here, 0)
        result = member.import_csv(preview, progress=progress)
        tell("end", result.written, 0)


_rows = Sheet.rows

if __name__ == "__main__":
    Sheet.rows = timed_rows  # type: ignore[method-assign, assignment]
    # Before the first seal a node keeps a day of the default budget, which is 200,000 records.
    vars(quota)["DEFAULT_BUDGET"] = BUDGET_MAX
    stop_at = int(sys.argv[3]) if sys.argv[3:] else -1
    main(Path(sys.argv[1]), Path(sys.argv[2]), stop_at)
