"""Votes: what is voted on, how it stands, who said what, and saying it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, prefix
from commonweal.client.governance import backtests
from commonweal.client.governance.backtests import BacktestCheck
from commonweal.client.language.plain import KEY, fields_of
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.client.ledger.words.notes import note_body
from commonweal.client.ledger.words.texts import proposal_text_of, text_of
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.data.consents import consent_row
from commonweal.protocol.ledger.governance import proposals
from commonweal.protocol.ledger.governance.proposals import (
    DECISION,
    PROPOSAL,
    REMOVAL,
    RULES,
    BallotRow,
    ProposalRow,
)
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import DECIDES, EXTEND
from commonweal.protocol.ledger.ventures.projects.projects import project_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class ElectorateState:
    """What one electorate is asked, and what it said. role: None for all members.

    needed: how many yes; 0 where silence is consent. quorum: how many must vote. blocks,
    objections: how many stop it. early_failure: whether it fails as soon as it can no longer pass.
    indifferent: how many are, and so do not count in the part that must say yes.
    """

    role: str | None
    electorate: int
    needed: int
    quorum: int
    blocks: int
    objections: int
    yes: int
    no: int
    abstain: int
    block: int
    early_failure: bool
    indifferent: int


@dataclass(frozen=True, slots=True)
class ProposalState:
    """A proposal and how the vote on it stands. kind: which procedure decides it.

    target: the ruleset, member or record that it is about. needed, electorate, times: None before
    the vote opens. words: what it asks; why: the reason that was given. final: sealed as it stands.
    """

    id: RecordId
    subject: str
    member: MemberId
    member_name: str
    kind: str = field(metadata={KEY: "class"})
    status: str
    base: bytes
    target: bytes | None
    words: str
    yes: int
    no: int
    abstain: int
    block: int
    needed: int | None
    electorate: int | None
    electorates: tuple[ElectorateState, ...]
    why: str | None
    opened_ms: int | None
    deadline_ms: int | None
    until_ms: int | None
    sunset_hours: int | None
    backtest: bytes | None
    height: int | None
    final: bool


@dataclass(frozen=True, slots=True)
class CastVote:
    """What a member said last, and the record that says so. final: it is sealed."""

    id: RecordId
    member: MemberId
    member_name: str
    say: str
    final: bool


@dataclass(frozen=True, slots=True)
class ProposalComment:
    """A comment on a proposal; its text is None where it was erased or is not here."""

    id: RecordId
    member: MemberId
    member_name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class ProposalDetails(ProposalState):
    """A proposal with all votes and comments, and whether its backtest is right."""

    backtest_check: BacktestCheck | None
    votes: tuple[CastVote, ...]
    comments: tuple[ProposalComment, ...]


@dataclass(frozen=True, slots=True)
class ProposalRecord:
    """A record that says something of a proposal."""

    id: RecordId
    seq: int
    proposal: RecordId


class Votes(HomeAccess):
    """What is voted on."""

    def proposals(self, *, decided: bool = False) -> list[ProposalState]:
        """Return what is voted on, the oldest first. decided: what is decided too."""
        open_states = (proposals.DRAFT, proposals.VOTING, proposals.TRIAL)
        return [
            _state(self.view, id, row)
            for id, row in proposals.proposals(self.view.state).items()
            if decided or row.status in open_states
        ]

    def proposal(self, id: str | bytes, *, is_checked: bool = True) -> ProposalDetails:
        """Return a proposal, what it asks, and who said what. Raises UnknownId, AmbiguousId.

        is_checked: whether its backtest is computed again, which folds all records twice.
        """
        view = self.view
        chosen = view.id_among(prefix(id), PROPOSAL)
        row = proposals.proposal_row(view.state, chosen)
        assert row is not None, "it is a proposal"
        counted = proposals.votes(view.final, chosen)
        votes = tuple(
            CastVote(
                RecordId(record),
                MemberId(member),
                view.name(member),
                say,
                counted.get(member) == say,
            )
            for member, say, record in proposals.cast_votes(view.state, chosen)
        )
        comments = tuple(
            ProposalComment(
                RecordId(comment),
                MemberId(member),
                view.name(member),
                text_of(view.store, RecordId(comment)),
            )
            for comment, member in proposals.comments(view.state, chosen)
        )
        check = backtests.compared(view, row) if is_checked else None
        state = fields_of(_state(view, chosen, row))
        return ProposalDetails(**state, backtest_check=check, votes=votes, comments=comments)

    def vote(self, proposal: str | bytes, say: str) -> ProposalRecord:
        """Say "yes", "no", "abstain", "block" or "indifferent"; the last word counts at the close.

        Raises Refused where the rules let nobody be indifferent.
        """
        return self._about(proposal, "rules.vote", {"say": say})

    def comment(self, proposal: str | bytes, text: str) -> ProposalRecord:
        """Say something about a proposal, in words that can be erased later."""
        return self._about(proposal, "rules.comment", {}, text)

    def withdraw_proposal(self, proposal: str | bytes) -> ProposalRecord:
        """Take a proposal of this member back, while it is not decided."""
        return self._about(proposal, "rules.withdraw", {})

    def _about(
        self, proposal: str | bytes, kind: str, data: dict[str, str], text: str | None = None
    ) -> ProposalRecord:
        id = self.view.id_among(prefix(proposal), PROPOSAL)
        body = note_body(text, words=self.words)
        written = self._write_one(kind, {"proposal": bytes(id), **data}, (id,), body)
        return ProposalRecord(written.id, written.seq, id)


def proposal_words(view: LedgerView, id: bytes, row: ProposalRow) -> str:
    """Return what a proposal asks for, as people read it."""
    if row.subject == REMOVAL:
        return view.words("remove {name}").format(name=view.name(row.target))
    if row.subject == proposals.FORK:
        return view.words("keep {id}").format(id=row.target.hex()[:8])
    if row.subject == proposals.PROJECT:
        project = project_row(view.state, row.target)
        name = "" if project is None else project.name
        return view.words("close the project {name}").format(name=visible(name))
    if row.subject == DECISION:
        return proposal_text_of(view.store, RecordId(id)) or ""
    if row.subject == proposals.CONSENT:
        return _consent_words(view, row.target)
    if row.subject == proposals.CAMPAIGN:
        return _campaign_words(view, id, row.target)
    return view.words("rules {id}").format(id=row.target.hex()[:8])


def _consent_words(view: LedgerView, consent: bytes) -> str:
    """Return what a vote on a consent would end."""
    row = consent_row(view.state, consent)
    assert row is not None, "what is voted on is a consent"
    text = view.words("no use of {data} by the consent of {name} counts any more")
    resource = resource_row(view.state, row.resource)
    name = None if resource is None else spec_name(view, resource.spec)
    name = name or row.resource.hex()[:8]
    return text.format(data=visible(name), name=view.name(row.giver))


def _campaign_words(view: LedgerView, id: bytes, campaign: bytes) -> str:
    """Return what a vote would decide of a campaign."""
    decided = view.state.get(DECIDES + id)
    title = (text_of(view.store, RecordId(campaign)) or "").partition("\n")[0].strip()
    title = title or campaign.hex()[:8]
    if decided is not None and decided[0] == EXTEND:
        text = view.words("more time to pay for {title}, until {time}")
        return text.format(title=title, time=shown(decided[1]))
    return view.words("cancel the campaign {title}").format(title=title)


def _state(view: LedgerView, id: bytes, row: ProposalRow) -> ProposalState:
    """Return a proposal as the fold has it."""
    return ProposalState(
        id=RecordId(id),
        subject=row.subject,
        member=MemberId(row.member),
        member_name=view.name(row.member),
        kind=row.kind,
        status=row.status,
        base=row.base,
        target=row.target or None,
        words=proposal_words(view, id, row),
        yes=row.yes,
        no=row.no,
        abstain=row.abstain,
        block=row.block,
        needed=row.needed or None,
        electorate=row.electorate or None,
        electorates=tuple(map(electorate_state, row.ballots)),
        why=_why(view, id, row),
        opened_ms=row.opened_ms or None,
        deadline_ms=row.deadline_ms or None,
        until_ms=row.until_ms or None,
        sunset_hours=row.sunset_hours or None,
        backtest=row.backtest,
        height=row.height or None,
        final=proposals.proposal_row(view.final, id) == row,
    )


def _why(view: LedgerView, id: bytes, row: ProposalRow) -> str | None:
    """Return the reason that was given for a removal, or for keeping a record of a fork."""
    if row.subject in (RULES, DECISION):
        return None
    return proposal_text_of(view.store, RecordId(id))


def electorate_state(row: BallotRow) -> ElectorateState:
    """Return what one electorate is asked, and what it said."""
    return ElectorateState(
        role=row.voters or None,
        electorate=row.electorate,
        needed=row.needed,
        quorum=row.quorum,
        blocks=row.blocks_enough,
        objections=row.objections_enough,
        yes=row.yes,
        no=row.no,
        abstain=row.abstain,
        block=row.block,
        early_failure=row.early_failure,
        indifferent=row.indifferent,
    )
