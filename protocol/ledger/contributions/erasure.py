"""Erasure: a member asks every node to forget a text of theirs. The record that held it stays.

Records:
  body.erase  record, cited: of the author's member, written by any of their devices, with an
              erasable body; no body of its own
A text that is erased changes nothing in the state. Each
node forgets the text by itself; a node that is away does so later, and one that kept a copy may
not. Of the event that began data, it erases the content, by whoever owns it (`exchange/data`).
"""

from __future__ import annotations

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.data import contents
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.context import Context, RecordLookup, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import BodyRef, Record, RecordId

ERASE = "body.erase"


def erase(state: State, record: Record, context: Context) -> Verdict:
    """Judge whether the author may ask for this text to be erased."""
    named = record.data.get("record")
    if record.body is None and is_bytes(named) and contents.erase(state, context, named):
        return None
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
    """Return the present or former member who asks; None when their device was revoked.

    A former member may still erase what they wrote. A revoked device may be in a thief's hands.
    """
    device = registry.device_row(state, record.author)
    if device is None or (device.last is not None and record.seq > device.last):
        return None
    return device.member
