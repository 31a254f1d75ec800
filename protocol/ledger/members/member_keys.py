"""A member's keys: rotation by their own keys, and social recovery by the sponsors they named.

The records and what they must sign are in `identity/key_rotation`. Any active member's device may
write them into the ledger. Of two valid changes with the same number, the one that comes first in
the order of records counts. State: C a member's sponsors, what they have signed so far, and the
records that last named sponsors and last changed the keys.
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
"""The last valid seq of a device that was ended without naming one."""


class SuccessionRow(NamedTuple):
    """What the state holds beside a member's present keys.

    sponsors: their document, or empty. words: [key, document] of each sponsor who signed. naming,
    change: the records that last named sponsors and last changed the keys, or empty.
    """

    named: int = 0
    sponsors: bytes = b""
    words: Sequence[Sequence[bytes]] = ()
    naming: bytes = b""
    change: bytes = b""
    clock: int = 0


def keys_of(state: State, member: MemberId) -> MemberKeys | None:
    """Return an active member's keys, and who can recover them; otherwise None."""
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
    """Return what an invite link says of a member whose keys were changed; otherwise None."""
    row = _row(state, member)
    return RekeyedMember(member, RecordId(row.change), row.clock) if row.change else None


def naming(state: State, member: MemberId) -> RecordId | None:
    """Return the record by which a member last named sponsors, which the sponsors' records cite."""
    row = _row(state, member)
    return RecordId(row.naming) if row.naming else None


def inherited_row(value: Any, community: CommunityId) -> list[Any]:
    """Return a row as a re-founded community begins with it.

    Where its records were cited, the founding record is cited now: it comes before all others.
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
    """Give a member the keys of a new document, as the old keys or enough sponsors signed."""
    return _change(state, record, context, key_rotation.apply_rekey)


def sponsor(state: State, record: Record, context: Context) -> Verdict:
    """Note the sponsors that a member names; enough of them can give the member new keys."""
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
    """End all devices of a member but these: they can write nothing from here on."""
    prefix = registry.DEVICE_OF + member
    for key, _ in list(state.items(prefix)):
        device = registry.device_row(state, key[len(prefix) :])
        if device is not None and device.last is None and key[len(prefix) :] not in staying:
            state.put(registry.DEVICE + key[len(prefix) :], [*device._replace(last=NO_SEQ)])


def _row(state: State, member: bytes) -> SuccessionRow:
    return SuccessionRow(*(state.get(SUCCESSION + member) or ()))
