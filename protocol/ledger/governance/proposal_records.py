"""The records of governance: proposals, comments, votes and withdrawals.

Records:
  rules.propose   subject: "rules", "removal", "fork", "decision", "project" or "consent"
                  rules: base: the ruleset in force; form: "whole" or "patch"; the permanent
                  body is the document or the patch; optional sunset: hours it then holds;
                  backtest: the height and hash of what it would have paid
                  removal: member; decision: a permanent body that says what is decided
                  fork: device, seq: where its log ends by evidence, pair: the ids of two
                  records there, ascending, keep: the one, cited, that is to count
                  project: project: an open one that the author's member is in, to be closed
                  optional vote: true, to vote on what silence could pass
                  consent: consent: a consent to be declared void
                  removal, fork, project, consent: optional permanent body that says why
                  texts that are voted on are UTF-8, at most TEXT_BYTES_MAX
  rules.comment   proposal; the text is in the body
  rules.vote      proposal, say: "yes", "no", "abstain", "block" or, where the rules allow it,
                  "indifferent"; the latest vote stands
  rules.withdraw  proposal: of the author's member
The class of a change, and so how it is decided, follows from what it changes, by the rules in
force. Nothing is decided here: see `tally` and `enactment`.
"""

from __future__ import annotations

from typing import Any

from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.ledger.exchange import times
from commonweal.protocol.ledger.exchange.data import consents
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.governance.proposals import (
    ABSTAIN,
    BLOCK,
    CAMPAIGN,
    COMMENT,
    CONSENT,
    DECIDED,
    DECISION,
    DRAFT,
    ELECTOR,
    FORK,
    INDIFFERENT,
    NO,
    OF_MEMBER,
    OPEN,
    PROJECT,
    REMOVAL,
    RULES,
    VOTE,
    VOTING,
    WITHDRAWN,
    YES,
    ProposalRow,
    end,
    forget_documents,
    proposal_row,
    put,
)
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.ledger.members.permissions import Permission, writer_denial
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.ventures.campaigns import deadline
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    COLLECTING,
    DECIDES,
    EXTEND,
    SHORT,
    campaign_row,
)
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import OPEN as OPEN_CAMPAIGN
from commonweal.protocol.ledger.ventures.campaigns.deadline import CANCEL
from commonweal.protocol.ledger.ventures.projects import projects
from commonweal.protocol.records.record import Record
from commonweal.protocol.rules.changes import LAZY, ORDINARY, classes_of, patched
from commonweal.protocol.rules.document import Ruleset, from_bytes
from commonweal.protocol.rules.schema import HOURS_MAX

CHOICES = (YES, NO, ABSTAIN, BLOCK, INDIFFERENT)

OPEN_PER_MEMBER_MAX = 4
"""How many undecided proposals a member may have."""

TEXT_BYTES_MAX = 60 * 1024
"""Size of a decision, or of the reason for a removal; it is kept for ever."""

BACKTEST_BYTES = 40
"""A height and a hash."""


def propose(state: State, record: Record, context: Context) -> Verdict:
    """Propose a change of the rules, a removal, a decision, which record of a fork counts, the end
    of a project, or that a consent is void.
    """
    early = writer_denial(state, record, context, Permission.VOTE)
    if early is not None:
        return early
    count = state.get(OF_MEMBER + context.member) or 0
    if count >= OPEN_PER_MEMBER_MAX:
        return Reason.TOO_MANY_PROPOSALS
    refused = _bad_text(record, context)
    if refused is not None:
        return refused
    ruleset = active_ruleset.current(state, context.documents)
    match record.data.get("subject"):
        case "rules":
            row = _proposed_rules(state, record, context, ruleset)
        case "removal":
            row = _proposed_removal(state, record, context, ruleset)
        case "fork":
            row = _proposed_fork(state, record, context, ruleset)
        case "consent":
            row = _proposed_consent(state, record, context, ruleset)
        case "campaign":
            row = _proposed_campaign(state, record, context, ruleset)
        case "decision" if record.body is not None:
            is_lazy = ruleset.lazy_decisions and not _asks_vote(record)
            kind = LAZY if is_lazy else ORDINARY
            row = ProposalRow(DECISION, context.member, record.clock, ruleset.id, b"", kind)
        case "project":
            row = _proposed_closing(state, record, context, ruleset)
        case _:
            return Reason.SHAPE
    if isinstance(row, Reason):
        return row
    put(state, record.id, row)
    state.put(OPEN + record.id, True)
    state.put(OF_MEMBER + context.member, count + 1)
    return None


def comment(state: State, record: Record, context: Context) -> Verdict:
    """Comment on a proposal."""
    proposal = record.data.get("proposal")
    if not is_bytes(proposal) or record.body is None:
        return Reason.SHAPE
    if proposal_row(state, proposal) is None:
        return Reason.UNKNOWN_PROPOSAL
    state.put(COMMENT + proposal + record.id, [context.member, record.clock])
    return None


def vote(state: State, record: Record, context: Context) -> Verdict:
    """Note the vote of the author's member on a proposal, until its vote is closed."""
    proposal, say = record.data.get("proposal"), record.data.get("say")
    if not is_bytes(proposal) or say not in CHOICES:
        return Reason.SHAPE
    row = proposal_row(state, proposal)
    if row is None:
        return Reason.UNKNOWN_PROPOSAL
    if row.status not in (DRAFT, VOTING):
        return Reason.VOTE_CLOSED
    early = writer_denial(state, record, context, Permission.VOTE)
    if early is not None:
        return early
    if row.status == VOTING and state.get(ELECTOR + proposal + context.member) is None:
        return Reason.NO_VOTE
    if row.subject == REMOVAL and row.target == context.member:
        return Reason.NO_VOTE
    if say == INDIFFERENT and not _allows_indifferent(state, row, context):
        return Reason.NO_INDIFFERENT
    key = VOTE + proposal + context.member
    before = state.get(key)
    if before is not None and before[0] == say:
        return Reason.NOTHING_NEW
    state.put(key, [say, record.id, record.clock])
    return None


def _allows_indifferent(state: State, row: ProposalRow, context: Context) -> bool:
    """Return whether a ballot allows it; before the vote opens, whether any of the rules does."""
    if row.status == VOTING:
        return any(ballot.thresholds for ballot in row.ballots)
    processes = active_ruleset.current(state, context.documents).processes.values()
    return any(ballot.indifferent for process in processes for ballot in process.ballots)


def withdraw(state: State, record: Record, context: Context) -> Verdict:
    """Withdraw an undecided proposal of the author's member."""
    proposal = record.data.get("proposal")
    if not is_bytes(proposal):
        return Reason.SHAPE
    row = proposal_row(state, proposal)
    if row is None:
        return Reason.UNKNOWN_PROPOSAL
    if row.member != context.member:
        return Reason.NOT_YOURS
    if row.status not in (DRAFT, VOTING):
        return Reason.VOTE_CLOSED
    ended = row._replace(status=WITHDRAWN)
    end(state, proposal, ended)
    forget_documents(state, [ended])
    return None


def is_proposal_text(text: bytes) -> bool:
    """Return whether bytes are a text of a proposal: UTF-8, not empty, not too long."""
    if not 1 <= len(text) <= TEXT_BYTES_MAX:
        return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _proposed_rules(
    state: State, record: Record, context: Context, old: Ruleset
) -> ProposalRow | Reason:
    data = record.data
    sunset, backtest = data.get("sunset", 0), data.get("backtest")
    is_sound = is_count(sunset, 0, HOURS_MAX) and (
        backtest is None or is_bytes(backtest, BACKTEST_BYTES)
    )
    if not is_sound or record.body is None:
        return Reason.SHAPE
    if data.get("base") != old.id:
        return Reason.OTHER_BASE
    document = context.documents[record.body.hash]
    try:
        match data.get("form"):
            case "whole":
                new = from_bytes(document)
            case "patch":
                new = _patched(old, codec.decode(document))
            case _:
                return Reason.SHAPE
    except CommonwealError:
        return Reason.BAD_RULES
    if new.id == old.id:
        return Reason.NOTHING_NEW
    back = active_ruleset.fallback(state, context.documents)
    state.put(active_ruleset.DOCUMENT + new.id, new.to_bytes())
    return ProposalRow(
        RULES,
        context.member,
        record.clock,
        old.id,
        new.id,
        classes_of(old, new, not _asks_vote(record), back)[0],
        sunset_hours=sunset,
        backtest=backtest,
        is_voted=_asks_vote(record),
    )


def _bad_text(record: Record, context: Context) -> Verdict:
    """Return what is wrong with the body of a proposal; the document of rules is checked later."""
    if record.body is None:
        return None
    if not record.body.permanent:
        return Reason.ERASABLE_TEXT
    text = context.documents.get(record.body.hash)
    if text is None:
        return Reason.NO_BODY
    if record.data.get("subject") != RULES and not is_proposal_text(text):
        return Reason.SHAPE
    return None


def _asks_vote(record: Record) -> bool:
    return record.data.get("vote") is True


def _patched(old: Ruleset, patch: Any) -> Ruleset:
    return patched(old, patch if type(patch) is dict else {})


def _proposed_removal(
    state: State, record: Record, context: Context, ruleset: Ruleset
) -> ProposalRow | Reason:
    member = record.data.get("member")
    if not is_bytes(member):
        return Reason.SHAPE
    row = registry.member_row(state, member)
    if row is None or row.status != registry.ACTIVE:
        return Reason.UNKNOWN_MEMBER
    return ProposalRow(REMOVAL, context.member, record.clock, ruleset.id, member, "membership")


def _proposed_closing(
    state: State, record: Record, context: Context, ruleset: Ruleset
) -> ProposalRow | Reason:
    project = record.data.get("project")
    if not is_bytes(project):
        return Reason.SHAPE
    row = projects.project_row(state, project)
    if row is None:
        return Reason.UNKNOWN_PROJECT
    if row.status != projects.OPEN:
        return Reason.PROJECT_CLOSED
    if not projects.is_in(state, project, context.member):
        return Reason.NOT_IN_PROJECT
    return ProposalRow(PROJECT, context.member, record.clock, ruleset.id, project, ORDINARY)


def _proposed_consent(
    state: State, record: Record, context: Context, ruleset: Ruleset
) -> ProposalRow | Reason:
    consent = record.data.get("consent")
    if not is_bytes(consent):
        return Reason.SHAPE
    row = consents.consent_row(state, consent)
    if row is None or row.giver is None:
        return Reason.UNKNOWN_CONSENT
    if row.status not in consents.STANDING:
        return Reason.NOT_OPEN
    return ProposalRow(CONSENT, context.member, record.clock, ruleset.id, consent, ORDINARY)


def _proposed_campaign(
    state: State, record: Record, context: Context, ruleset: Ruleset
) -> ProposalRow | Reason:
    """Propose to cancel a campaign, or to give it more time to collect."""
    campaign, say = record.data.get("campaign"), record.data.get("decide")
    until = record.data.get("until", 0)
    if not is_bytes(campaign) or say not in deadline.VOTES or not is_count(until):
        return Reason.SHAPE
    row = campaign_row(state, campaign)
    if row is None:
        return Reason.UNKNOWN_CAMPAIGN
    if say == CANCEL and row.status not in (OPEN_CAMPAIGN, COLLECTING, SHORT):
        return Reason.CAMPAIGN_CLOSED
    if say == EXTEND:
        now = times.now_ms(state, context)
        if not deadline.may_extend(row):
            return Reason.CAMPAIGN_CLOSED
        if until <= max(now, row.collect_by):
            return Reason.DEADLINE_PAST
        if until - now > context.rules.campaigns.collect_ms:
            return Reason.DEADLINE_FAR
    state.put(DECIDES + record.id, [say, until])
    return ProposalRow(CAMPAIGN, context.member, record.clock, ruleset.id, campaign, ORDINARY)


def _proposed_fork(
    state: State, record: Record, context: Context, ruleset: Ruleset
) -> ProposalRow | Reason:
    data = record.data
    device, seq, pair, keep = (data.get(name) for name in ("device", "seq", "pair", "keep"))
    if not (is_bytes(device) and is_count(seq) and type(pair) is list and is_bytes(keep)):
        return Reason.SHAPE
    if len(pair) != 2 or not all(map(is_bytes, pair)) or pair[0] >= pair[1] or keep not in pair:
        return Reason.SHAPE
    if keep not in (*record.deps, record.prev):
        return Reason.NOT_CITED
    if state.get(registry.FROZEN + device) != seq:
        return Reason.NO_FORK
    state.put(DECIDED + record.id, [device, seq])
    return ProposalRow(FORK, context.member, record.clock, ruleset.id, keep, ORDINARY)
