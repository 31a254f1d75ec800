"""The single witness: while there are no seals, one device says what is final.

  cut.single  height: from 1, each one more; time: ms since 1970, later than the last;
              logs: [[author, length, head, frozen or nil]...] ascending, those that grew
It is written by the device that founded the community, and holds when it is closed under
`prev` and `deps`. What it covers is final; what it decides is in `closing`. A `Cut` is the
same value whoever certifies it, so that seals take over without a change of what is folded.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from commonweal.protocol.frontier import HEAD_BYTES, Entry
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger import joining
from commonweal.protocol.ledger.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.reasons import Reason
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import Record

KIND = "cut.single"

LOGS_PER_CUT_MAX = 200
"""So many logs fit the header of a record; the others come with the next cut."""

RECORDS_PER_CUT_MAX = 10_000


class Covered(NamedTuple):
    """What a `cut.single` says, read."""

    height: int
    time_ms: int
    entries: tuple[Entry, ...]


def single(state: State, record: Record, context: Context) -> Verdict:
    """Take a cut for what it is; what it decides is done when it is applied."""
    if read(record) is None:
        return Reason.SHAPE
    if not is_witness(state, record.author):
        return Reason.NOT_THE_WITNESS
    return None


def is_witness(state: State, device: DeviceKey) -> bool:
    """Whether `device` founded the community: the first that its founder enrolled."""
    row = joining.device_row(state, device)
    founding = state.get(joining.FOUNDING)
    return row is not None and founding is not None and (row.member, row.clock) == (founding[0], 1)


def may_cut(state: State, record: Record) -> bool:
    """Whether a record is the witness's by the last cut: neither revoked nor frozen before it."""
    row = joining.device_row(state, record.author)
    if row is None or not is_witness(state, record.author):
        return False
    frozen = state.get(joining.FROZEN + record.author)
    is_revoked = row.last is not None and record.seq > row.last
    return not is_revoked and (frozen is None or record.seq < frozen)


def data(height: int, time_ms: int, grown: list[Entry]) -> dict[str, Any]:
    """Return the `data` of a cut. grown: the logs that are longer than at the last cut."""
    entries = sorted(grown)[:LOGS_PER_CUT_MAX]
    return {"height": height, "time": time_ms, "logs": [[*entry] for entry in entries]}


def read(record: Record) -> Covered | None:
    """Return what a record of this kind says; None when it has not its form."""
    height, time_ms = record.data.get("height"), record.data.get("time")
    logs = record.data.get("logs")
    if not (is_count(height, 1) and is_count(time_ms, 1) and type(logs) is list):
        return None
    entries: list[Entry] = []
    for one in logs:
        match one:
            case [bytes(author), int(length), bytes(head), frozen]:
                fits = is_bytes(author) and is_count(length, 1) and is_bytes(head, HEAD_BYTES)
                if not fits or (frozen is not None and not is_count(frozen)):
                    return None
                entries.append(Entry(DeviceKey(author), length, head, frozen))
            case _:
                return None
    authors = [entry.author for entry in entries]
    is_ascending = authors == sorted(dict.fromkeys(authors))
    return Covered(height, time_ms, tuple(entries)) if is_ascending else None
