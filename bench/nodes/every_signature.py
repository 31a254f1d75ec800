"""A node that checks the signature of every record: the baseline of cold sync.

`python -m bench.nodes.every_signature up --home H ...` is `weal up`, but for that one difference.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from commonweal import cli
from commonweal.protocol.records import batch_decode, record
from commonweal.protocol.records.record import Record


def read_checked(wires: Sequence[bytes]) -> list[Record]:
    """Return the records in `wires`, each with its own signature checked."""
    return [record.from_bytes(wire) for wire in wires]


def nothing_chained(wires: Sequence[bytes]) -> list[Record] | None:
    """Return None: no run is taken for one that its last signature covers."""
    return None


if __name__ == "__main__":
    batch_decode.read_chained = nothing_chained
    batch_decode.read_unchained = read_checked
    raise SystemExit(cli.main(sys.argv[1:]))
