"""Repair of the table `log` where the disk corrupted it.

A log's row repeats what its records say: author, number of records, id of the last one. Where they
differ and the last record is signed by its author, the row is wrong, and a device that wrote on
top of it would fork its own log. Never changes a record.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol import keys
from commonweal.protocol.errors import CommonwealError, InvalidRecord, Malformed, StorageError
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    clock_from_bytes,
    from_bytes_unchecked,
)
from commonweal.storage.records.logs.log_pages import opening_of
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.logs.run_pages import SEQ_BITS


class _Row(NamedTuple):
    """A row as it is stored. wire: its last record; top: the highest seq that is held."""

    number: int
    author: DeviceKey
    opening: bytes
    length: int
    head: RecordId
    clock: int
    held: int
    frozen: int | None
    checked: int
    proof: bytes | None
    base: int
    wire: bytes | None = None
    top: int = -1


_ROWS = """
SELECT id, author, opening, length, head, clock, held, frozen, checked, proof.wire, base
FROM log LEFT JOIN proof ON proof.log = log.id
"""


def repair_rows(store: Store, community: CommunityId) -> dict[DeviceKey, bool]:
    """Repair the rows that differ from their records.

    Return whether it was possible, by author of each wrong row. The caller commits.
    """
    repaired: dict[DeviceKey, bool] = {}
    for row in [_Row(*values) for values in store.rows(_ROWS)]:
        wire = _at(store, row, row.opening, row.length)
        row = row._replace(wire=wire, top=store.top(row.number))
        if not _agrees(row, community):
            right = _right(store, row, community)
            repaired[row.author] = right is not None
            if right is not None:
                repaired[right.author] = True
                _put(store, right)
    return repaired


def _agrees(row: _Row, community: CommunityId) -> bool:
    """Whether a row agrees with its records, at the cost of one hash."""
    if row.opening != opening_of(community, row.author) or (row.frozen is None) != (not row.proof):
        return False
    is_dropped = row.wire is None and row.length <= row.base  # a proof ended it below a base
    if row.checked > row.length or (row.held != row.top + 1 and not is_dropped):
        return False
    if row.frozen is None and row.length != row.held:
        return False
    if _frozen_at(row, community) != row.frozen:
        return False
    if row.wire is None:
        return is_dropped
    if keys.hash32(keys.RECORD, row.wire) != row.head:
        return False
    return clock_from_bytes(row.wire) == row.clock


def _right(store: Store, row: _Row, community: CommunityId) -> _Row | None:
    """Return the row that its records describe; None where the last record is damaged itself."""
    frozen = _frozen_at(row, community)
    held = row.top + 1
    tries = [held]
    if frozen is not None:  # records above the good part may be held, so the head says its end
        head = store.record(row.head)
        tries = [head.seq + 1, row.length] if head is not None else [row.length]
    for length in tries:
        last = _last(store, row, community, length)
        fits = last is not None and (length == row.length or last.id == row.head)
        if last is not None and fits and (frozen is None or length <= frozen):
            return row._replace(
                author=last.author,
                opening=opening_of(community, last.author),
                length=length,
                head=last.id,
                clock=last.clock,
                held=held,
                frozen=frozen,
            )
    return None


def _last(store: Store, row: _Row, community: CommunityId, length: int) -> Record | None:
    """Return the record at `length` - 1, when it is signed and says that seq; else None."""
    for opening in (row.opening, opening_of(community, row.author)):
        wire = _at(store, row, opening, length)
        try:
            last = None if wire is None else from_bytes_unchecked(wire)
        except (Malformed, InvalidRecord):
            continue
        if last is not None and last.seq == length - 1 and log.is_signed(last):
            return last
    return None


def _at(store: Store, row: _Row, opening: bytes, length: int) -> bytes | None:
    """Return the last of `length` records; None where it is not stored."""
    return store.stored(opening, (row.number << SEQ_BITS) + length - 1) if length > 0 else None


def _frozen_at(row: _Row, community: CommunityId) -> int | None:
    if row.proof is None:
        return None
    try:
        return fork_proof.from_bytes_checked(row.proof, community).seq
    except StorageError:
        raise
    except CommonwealError:
        return row.frozen  # the proof itself is damaged


def _put(store: Store, row: _Row) -> None:
    store.change(
        "UPDATE OR IGNORE log SET author = ?, opening = ?, length = ?, head = ?, clock = ?,"
        " held = ?, frozen = ?, checked = min(checked, ?) WHERE id = ?",
        (*row[1:8], row.length, row.number),
    )
    store.forget()
