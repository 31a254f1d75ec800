"""Blocks: times for which a thing is out of use, or of which a hint is shown.

Record:
  resource.block  resource; sort: "repair", for which nothing is lent, "hint", which is only shown,
                  or "lifted", which takes back the one it replaces; begin, end: ms since 1970, end
                  missing while nobody knows; replaces: a block of the thing
By who may write the terms of the thing. A repair that is written after a booking was accepted does
not undo it: the borrower is told. A block that is over is dropped when another is written. State:
9K blocks.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.ledger.exchange.lending.terms import may_manage, thing_of
from commonweal.protocol.ledger.exchange.times import now_ms
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record

BLOCKS = Table.BLOCKS.prefix

BLOCKS_MAX = 64
"""Blocks of one thing that are not over."""

REPAIR, HINT, LIFTED = "repair", "hint", "lifted"
NEW = (REPAIR, HINT)


class Block(NamedTuple):
    """A block of a thing in the state. end: ms since 1970; None while nobody knows."""

    record: bytes
    sort: str
    begin: int
    end: int | None
    member: bytes
    clock: int

    def overlaps(self, begin: int, end: int) -> bool:
        """Return whether it has a moment in common with [begin, end)."""
        return self.begin < end and (self.end is None or self.end > begin)


def block(state: State, record: Record, context: Context) -> Verdict:
    """Block a thing for a time, change a block or lift it."""
    data = record.data
    resource, sort, replaces = data.get("resource"), data.get("sort"), data.get("replaces")
    begin, end = data.get("begin"), data.get("end")
    if not is_bytes(resource) or not (replaces is None or is_bytes(replaces)):
        return Reason.SHAPE
    if type(sort) is not str or not (sort in NEW or (sort == LIFTED and replaces is not None)):
        return Reason.SHAPE
    added: list[Block] = []
    if sort in NEW:
        if not is_count(begin) or not (end is None or is_count(end, begin + 1)):
            return Reason.SHAPE
        added.append(Block(record.id, sort, begin, end, context.member, record.clock))
    refused = may_manage(state, context, resource)
    if refused is not None:
        return refused
    thing_id, now = thing_of(state, resource), now_ms(state, context)
    known = blocks_of(state, thing_id)
    if replaces is not None and all(old.record != replaces for old in known):
        return Reason.UNKNOWN_BLOCK
    kept = [old for old in known if old.record != replaces and (old.end is None or old.end > now)]
    kept += added
    if len(kept) > BLOCKS_MAX:
        return Reason.TOO_MANY_BLOCKS
    if kept:
        state.put(BLOCKS + thing_id, [[*row] for row in kept])
    else:
        state.delete(BLOCKS + thing_id)
    return None


def blocks_of(state: State, thing_id: bytes) -> list[Block]:
    """Return the blocks of a thing, in the order in which they came; some may be over."""
    return [Block(*row) for row in state.get(BLOCKS + thing_id) or []]


def repair_at(state: State, thing_id: bytes, begin: int, end: int) -> bytes | None:
    """Return the first repair of a thing within [begin, end); None when there is none."""
    repairs = [row for row in blocks_of(state, thing_id) if row.sort == REPAIR]
    return next((row.record for row in repairs if row.overlaps(begin, end)), None)
