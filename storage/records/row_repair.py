"""The rows of logs, put right where the disk has changed them.

A row says what its records say, too: whose they are, how many, and how the last one is
called. Where one of these is not so, and the last record is as its author signed it, the
row is wrong; whoever wrote on top of it would fork his log.
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
    clock_in,
    from_bytes_unchecked,
)
from commonweal.storage.records.log_pages import SEQ_BITS, SEQ_MAX, opening_of, whole
from commonweal.storage.records.log_store import Store


class _Row(NamedTuple):
    """A row as it is stored. tail: of its last record; top: the highest seq of a record held."""

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
    tail: bytes | None
    top: int | None


_ROWS = f"""
SELECT id, author, opening, length, head, clock, held, frozen, checked, proof.wire,
    (SELECT tail FROM record WHERE key = (id << {SEQ_BITS}) + length - 1 AND length > 0),
    (SELECT max(key) & {SEQ_MAX} FROM record
        WHERE key >= id << {SEQ_BITS} AND key < (id + 1) << {SEQ_BITS})
FROM log LEFT JOIN proof ON proof.log = log.id
"""  # noqa: S608  numbers of ours


def amend(store: Store, community: CommunityId) -> dict[DeviceKey, bool]:
    """Put the rows right that are not as their records say; return whose, and whether it could be.

    The caller commits.
    """
    found: dict[DeviceKey, bool] = {}
    for row in map(_Row._make, store.rows(_ROWS)):
        if not _agrees(row, community):
            right = _right(store, row, community)
            found[row.author] = right is not None
            if right is not None:
                found[right.author] = True
                _put(store, right)
    return found


def _agrees(row: _Row, community: CommunityId) -> bool:
    """Say whether a row fits its records, at the cost of one hash."""
    if row.opening != opening_of(community, row.author) or (row.frozen is None) != (not row.proof):
        return False
    if row.checked > row.length or row.held != (-1 if row.top is None else row.top) + 1:
        return False
    if row.frozen is None and row.length != row.held:
        return False
    if _frozen_at(row, community) != row.frozen:
        return False
    if row.tail is None:
        return row.length == 0
    wire = whole(row.opening, row.tail)
    return keys.hash32(keys.RECORD, wire) == row.head and clock_in(wire) == row.clock


def _right(store: Store, row: _Row, community: CommunityId) -> _Row | None:
    """Return the row as its records say; None where the last of these is damaged itself."""
    frozen = _frozen_at(row, community)
    held = (-1 if row.top is None else row.top) + 1
    tries = [held]
    if frozen is not None:  # what is held may go on, so the head says where it ends
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
    """Return the last of so many records, when it is well signed and stands where it must."""
    key = (row.number << SEQ_BITS) + length - 1
    found = store.row("SELECT tail FROM record WHERE key = ?", (key,)) if length else None
    if found is None:
        return None
    for opening in (row.opening, opening_of(community, row.author)):
        try:
            last = from_bytes_unchecked(whole(opening, found[0]))
        except (Malformed, InvalidRecord):
            continue
        if last.seq == length - 1 and log.is_signed(last):
            return last
    return None


def _frozen_at(row: _Row, community: CommunityId) -> int | None:
    if row.proof is None:
        return None
    try:
        return fork_proof.from_bytes_checked(row.proof, community).seq
    except StorageError:
        raise
    except CommonwealError:
        return row.frozen  # the proof is what was damaged


def _put(store: Store, row: _Row) -> None:
    store.change(
        "UPDATE OR IGNORE log SET author = ?, opening = ?, length = ?, head = ?, clock = ?,"
        " held = ?, frozen = ?, checked = min(checked, ?), indexed = min(indexed, ?) WHERE id = ?",
        (*row[1:8], row.length, row.held, row.number),
    )
    store.forget()
