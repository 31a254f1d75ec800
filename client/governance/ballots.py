"""One vote as this member sees it: what they may say, who has said nothing, how it would end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.governance.votes import ElectorateState, electorate_state
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.governance import proposals, tally
from commonweal.protocol.ledger.governance.proposal_records import CHOICES
from commonweal.protocol.ledger.governance.proposals import PROPOSAL, ProposalRow
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


_NO_END: tuple[str | None, int, bool] = (None, 0, False)


@dataclass(frozen=True, slots=True)
class SilentElector:
    """Somebody who may vote, and has said nothing. you: it is the member of this home."""

    member: MemberId
    member_name: str
    you: bool


@dataclass(frozen=True, slots=True)
class ProposalOutlook:
    """A proposal as this member sees it, by all votes that are held here.

    choices: what they may say now; refusal: why they may say nothing, "" where they may.
    said, record: what they said last, and the record that says so. may_withdraw: whether they may
    take it back. missing: who has said nothing; empty before the vote opens. electorates: with
    all votes that are here, sealed or not. now: how it would end with these votes at its deadline,
    as a status; None before it opens. yes_missing: how many yes it still needs. is_open_ended:
    whether those who said nothing can still change how it ends; votes that were cast can be
    changed until the close in any case.
    """

    choices: tuple[str, ...]
    refusal: str
    said: str | None
    record: RecordId | None
    may_withdraw: bool
    missing: tuple[SilentElector, ...]
    electorates: tuple[ElectorateState, ...]
    now: str | None
    yes_missing: int
    is_open_ended: bool


class Ballots(HomeAccess):
    """What this member can do in a vote."""

    def proposal_outlook(self, id: str | bytes) -> ProposalOutlook:
        """Return what this member may say of a proposal. Raises UnknownId, AmbiguousId."""
        view = self.view
        chosen = view.id_among(prefix(id), PROPOSAL)
        row = proposals.proposal_row(view.state, chosen)
        assert row is not None, "it is a proposal"
        choices, refusal = _choices(view, chosen)
        cast = view.state.get(proposals.VOTE + chosen + view.me)
        is_voting = row.status == proposals.VOTING
        missing = tuple(_silent(view, chosen)) if is_voting else ()
        if is_voting:
            row = tally.count_votes(view.state, chosen, row, _active(view))
        now, yes_missing, is_open_ended = _ending(row, len(missing)) if is_voting else _NO_END
        return ProposalOutlook(
            choices=choices,
            refusal=refusal,
            said=None if cast is None else cast[0],
            record=None if cast is None else RecordId(cast[1]),
            may_withdraw=_refused(view, "rules.withdraw", chosen, {}) is None,
            missing=missing,
            electorates=tuple(map(electorate_state, row.ballots)),
            now=now,
            yes_missing=yes_missing,
            is_open_ended=is_open_ended,
        )


def _choices(view: LedgerView, id: RecordId) -> tuple[tuple[str, ...], str]:
    """Return what would count if this member said it now; else why nothing would."""
    refused = {say: _refused(view, "rules.vote", id, {"say": say}) for say in CHOICES}
    taken = tuple(say for say, why in refused.items() if why is None)
    return taken, "" if taken else refused[proposals.YES] or ""


def _refused(view: LedgerView, kind: str, id: RecordId, data: dict[str, str]) -> str | None:
    """Return why a record about a proposal would not count; None where it would."""
    try:
        view.check(wish_of(kind, {"proposal": bytes(id), **data}, (id,)))
    except CommonwealError as error:
        return str(error) or view.words.error(error)
    return None


def _active(view: LedgerView) -> set[bytes]:
    return {member.id for member in membership.members(view.state) if member.status == "active"}


def _silent(view: LedgerView, id: RecordId) -> Iterator[SilentElector]:
    """Yield the electors who are members still and said nothing, by name."""
    cast, active = proposals.votes(view.state, id), _active(view)
    prefix = proposals.ELECTOR + id
    electors = (MemberId(key[len(prefix) :]) for key, _ in view.state.items(prefix))
    silent = [member for member in electors if member in active and member not in cast]
    for member in sorted(silent, key=lambda member: (view.name(member), member)):
        yield SilentElector(member, view.name(member), member == view.me)


def _ending(row: ProposalRow, missing: int) -> tuple[str | None, int, bool]:
    """Return how a vote would end now, the yes that it needs, and whether silence decides."""
    ends = {
        tally.outcome(_if_all_said(row, say, missing), row.deadline_ms)
        for say in (proposals.YES, proposals.NO, proposals.BLOCK)
    }
    now = tally.outcome(row, row.deadline_ms)
    yes_missing = max((ballot.needed - ballot.yes for ballot in row.ballots), default=0)
    return now, max(0, yes_missing), bool(missing) and ends != {now}


def _if_all_said(row: ProposalRow, say: str, missing: int) -> ProposalRow:
    """Return a vote in which all who said nothing say the same."""
    ballots = []
    for ballot in row.ballots:
        silent = min(missing, max(0, ballot.electorate - ballot.turnout))
        ballots.append(ballot._replace(**{say: getattr(ballot, say) + silent}))
    return row._replace(ballots=tuple(ballots))
