"""Powers: what a member may do for the community, and from when on.

A newcomer records, is credited and is paid from the first day. To vote and propose, to say yes
or no for others, to hold a seat, and to bring others in, they wait as long as the rules said
when they were admitted, counted in the time of seals. The founding circle waits for nothing.
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
    """What a newcomer may not do yet; the value is why a record of it counts for nothing."""

    VOTE = Reason.NO_VOTE_YET
    """To vote, and to lay something before the members."""
    ATTEST = Reason.NO_WORD_YET
    """To say of others' records and claims whether they are right."""
    SEAT = Reason.NO_SEAT_YET
    """To witness."""
    INVITE = Reason.NO_INVITE_YET
    """To make invites, and to vouch."""


def denial(state: State, member: bytes, power: Permission, time_ms: int) -> Reason | None:
    """Return None when a member has a power at the time of a seal, else why not yet."""
    row = registry.member_row(state, member)
    if row is None or row.status != registry.ACTIVE:
        return Reason.NOT_A_MEMBER
    return None if row.powers_ms <= time_ms else power.value


def writer_denial(
    state: State, record: Record, context: Context, power: Permission
) -> Reason | None:
    """Return None when the author's member has a power at the place of this record.

    A seal whose time jumped gives nobody a power before that time is confirmed.
    """
    sealed_ms = context.time_ms
    time_ms = time_jumps.trusted_ms(state, sealed_ms) if sealed_ms else time_of(record, context)
    return denial(state, context.member, power, time_ms)


def cap_probation(state: State, latest_ms: int) -> None:
    """Let nobody wait longer than until then: a wrong time has admitted them."""
    for key, value in list(state.items(registry.MEMBER)):
        row = registry.MemberRow(*value)
        if row.powers_ms > latest_ms:
            state.put(key, [*row._replace(powers_ms=latest_ms)])


def last_trusted_ms(state: State) -> int:
    """Return the time of the last seal; where that is in doubt, of the one before the jump."""
    known, last = time_jumps.last_jump(state), time_jumps.last_cut_ms(state)
    return known.sure_ms if known.doubtful_until_ms(last) else last


def was_member(state: State, member: bytes, clock: int, time_ms: int) -> bool:
    """Whether a member was admitted before a clock, and before the seal of that time.

    Who was admitted by the same seal might have chosen their clock to stand before.
    """
    row = registry.member_row(state, member)
    return row is not None and row.since < clock and row.powers_ms < max(1, time_ms)


def time_of(record: Record, context: Context) -> int:
    """Return the time at which a record counts: that of the seal that covers it.

    Above the last seal it is what the author claims, but no earlier than that seal. It is an
    estimate, with which nothing becomes final.
    """
    return context.time_ms or max(context.cut.time_ms, record.claimed_at)
