"""Invites, requests and vouches: how newcomers are admitted, and how fast a community grows.

Records:
  invite.create    key: Ed25519, uses: 1..1000, expires: ms, optional
  invite.revoke    invite, cited
  member.request   invite, cited; proof: signature by the invite's key over
                   ["commonweal/1/invite", community, member, device]
  member.vouch     member, request, cited
An invite counts as its author's vouch for each newcomer who asks under it, up to the weekly number
of newcomers that the rules allow a member. For any beyond that, and for removed members who return,
members vouch by hand. An invite ends with its author's membership and with the device that wrote
it. The first members, invited by the founder, are the founding circle, for which no limit holds.
State: I invites, Q a member's requests, R requests by id, V vouches, + the times in the last week
at which a member's invites admitted somebody. In no root: the invites and the open requests that
end with a membership.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any, Final, NamedTuple

from commonweal.protocol import keys
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.members.permissions import (
    Permission,
    denial,
    time_of,
    writer_denial,
)
from commonweal.protocol.ledger.members.registry import (
    ACTIVE,
    FOUNDING,
    MEMBER,
    NEW,
    REMOVED,
    MemberRow,
)
from commonweal.protocol.ledger.state import local_lists
from commonweal.protocol.ledger.state.context import Applicant, Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import LOCAL, State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.state.time_jumps import last_cut_ms
from commonweal.protocol.records.record import Record, RecordId

INVITE, REQUEST_OF = Table.INVITE.prefix, Table.REQUEST_OF.prefix
REQUEST, VOUCH = Table.REQUEST.prefix, Table.VOUCH.prefix
BROUGHT = Table.BROUGHT.prefix
INVITED: Final = LOCAL + b"i"
"""Local: the invites of a member that are not ended."""
ASKED: Final = LOCAL + b"r"
"""Local: the open requests of a member."""

USES_MAX = 1000
WEEK_MS = 7 * 24 * 3_600_000


class InviteRow(NamedTuple):
    """An invite in the state.

    device: with which its author's member wrote it. ended: that membership is over.
    """

    key: bytes
    uses: int
    used: int
    expires: int | None
    revoked: bool
    author: MemberId
    device: DeviceKey
    ended: bool = False


class RequestRow(NamedTuple):
    """A request in the state. vouches: how many; open: until its member is admitted."""

    member: MemberId
    device: DeviceKey
    invite: RecordId
    clock: int
    vouches: int
    open: bool


def invite_row(state: State, invite: bytes) -> InviteRow | None:
    """Return the row of an invite; None when there is no such invite."""
    value = state.get(INVITE + invite)
    return None if value is None else InviteRow(*value)


def request_row(state: State, request: bytes) -> RequestRow | None:
    """Return the row of a request; None when there is no such request."""
    value = state.get(REQUEST + request)
    return None if value is None else RequestRow(*value)


def create_invite(state: State, record: Record, context: Context) -> Verdict:
    """Create an invite of the author's member."""
    data = record.data
    key, uses, expires = data.get("key"), data.get("uses"), data.get("expires")
    if not is_bytes(key) or not is_count(uses, 1, USES_MAX):
        return Reason.SHAPE
    if expires is not None and not is_count(expires):
        return Reason.SHAPE
    early = writer_denial(state, record, context, Permission.INVITE)
    if early is not None:
        return early
    row = InviteRow(key, uses, 0, expires, False, context.member, record.author)
    state.put(INVITE + record.id, [*row])
    local_lists.add(state, INVITED, context.member, record.id)
    return None


def revoke_invite(state: State, record: Record, context: Context) -> Verdict:
    """Close an invite for good. Only its author's member and the founder may."""
    invite = record.data.get("invite")
    if not is_bytes(invite):
        return Reason.SHAPE
    if invite not in (*record.deps, record.prev):
        return Reason.NOT_CITED
    row = invite_row(state, invite)
    if row is None:
        return Reason.UNKNOWN_INVITE
    if context.member not in (row.author, state.get(FOUNDING)[0]):
        return Reason.NOT_YOURS
    if row.revoked:
        return Reason.ALREADY_REVOKED
    state.put(INVITE + invite, [*row._replace(revoked=True)])
    return None


def end_invites(state: State, member: MemberId) -> None:
    """End the invites of a member whose membership ends; they stay ended if the member returns."""
    for invite in local_lists.take(state, INVITED, member):
        row = invite_row(state, invite)
        assert row is not None, "what is listed is known"
        state.put(INVITE + invite, [*row._replace(ended=True)])


def end_requests(state: State, member: MemberId) -> None:
    """Delete the open requests of a member whose membership ends.

    To return, they must ask again.
    """
    for id in local_lists.take(state, ASKED, member):
        row = request_row(state, id)
        assert row is not None, "what is listed is known"
        state.delete(REQUEST + id)
        state.delete(REQUEST_OF + member + row.invite)


def list_row(state: State, key: bytes, value: Any) -> None:
    """List what a row of the state says that ends with a membership."""
    if key[:1] == INVITE and not (invite := InviteRow(*value)).ended:
        local_lists.add(state, INVITED, invite.author, key[1:])
    elif key[:1] == REQUEST and (asked := RequestRow(*value)).open:
        local_lists.add(state, ASKED, asked.member, key[1:])


def admissions(state: State, member: MemberId) -> tuple[RecordId, ...]:
    """Return the answered requests of a member, and the vouches that they counted.

    A record that rests on the membership cites these, so that it is folded after them in every
    order of arrival.
    """
    requests = [
        RecordId(key[len(REQUEST) :])
        for key, value in state.items(REQUEST)
        if value[0] == member and not RequestRow(*value).open
    ]
    vouches = [RecordId(id) for request in requests for _, id in state.items(VOUCH + request)]
    return tuple(sorted(dict.fromkeys([*requests, *vouches])))


def returned(state: State) -> tuple[MemberId, ...]:
    """Return, by id, the members who are active again after their membership had ended."""
    founder = state.get(FOUNDING)
    answered = Counter[bytes](() if founder is None else founder[:1])
    rows = (RequestRow(*value) for _, value in state.items(REQUEST))
    answered.update(row.member for row in rows if not row.open)
    again = sorted(member for member, times in answered.items() if times > 1)
    rows_of = ((MemberId(member), registry.member_row(state, member)) for member in again)
    return tuple(member for member, row in rows_of if row is not None and row.status == ACTIVE)


def request(state: State, record: Record, context: Context) -> Verdict:
    """Note a newcomer's request to be admitted; the invite is the first vouch, if it may be."""
    invite, proof = record.data.get("invite"), record.data.get("proof")
    if not is_bytes(invite) or not is_bytes(proof, keys.SIGNATURE_BYTES):
        return Reason.SHAPE
    if invite not in (*record.deps, record.prev):
        return Reason.NOT_CITED
    device = registry.device_row(state, record.author)
    if device is None:
        return Reason.NOT_ENROLLED
    if device.last is not None and record.seq > device.last:
        return Reason.DEVICE_REVOKED
    member = registry.member_row(state, device.member)
    assert member is not None, "a device belongs to a member"
    if member.status == ACTIVE:
        return Reason.ALREADY_MEMBER
    row = invite_row(state, invite)
    if row is None:
        return Reason.UNKNOWN_INVITE
    of_member = REQUEST_OF + device.member + invite
    standing = state.get(of_member)
    if standing is not None and state.get(REQUEST + standing)[5]:
        return Reason.ALREADY_REQUESTED
    fields = (context.community, device.member, record.author)
    signed = keys.signed_array(keys.INVITE_CONTEXT, *fields)
    if not keys.is_signed(row.key, signed, proof):
        return Reason.NOT_BY_INVITE
    asked = RequestRow(device.member, record.author, RecordId(invite), record.clock, 0, True)
    state.put(of_member, record.id)
    local_lists.add(state, ASKED, device.member, record.id)
    is_open = invite_closed(state, row) is None and member.status != REMOVED
    if is_open and _has_room(state, row, context):
        asked = _with_vouch(state, record, asked, row.author)
        _charge(state, record, row, context)
    _decide(state, record, RecordId(record.id), asked, context)
    return None


def vouch(state: State, record: Record, context: Context) -> Verdict:
    """Count the author's vouch, and admit the newcomer once the rules are satisfied."""
    member, asked = record.data.get("member"), record.data.get("request")
    if not is_bytes(member) or not is_bytes(asked):
        return Reason.SHAPE
    if asked not in (*record.deps, record.prev):
        return Reason.NOT_CITED
    row = request_row(state, asked)
    if row is None or row.member != member:
        return Reason.UNKNOWN_REQUEST
    newcomer = registry.member_row(state, member)
    assert newcomer is not None, "a request is by a known member"
    if newcomer.status == ACTIVE or not row.open:
        return Reason.ALREADY_MEMBER
    if state.get(VOUCH + asked + context.member) is not None:
        return Reason.ALREADY_VOUCHED
    early = writer_denial(state, record, context, Permission.INVITE)
    if early is not None:
        return early
    invite = invite_row(state, row.invite)
    assert invite is not None, "a request is under a known invite"
    closed = invite_closed(state, invite)
    if closed is not None:
        return closed
    if context.member == invite.author:
        if not _has_room(state, invite, context):
            return Reason.GROWTH_REACHED
        _charge(state, record, invite, context)
    row = _with_vouch(state, record, row, context.member, RecordId(asked))
    _decide(state, record, RecordId(asked), row, context)
    return None


def invite_closed(state: State, invite: InviteRow) -> Verdict:
    """Return why an invite admits nobody any more; None while it does.

    It expires by the time of the last seal, never by a clock.
    """
    if invite.revoked:
        return Reason.INVITE_REVOKED
    device = registry.device_row(state, invite.device)
    if invite.ended or device is None or device.last is not None:
        return Reason.INVITE_ENDED
    if invite.expires is not None and invite.expires < last_cut_ms(state):
        return Reason.INVITE_EXPIRED
    return Reason.INVITE_USED if invite.used >= invite.uses else None


def growth_max(state: State, context: Context) -> int:
    """Return how many newcomers one member may bring in per week, by the rules in force."""
    admission, (active, _) = context.rules.membership, registry.counts(state)
    return max(admission.growth_per_week, active * admission.growth_percent // 100)


def is_founding(state: State, invite: InviteRow, context: Context) -> bool:
    """Return whether a newcomer under this invite would join the founding circle."""
    _, ever = registry.counts(state)
    is_founders = bool(invite.author == state.get(FOUNDING)[0])
    return is_founders and ever < context.rules.membership.founding_circle


def _has_room(state: State, invite: InviteRow, context: Context) -> bool:
    if is_founding(state, invite, context):
        return True
    return len(_recent_newcomers(state, invite.author, context)) < growth_max(state, context)


def _recent_newcomers(state: State, member: MemberId, context: Context) -> list[int]:
    """Return the times (ms) at which a member brought somebody in, from a week before the last
    seal.
    """
    since_ms = context.cut.time_ms - WEEK_MS
    return [at_ms for at_ms in state.get(BROUGHT + member) or () if at_ms > since_ms]


def _charge(state: State, record: Record, invite: InviteRow, context: Context) -> None:
    if not is_founding(state, invite, context):
        brought = _recent_newcomers(state, invite.author, context)
        state.put(BROUGHT + invite.author, [*brought, time_of(record, context)])


def _with_vouch(
    state: State, record: Record, asked: RequestRow, by: MemberId, id: RecordId | None = None
) -> RequestRow:
    state.put(VOUCH + (id or record.id) + by, record.id)
    return asked._replace(vouches=asked.vouches + 1)


def _decide(
    state: State, record: Record, id: RecordId, asked: RequestRow, context: Context
) -> None:
    """Write a request, and admit the newcomer if enough members have vouched."""
    invite = invite_row(state, asked.invite)
    assert invite is not None, "a request is under a known invite"
    newcomer = registry.member_row(state, asked.member)
    assert newcomer is not None, "a request is by a known member"
    back = newcomer.status != NEW
    known = context.oracle(Applicant(asked.member, asked.device, invite.author, back))
    if known if known is not None else _is_enough(state, record, asked, context):
        delay_ms = context.rules.membership.delay_ms
        is_circle = is_founding(state, invite, context)
        powers_ms = 0 if is_circle else max(1, time_of(record, context)) + delay_ms
        state.put(INVITE + asked.invite, [*invite._replace(used=invite.used + 1)])
        registry.set_status(state, asked.member, ACTIVE, record.clock, powers_ms)
        asked = asked._replace(open=False)
        local_lists.remove(state, ASKED, asked.member, id)
    state.put(REQUEST + id, [*asked])


def _is_enough(state: State, record: Record, asked: RequestRow, context: Context) -> bool:
    """Return whether the vouches satisfy the rules in force: at least one.

    Where fewer members may vouch than must, it is enough that all of them do.
    """
    needed = max(1, context.rules.membership.vouches)
    if not asked.vouches or asked.vouches >= needed:
        return bool(asked.vouches)
    time_ms = time_of(record, context)
    able = (
        True
        for key, value in state.items(MEMBER)
        if MemberRow(*value).status == ACTIVE
        if denial(state, key[1:], Permission.INVITE, time_ms) is None
    )
    return asked.vouches >= sum(islice(able, needed))
