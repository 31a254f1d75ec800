"""The proof of a membership: which of the records held show a stranger how a member came in."""

from __future__ import annotations

from commonweal.protocol.identity import membership_proof
from commonweal.protocol.identity.key_rotation import REKEY, SPONSORS
from commonweal.protocol.identity.membership_proof import ENROL, INVITE, REQUEST, VOUCH
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.records.record import FOUND, Record
from commonweal.storage.records.logs.log_store import Store


def chosen(store: Store, ledger: Ledger, device: DeviceKey, founder: MemberId) -> list[bytes]:
    """Return what shows that `device` is a member's, as `credentials.check` reads it.

    From member to inviting member, back to the founder, or as far as a hello has room: whoever
    knows one of those members needs no more.
    """
    records = [record for record in store.rare() if record.kind in membership_proof.KINDS]
    records = [record for record in records if ledger.verdict(record.id) is None]
    records.sort(key=lambda record: (record.clock, "inception" not in record.data, record.id))
    enrolled = {record.author: record for record in records if record.kind in (FOUND, ENROL)}
    members = {founder: None}
    shown = {record.id: None for record in records if record.kind == FOUND}
    best: list[bytes] = []
    at: DeviceKey | None = device
    while at in enrolled:
        member, before = _owner(ledger, at), dict(members)
        members[member] = None
        begins = (record for record in enrolled.values() if "inception" in record.data)
        shown |= {record.id: None for record in begins if _owner(ledger, record.author) == member}
        shown[enrolled[at].id] = None
        letting = [] if member == founder else _letting_in(ledger, records, member)
        for record in letting:
            shown[record.id] = None
        shown |= {
            enrolled[record.author].id: None for record in letting[:1] if record.kind == REQUEST
        }
        wires = [
            record.wire for record in records if record.id in shown or _changes(record, members)
        ]
        if best and not membership_proof.is_within_limits(wires):
            break
        best, at = wires, letting[-1].author if letting else None
        if at is not None and _owner(ledger, at) in before and _owner(ledger, at) != founder:
            break
    return best


def _letting_in(ledger: Ledger, records: list[Record], member: MemberId) -> list[Record]:
    """Return the vouch that admitted a member, or the request and the invite that did."""
    row = registry.member_row(ledger.state, member)
    for record in records:
        if row is None or record.clock != row.since:
            continue
        if record.kind == VOUCH and record.data.get("member") == member:
            return [record]
        if record.kind == REQUEST and _owner(ledger, record.author) == member:
            invites = [
                invite
                for invite in records
                if invite.kind == INVITE and invite.id == record.data["invite"]
            ]
            return [record, *invites]
    return []


def _changes(record: Record, members: dict[MemberId, None]) -> bool:
    return record.kind in (REKEY, SPONSORS) and record.data.get("member") in members


def _owner(ledger: Ledger, device: DeviceKey) -> MemberId:
    row = registry.device_row(ledger.state, device)
    assert row is not None, "an enrolment that counts makes a device"
    return row.member
