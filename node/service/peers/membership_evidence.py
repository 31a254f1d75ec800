"""The proof of a membership: which of the records held show a stranger how a member came in."""

from __future__ import annotations

from commonweal.protocol.identity import membership_proof
from commonweal.protocol.identity.key_rotation import REKEY, SPONSORS
from commonweal.protocol.identity.membership_proof import ENROL, INVITE, REQUEST, VOUCH
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.records.record import FOUND, Record
from commonweal.storage.records.log_store import Store


def chosen(store: Store, ledger: Ledger, device: DeviceKey, founder: MemberId) -> list[bytes]:
    """Return what shows that `device` is a member's, as `credentials.check` reads it.

    From member to inviting member, back to the founder, or as far as a hello has room: whoever
    knows one of those members needs no more.
    """
    found = [one for one in store.rare() if one.kind in membership_proof.KINDS]
    found = [one for one in found if ledger.verdict(one.id) is None]
    found.sort(key=lambda one: (one.clock, "inception" not in one.data, one.id))
    enrolled = {one.author: one for one in found if one.kind in (FOUND, ENROL)}
    members = {founder: None}
    shown = {one.id: None for one in found if one.kind == FOUND}
    best: list[bytes] = []
    at: DeviceKey | None = device
    while at in enrolled:
        member, before = _owner(ledger, at), dict(members)
        members[member] = None
        begins = (one for one in enrolled.values() if "inception" in one.data)
        shown |= {one.id: None for one in begins if _owner(ledger, one.author) == member}
        shown[enrolled[at].id] = None
        letting = [] if member == founder else _letting_in(ledger, found, member)
        for one in letting:
            shown[one.id] = None
        shown |= {enrolled[one.author].id: None for one in letting[:1] if one.kind == REQUEST}
        wires = [one.wire for one in found if one.id in shown or _changes(one, members)]
        if best and not membership_proof.is_within_limits(wires):
            break
        best, at = wires, letting[-1].author if letting else None
        if at is not None and _owner(ledger, at) in before and _owner(ledger, at) != founder:
            break
    return best


def _letting_in(ledger: Ledger, found: list[Record], member: MemberId) -> list[Record]:
    """Return the vouch that admitted a member, or the request and the invite that did."""
    row = registry.member_row(ledger.state, member)
    for one in found:
        if row is None or one.clock != row.since:
            continue
        if one.kind == VOUCH and one.data.get("member") == member:
            return [one]
        if one.kind == REQUEST and _owner(ledger, one.author) == member:
            invites = [it for it in found if it.kind == INVITE and it.id == one.data["invite"]]
            return [one, *invites]
    return []


def _changes(record: Record, members: dict[MemberId, None]) -> bool:
    return record.kind in (REKEY, SPONSORS) and record.data.get("member") in members


def _owner(ledger: Ledger, device: DeviceKey) -> MemberId:
    row = registry.device_row(ledger.state, device)
    assert row is not None, "an enrolment that counts makes a device"
    return row.member
