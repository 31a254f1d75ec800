"""How a member's keys change: by his own word, or by that of the sponsors whom he named.

The records and what they must say are in `succession`. Whose device writes them into the
ledger does not matter, as long as it is an active member's. Of two changes of one number
that both are signed well, the one that stands first in the order of records counts.
State: C the sponsors of a member, how often he named some, and what they have said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from commonweal.protocol import succession
from commonweal.protocol.errors import BadSignature, Malformed
from commonweal.protocol.identity import Inception
from commonweal.protocol.keys import MemberId, MemberKey
from commonweal.protocol.ledger import joining
from commonweal.protocol.ledger.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.reasons import Reason
from commonweal.protocol.ledger.state import State
from commonweal.protocol.record import Record
from commonweal.protocol.succession import Keys

SPONSORED = b"C"


def keys_of(state: State, member: MemberId) -> Keys | None:
    """Return the keys of an active member, and who could give him others; else None."""
    row = joining.member_row(state, member)
    if row is None or row.status != joining.ACTIVE:
        return None
    named, document, words = state.get(SPONSORED + member) or (0, b"", [])
    return Keys(
        member,
        tuple(MemberKey(key) for key in row.keys),
        row.threshold,
        row.rekeys,
        Inception.from_bytes(document) if document else None,
        named,
        tuple((MemberKey(key), wanted) for key, wanted in words),
    )


def rekey(state: State, record: Record, context: Context) -> Verdict:
    """Give a member the keys of a new document, by the word of the old ones or of his sponsors."""
    return _change(state, record, context, succession.rekeyed)


def sponsor(state: State, record: Record, context: Context) -> Verdict:
    """Note whom a member names, so that enough of them could give him other keys."""
    return _change(state, record, context, succession.sponsored)


def _change(
    state: State,
    record: Record,
    context: Context,
    step: Callable[[Keys, bytes, Mapping[str, Any]], Keys],
) -> Verdict:
    member = record.data.get("member", context.member)
    if not is_bytes(member):
        return Reason.SHAPE
    old = keys_of(state, MemberId(member))
    if old is None:
        return Reason.UNKNOWN_MEMBER
    try:
        new = step(old, context.community, record.data)
    except Malformed:
        return Reason.SHAPE
    except BadSignature:
        return Reason.NOT_SIGNED
    if new == old:
        return Reason.NOTHING_NEW
    row = joining.member_row(state, member)
    assert row is not None, "the member is known"
    row = row._replace(keys=[*new.keys], threshold=new.threshold, rekeys=new.rekeys)
    state.put(joining.MEMBER + member, [*row])
    document = new.sponsors.to_bytes() if new.sponsors else b""
    if new.named:
        state.put(SPONSORED + member, [new.named, document, [list(word) for word in new.words]])
    return None
