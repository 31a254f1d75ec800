"""Departing: a member leaves, or is removed by a vote.

What they gave, were given, and said of contributions stays. Their disputes do not: they could
not withdraw them, and so one who is gone would keep others from their share for ever. Nor do
their invites, by which they would come back as somebody else, nor what they asked for before and
nobody answered, by which they would come back without wanting to.
"""

from __future__ import annotations

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.members import invites, registry
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record


def leave(state: State, record: Record, context: Context) -> Verdict:
    """Let the author's member be one no longer; what he has earned stays his."""
    _depart(state, context.member, registry.LEFT, record.clock)
    return None


def remove(state: State, member: MemberId, clock: int) -> None:
    """Let an active member be one no longer, as a vote decided."""
    _depart(state, member, registry.REMOVED, clock)


def _depart(state: State, member: MemberId, status: str, clock: int) -> None:
    registry.set_status(state, member, status, clock)
    invites.end_invites(state, member)
    invites.end_requests(state, member)
    attestation.withdraw_disputes(state, member)
