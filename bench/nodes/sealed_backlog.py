"""A process that seals what waits in a home and writes what each seal cost, as JSON lines.

`python -m bench.nodes.sealed_backlog HOME`: with "plain" behind it, it only reads and decodes the
records that wait, a portion at a time, and checks the signature of the last one of each.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commonweal.cli import GARBAGE_OBJECTS
from commonweal.client import Member
from commonweal.client.access import Watch
from commonweal.protocol.records.record import from_bytes, from_bytes_unchecked

PORTION_BYTES = 512 * 1024


def tell(records: int, cpu_s: float) -> None:
    """Write a line: how many records are done, after how much processor time, and the memory."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = {"records": records, "cpu_s": cpu_s, "memory_mib": memory}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def seal(home: Path) -> None:
    """Seal all that waits; tell the cost up to the end of each seal, with its writing."""
    start = time.process_time()

    @contextmanager
    def unseen() -> Iterator[Watch]:
        yield lambda _done, _of: None

    with Member(home) as member:
        sealed = member.seal(watching=unseen, told=lambda done, _of: tell(done, _since(start)))
    tell(sealed.records, _since(start))


def read(home: Path) -> None:
    """Read and decode each record once."""
    start, records = time.process_time(), 0
    with Member(home) as member, member.home.store(readonly=True) as store:
        for row in store.logs():
            at = 0
            while at < row.length:
                wires = store.wires(row.author, at, row.length, PORTION_BYTES)
                for wire in wires:
                    from_bytes_unchecked(wire)
                from_bytes(wires[-1])
                at += len(wires)
            records += at
    tell(records, _since(start))


def _since(start: float) -> float:
    return time.process_time() - start


if __name__ == "__main__":
    gc.set_threshold(GARBAGE_OBJECTS)  # as `weal` does
    act = read if sys.argv[2:] == ["plain"] else seal
    act(Path(sys.argv[1]))
