"""Erasing: a member asks that all forget a text of his. What he wrote it on stays, and counts.

Records:
  body.erase  record, cited: of the author's member, written by any of his devices, with an
              erasable body; no body of its own
It does nothing to the state, so that nodes which do not know the kind come to the same one.
Each node forgets the text by itself; one that is away does so later, one that kept a copy may not.
"""

from __future__ import annotations

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.context import Context, RecordLookup, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import BodyRef, Record, RecordId

ERASE = "body.erase"


def erase(state: State, record: Record, context: Context) -> Verdict:
    """Say whether the author may ask for this text to be erased."""
    text = text_named(state, record, context.member, context.lookup)
    return text if isinstance(text, Reason) else None


def text_named(
    state: State, record: Record, member: MemberId, find: RecordLookup
) -> BodyRef | Reason:
    """Return the text of `member` that a record asks to be erased, or why there is none."""
    named = record.data.get("record")
    if not is_bytes(named) or record.body is not None:
        return Reason.SHAPE
    if named != record.prev and named not in record.deps:
        return Reason.NOT_CITED
    cited = find(RecordId(named))
    if cited is None:
        return Reason.NOT_HELD
    device = registry.device_row(state, cited.author)
    if device is None or device.member != member:
        return Reason.NOT_YOURS
    if cited.body is None or cited.body.permanent:
        return Reason.NO_TEXT
    return cited.body


def author_of(state: State, record: Record) -> MemberId | None:
    """Return whose wish it is, a member's or not any more; None where his device was revoked.

    What he wrote is his whatever became of him. What a revoked device says may be a thief's.
    """
    device = registry.device_row(state, record.author)
    if device is None or (device.last is not None and record.seq > device.last):
        return None
    return device.member
