"""Permissions: what a member may do for the community, and from when on.

A newcomer records, is credited and is paid from the first day. To vote and propose, to attest for
others, to hold a seat and to bring others in, they wait as long as the rules said when they were
admitted, measured in the time of seals. The founding circle does not wait.
"""

from __future__ import annotations

from enum import Enum

from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.context import Context
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record


class Permission(Enum):
    """What a newcomer may not do yet; the value is the reason why such a record is void."""

    VOTE = Reason.NO_VOTE_YET
    """To vote, and to propose."""
    ATTEST = Reason.NO_WORD_YET
    """To attest or dispute others' records and claims, and to endorse."""
    SEAT = Reason.NO_SEAT_YET
    """To witness."""
    INVITE = Reason.NO_INVITE_YET
    """To create invites, and to vouch."""


def denial(state: State, member: bytes, power: Permission, time_ms: int) -> Reason | None:
    """Return None when a member has the permission at the time of a seal; otherwise why not yet."""
    row = registry.member_row(state, member)
    if row is None or row.status != registry.ACTIVE:
        return Reason.NOT_A_MEMBER
    return None if row.powers_ms <= time_ms else power.value


def writer_denial(
    state: State, record: Record, context: Context, power: Permission
) -> Reason | None:
    """Return None when the author's member has the permission at the place of this record.

    A seal whose time jumped gives nobody a permission before that time is confirmed.
    """
    sealed_ms = context.time_ms
    time_ms = time_jumps.trusted_ms(state, sealed_ms) if sealed_ms else time_of(record, context)
    return denial(state, context.member, power, time_ms)


def cap_probation(state: State, latest_ms: int) -> None:
    """End everybody's wait at `latest_ms` at the latest: a wrong time has admitted them."""
    for key, value in list(state.items(registry.MEMBER)):
        row = registry.MemberRow(*value)
        if row.powers_ms > latest_ms:
            state.put(key, [*row._replace(powers_ms=latest_ms)])


def last_trusted_ms(state: State) -> int:
    """Return the time of the last seal; while that is in doubt, of the one before the jump."""
    known, last = time_jumps.last_jump(state), time_jumps.last_cut_ms(state)
    return known.sure_ms if known.doubtful_until_ms(last) else last


def was_member(state: State, member: bytes, clock: int, time_ms: int) -> bool:
    """Return whether a member was admitted before a clock, and before the seal of that time.

    A member admitted by the same seal might have chosen their clock to be earlier.
    """
    row = registry.member_row(state, member)
    return row is not None and row.since < clock and row.powers_ms < max(1, time_ms)


def time_of(record: Record, context: Context) -> int:
    """Return the time (ms) at which a record counts: that of the seal that covers it.

    Above the last seal it is the time that the author claims, but not before that seal. This is an
    estimate, by which nothing becomes final.
    """
    return context.time_ms or max(context.cut.time_ms, record.claimed_at)
