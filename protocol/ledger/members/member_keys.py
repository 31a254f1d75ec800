"""How a member's keys change: by his own word, or by that of the sponsors whom he named.

The records and what they must say are in `succession`. Whose device writes them into the
ledger does not matter, as long as it is an active member's. Of two changes of one number
that both are signed well, the one that stands first in the order of records counts.
State: C what became of a member's keys: his sponsors, what they have said, and the records
that named them last and changed the keys last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from commonweal.protocol.errors import BadSignature, Malformed
from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.invite import RekeyedMember
from commonweal.protocol.identity.key_rotation import MemberKeys
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import CommunityId, Record, RecordId

SUCCESSION = Table.SUCCESSION.prefix
FOUNDING_CLOCK = 1
NO_SEQ = -1
"""The last good seq of a device that was ended without naming one."""


class SuccessionRow(NamedTuple):
    """What the state says beside a member's present keys.

    sponsors: their document, or nothing. words: [key, document] of each who spoke. naming,
    change: the records that named sponsors and changed the keys last, or nothing.
    """

    named: int = 0
    sponsors: bytes = b""
    words: Sequence[Sequence[bytes]] = ()
    naming: bytes = b""
    change: bytes = b""
    clock: int = 0


def keys_of(state: State, member: MemberId) -> MemberKeys | None:
    """Return the keys of an active member, and who could give him others; else None."""
    row = registry.member_row(state, member)
    if row is None or row.status != registry.ACTIVE:
        return None
    known = _row(state, member)
    return MemberKeys(
        member,
        tuple(MemberKey(key) for key in row.keys),
        row.threshold,
        row.rekeys,
        Inception.from_bytes(known.sponsors) if known.sponsors else None,
        known.named,
        tuple((MemberKey(key), wanted) for key, wanted in known.words),
    )


def rekeyed(state: State, member: MemberId) -> RekeyedMember | None:
    """Return what a link says of a member whose keys were changed; None when they were not."""
    row = _row(state, member)
    return RekeyedMember(member, RecordId(row.change), row.clock) if row.change else None


def naming(state: State, member: MemberId) -> RecordId | None:
    """Return the record by which a member named his sponsors last, which their words cite."""
    row = _row(state, member)
    return RecordId(row.naming) if row.naming else None


def inherited_row(value: Any, community: CommunityId) -> list[Any]:
    """Return a row as a re-founded community begins with it.

    What its records were cited for is now the founding record's: it stands before all.
    """
    row = SuccessionRow(*value)
    first = bytes(community)
    return [
        *row._replace(
            words=[],
            naming=first if row.naming else b"",
            change=first if row.change else b"",
            clock=FOUNDING_CLOCK if row.change else 0,
        )
    ]


def rekey(state: State, record: Record, context: Context) -> Verdict:
    """Give a member the keys of a new document, by the word of the old ones or of his sponsors."""
    return _change(state, record, context, key_rotation.apply_rekey)


def sponsor(state: State, record: Record, context: Context) -> Verdict:
    """Note whom a member names, so that enough of them could give him other keys."""
    return _change(state, record, context, key_rotation.apply_sponsors)


def _change(
    state: State,
    record: Record,
    context: Context,
    step: Callable[[MemberKeys, bytes, Mapping[str, Any]], MemberKeys],
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
    row = registry.member_row(state, member)
    assert row is not None, "the member is known"
    row = row._replace(keys=[*new.keys], threshold=new.threshold, rekeys=new.rekeys)
    state.put(registry.MEMBER + member, [*row])
    known = _row(state, member)._replace(
        named=new.named,
        sponsors=new.sponsors.to_bytes() if new.sponsors else b"",
        words=[[*word] for word in new.words],
    )
    if new.named > old.named:
        known = known._replace(naming=record.id)
    if new.rekeys > old.rekeys:
        known = known._replace(change=record.id, clock=record.clock)
        _end_others(state, member, key_rotation.kept_devices(record.data))
    state.put(SUCCESSION + member, [*known._replace(words=[*known.words])])
    return None


def _end_others(state: State, member: bytes, staying: Sequence[DeviceKey]) -> None:
    """Let all devices of a member but these write nothing more from here on."""
    prefix = registry.DEVICE_OF + member
    for key, _ in list(state.items(prefix)):
        device = registry.device_row(state, key[len(prefix) :])
        if device is not None and device.last is None and key[len(prefix) :] not in staying:
            state.put(registry.DEVICE + key[len(prefix) :], [*device._replace(last=NO_SEQ)])


def _row(state: State, member: bytes) -> SuccessionRow:
    return SuccessionRow(*(state.get(SUCCESSION + member) or ()))
