"""The end of a membership: a member leaves, or is removed by a vote.

What they gave, were given, and attested stays. Their disputes end, because they could no longer
withdraw them and would keep others from their share for ever. Their invites end, because they could
return under them as somebody else. Their open requests end, because a later vouch would bring them
back against their will. What they offer and need is withdrawn, and what is asked of them or by them
is declined; what was agreed stands. They are in no project any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.exchange import open_records
from commonweal.protocol.ledger.exchange.deals import agreement_row
from commonweal.protocol.ledger.exchange.offers import intents, offers
from commonweal.protocol.ledger.members import invites, registry
from commonweal.protocol.ledger.state.context import Context, Verdict
from commonweal.protocol.ledger.state.state import Reader, State
from commonweal.protocol.ledger.ventures.projects import projects
from commonweal.protocol.records.record import Record

LISTED: Final = (invites.INVITE, invites.REQUEST, attestation.DISPUTE)
"""Tables of what ends with a membership and is listed by member, in local keys."""


def listed_rows(
    pairs: Iterable[tuple[bytes, Any]], base: Reader | None = None
) -> Iterator[tuple[bytes, Any]]:
    """Yield how local rows change by listing what rows of the state say. base: what is listed."""
    state = State(base)
    for key, value in pairs:
        invites.list_row(state, key, value)
        attestation.list_row(state, key)
    yield from state.local_changes()


def leave(state: State, record: Record, context: Context) -> Verdict:
    """End the membership of the author's member; what they have earned stays theirs."""
    _depart(state, context.member, registry.LEFT, record.clock)
    return None


def remove(state: State, member: MemberId, clock: int) -> None:
    """End the membership of an active member, as a vote decided."""
    _depart(state, member, registry.REMOVED, clock)


def _depart(state: State, member: MemberId, status: str, clock: int) -> None:
    registry.set_status(state, member, status, clock)
    invites.end_invites(state, member)
    invites.end_requests(state, member)
    attestation.withdraw_disputes(state, member)
    agreement_row.decline_all(state, member)
    projects.leave_all(state, member)
    for record, sort in open_records.open_of(state, member):
        if sort == open_records.INTENT:
            intents.close(state, record, intents.WITHDRAWN, member)
        elif sort == open_records.OFFER:
            offers.close(state, record, intents.WITHDRAWN, member)
