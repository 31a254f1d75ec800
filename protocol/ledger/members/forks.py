"""Forks in final state: where logs end by evidence, and which record of a fork a vote keeps.

Evidence in a seal ends a log at a seq; every record from there on is void, on whichever branch,
unless a cut covered it before. Members may vote that one record of the fork counts all the same;
then the log ends after it. State: Z where a log ends (in `registry`), 4 the record that was kept:
[seq, id].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.members.registry import FROZEN
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import RecordId

KEPT = Table.KEPT.prefix


class KeptRow(NamedTuple):
    """The record of a fork that a vote keeps, and its seq."""

    seq: int
    id: RecordId


def end_at(state: State, author: DeviceKey, seq: int) -> None:
    """End a log at `seq`, by evidence that `is_new`; a record kept at or above it is dropped."""
    state.put(FROZEN + author, seq)
    row = kept(state, author)
    if row is not None and seq <= row.seq:
        state.delete(KEPT + author)


def keep(state: State, author: DeviceKey, seq: int, record: RecordId) -> None:
    """Let one record count where a log ends; nothing when the log ends elsewhere by now."""
    if state.get(FROZEN + author) == seq:
        state.put(KEPT + author, [*KeptRow(seq, record)])
        state.put(FROZEN + author, seq + 1)


def kept(state: State, author: DeviceKey) -> KeptRow | None:
    """Return the record of a log that a vote kept; None without one."""
    value = state.get(KEPT + author)
    return None if value is None else KeptRow(*value)


def every_kept(state: State) -> dict[DeviceKey, KeptRow]:
    """Return the records that votes kept, by the author of the log."""
    return {DeviceKey(key[1:]): KeptRow(*value) for key, value in state.items(KEPT)}


def is_new(state: State, author: DeviceKey, seq: int) -> bool:
    """Return whether evidence that a log ends at `seq` changes anything.

    The fork that a vote was about is no longer new after it.
    """
    end = state.get(FROZEN + author)
    if end is None:
        return True
    row = kept(state, author)
    return bool(seq < (end if row is None else row.seq))


def ends_with(state: State, proven: Iterable[tuple[DeviceKey, int]]) -> dict[DeviceKey, int]:
    """Return from which seq on logs are void: in `state`, and by proofs that are new to it."""
    ends = {DeviceKey(key[1:]): seq for key, seq in state.items(FROZEN)}
    for author, seq in proven:
        if is_new(state, author, seq):
            ends[author] = min(seq, ends.get(author, seq))
    return ends
