"""Enactment: what a cut decides. Votes open and close here, and rules come into force.

The time is that of the cut. The rules, the electorate and the present members are read from the
state that the cut leads to, before it decides anything. A member who left or was removed since the
vote opened keeps their place in the electorate, but their vote no longer counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.exchange.data import consents
from commonweal.protocol.ledger.exchange.deals import completion
from commonweal.protocol.ledger.exchange.reviews import reviews
from commonweal.protocol.ledger.governance import active_ruleset, giving_rounds, membership_end
from commonweal.protocol.ledger.governance.active_ruleset import ActiveRulesetRow
from commonweal.protocol.ledger.governance.ballot_rows import (
    REMOVAL_YES_MIN,
    ballot_row,
    least_yes,
)
from commonweal.protocol.ledger.governance.proposals import (
    CAMPAIGN,
    CONSENT,
    DECIDED,
    DRAFT,
    ELECTOR,
    FORK,
    IN_FORCE,
    OPEN,
    PASSED,
    PROJECT,
    REMOVAL,
    RULES,
    STALE,
    SUNSET,
    SUPERSEDED,
    TRIAL,
    VOTING,
    BallotRow,
    ProposalRow,
    begin_trial,
    end,
    finish_trial,
    forget_documents,
    proposal_row,
    put,
)
from commonweal.protocol.ledger.governance.tally import count_votes, outcome
from commonweal.protocol.ledger.members import registry, roles
from commonweal.protocol.ledger.members.forks import keep
from commonweal.protocol.ledger.members.permissions import (
    Permission,
    cap_probation,
    denial,
    was_member,
)
from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.context import NO_DOCUMENTS
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.ventures.campaigns import deadline
from commonweal.protocol.ledger.ventures.projects import projects
from commonweal.protocol.ledger.ventures.projects.dissolution import (
    Closing,
    ValueOf,
    close,
    close_due,
)
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.rules.changes import LAZY, decision_process, process_of
from commonweal.protocol.rules.document import HOUR_MS, Ruleset, RulesetId
from commonweal.protocol.rules.process import Process

VALUED_BY = Table.VALUED_BY.prefix
"""The key of the ruleset that last gave values; without it, every waiting event is valued."""

REST = Table.REST.prefix
"""The key of the first waiting event that the last cut had no room to look at."""


def enact(
    state: State,
    cut: CutHeader,
    documents: Mapping[bytes, bytes] = NO_DOCUMENTS,
    *,
    value_of: ValueOf,
    is_full: bool = False,
) -> None:
    """Apply to `state`, which holds all that `cut` covers, what the cut decides.

    value_of: what events are worth by now. is_full: the cut had no room left, so votes may wait
    outside it: then no vote is closed, and no project.
    """
    enactment = _Enactment(state, cut, documents, value_of, is_full=is_full)
    if cut.time_ms <= time_jumps.last_cut_ms(state):
        enactment.cap_times()
    close_due(state, enactment.closing(), is_full=is_full)
    enactment.decide()
    trusted_ms, rules = enactment.trusted_ms, enactment.ruleset
    reviews.close_reviews(state, trusted_ms, is_full=is_full)
    giving_rounds.open_rounds(state, cut.height, cut.time_ms, trusted_ms, rules)
    jump = time_jumps.jump_after(state, cut.time_ms)
    if jump != time_jumps.last_jump(state):
        state.put(time_jumps.JUMP, [*jump])
    ruleset = active_ruleset.current(state, documents)
    state.put(time_jumps.LAST, [cut.height, cut.time_ms, cut.prev, ruleset.id, cut.clock])


class _Enactment:
    """The decisions of one cut, in the order of the proposals: by clock and id."""

    def __init__(
        self,
        state: State,
        cut: CutHeader,
        documents: Mapping[bytes, bytes],
        value_of: ValueOf,
        *,
        is_full: bool,
    ) -> None:
        self.state, self.cut, self.documents, self.is_full = state, cut, documents, is_full
        self.value_of = value_of
        self.trusted_ms = time_jumps.trusted_ms(state, cut.time_ms)
        """The time (ms) by which votes, trials and sunsets end."""
        self.ruleset = active_ruleset.current(state, documents)
        self.trials: dict[bytes, None] = {}
        """The proposals on trial."""
        self.ended: list[ProposalRow] = []
        active = [
            key[1:]
            for key, value in state.items(registry.MEMBER)
            if registry.MemberRow(*value).status == registry.ACTIVE
        ]
        self.active = dict.fromkeys(active)
        self.members = [
            member
            for member in active
            if denial(state, member, Permission.VOTE, self.trusted_ms) is None
        ]
        self.holders: dict[str, list[bytes]] = {"": self.members}

    def cap_times(self) -> None:
        """Let nothing last longer than if it began now, because it began at a wrong time."""
        now_ms = self.cut.time_ms
        for key, _ in self._open():
            row = proposal_row(self.state, key[1:])
            if row is not None and row.status == VOTING:
                deadline = min(row.deadline_ms, now_ms + row.deadline_ms - row.opened_ms)
                opened = min(row.opened_ms, now_ms)
                put(self.state, key[1:], row._replace(opened_ms=opened, deadline_ms=deadline))
            elif row is not None and row.status == TRIAL:
                until = min(row.until_ms, now_ms + self._process(row).trial_ms)
                put(self.state, key[1:], row._replace(until_ms=until))
        for key, value in list(self.state.items(pools.POOL)):
            pool = pools.PoolRow(*value)
            if pool.split_ms > now_ms:
                self.state.put(key, [*pool._replace(split_ms=now_ms)])
        giving_rounds.cap_times(self.state, now_ms)
        completion.cap_times(self.state, now_ms)
        cap_probation(self.state, now_ms + self.ruleset.membership.delay_ms)
        now = active_ruleset.active_row(self.state)
        if now is not None and now.since_ms > now_ms:
            until = now.until_ms and now_ms + now.until_ms - now.since_ms
            now = now._replace(since_ms=now_ms, until_ms=until)
            self.state.put(active_ruleset.STANDING, [*now])

    def decide(self) -> None:
        """Open, close and apply whatever is due."""
        self._end_of_sunset()
        open_now = [(key[1:], proposal_row(self.state, key[1:])) for key, _ in self._open()]
        rows = [(id, row) for id, row in open_now if row is not None]
        self.trials = {id: None for id, row in rows if row.status == TRIAL}
        for id, row in sorted(rows, key=lambda entry: (entry[1].clock, entry[0])):
            self._advance(id, row)
        self._drop_stale()
        forget_documents(self.state, self.ended)

    def closing(self) -> Closing:
        """Return what this cut closes projects by."""
        community = CommunityId(self.state.get(registry.FOUNDING)[1])
        rules = active_ruleset.rules_of(self.ruleset)
        times = (self.cut, self.trusted_ms)
        return Closing(*times, community, self.ruleset, rules, self.value_of)

    def _open(self) -> list[tuple[bytes, object]]:
        return list(self.state.items(OPEN))

    def _advance(self, id: bytes, row: ProposalRow) -> None:
        if self._is_stale(id, row):
            self._drop_proposal(id, row)
        elif row.status == TRIAL:
            if self.trusted_ms >= row.until_ms:
                self._adopt(id, row)
        else:
            if row.status == DRAFT:
                row = self._opened(id, row)
            self._count(id, row)

    def _opened(self, id: bytes, row: ProposalRow) -> ProposalRow:
        """Fix the electorate, and what the vote asks of it."""
        process = self._process(row)
        ballots: list[BallotRow] = []
        asked: dict[bytes, list[int]] = {}
        for number, ballot in enumerate(process.ballots):
            electors = self._electors(ballot.voters, row)
            for member in electors:
                asked.setdefault(member, []).append(number)
            asks = ballot_row(ballot, len(electors), least_yes(row, len(electors)))
            ballots.append(asks._replace(early_failure=process.early_failure))
        for member, numbers in asked.items():
            self.state.put(ELECTOR + id + member, numbers)
        return row._replace(
            status=VOTING,
            opened_ms=self.cut.time_ms,
            deadline_ms=self.cut.time_ms + process.period_ms,
            electorate=len(asked),
            early=process.early,
            ballots=tuple(ballots),
        )

    def _was_member(self, member: bytes, row: ProposalRow) -> bool:
        return was_member(self.state, member, row.clock, self.cut.time_ms)

    def _count(self, id: bytes, row: ProposalRow) -> None:
        row = count_votes(self.state, id, row, self.active)
        match VOTING if self.is_full else outcome(row, self.trusted_ms):
            case "open":
                put(self.state, id, row)
            case "passed":
                self._pass(id, row._replace(height=self.cut.height))
            case ended:
                self._end(id, row._replace(status=ended, height=self.cut.height))

    def _pass(self, id: bytes, row: ProposalRow) -> None:
        if row.subject == RULES:
            trial_ms = self._process(row).trial_ms
            if trial_ms:
                until = self.cut.time_ms + trial_ms
                begin_trial(self.state, id, row._replace(status=TRIAL, until_ms=until))
                self.trials[id] = None
            else:
                end(self.state, id, row._replace(status=PASSED))
                self._adopt(id, row)
            return
        end(self.state, id, row._replace(status=PASSED))
        if row.subject == FORK:
            device, seq = self.state.get(DECIDED + id)
            keep(self.state, device, seq, RecordId(row.target))
        if row.subject == PROJECT:
            close(self.state, self.closing(), row.target, projects.BY_VOTE, row.opened_ms)
        if row.subject == CONSENT:
            consents.invalidate(self.state, row.target, id)
        if row.subject == CAMPAIGN:
            deadline.decide(self.state, id, row.target)
        if row.subject == REMOVAL:
            member = registry.member_row(self.state, row.target)
            if member is not None and member.status == registry.ACTIVE:
                gone = MemberId(row.target)
                membership_end.remove(self.state, gone, self.cut.clock)
                # Events that the removed member disputed may be valued by the next cut.
                self.state.delete(VALUED_BY)

    def _adopt(self, id: bytes, row: ProposalRow) -> None:
        """Put a ruleset in force, from this cut on."""
        self._end_active(SUPERSEDED)
        until = self.cut.time_ms + row.sunset_hours * HOUR_MS if row.sunset_hours else 0
        now = ActiveRulesetRow(
            RulesetId(row.target),
            id,
            self.cut.height,
            self.cut.time_ms,
            until,
            RulesetId(row.base),
        )
        self.state.put(active_ruleset.STANDING, [*now])
        key = active_ruleset.ADOPTED + self.cut.height.to_bytes(8) + id
        self.state.put(key, [row.target, self.cut.time_ms])
        finish_trial(self.state, id, row._replace(status=IN_FORCE, until_ms=until))
        self.ruleset = active_ruleset.current(self.state, self.documents)

    def _end_of_sunset(self) -> None:
        row = active_ruleset.active_row(self.state)
        if row is None or not row.until_ms or self.trusted_ms < row.until_ms:
            return
        self._end_active(SUNSET)
        now = self._fallback(row)
        self.state.put(active_ruleset.STANDING, [*now])
        key = active_ruleset.ADOPTED + self.cut.height.to_bytes(8) + row.proposal
        self.state.put(key, [now.ruleset, self.cut.time_ms])
        self.ruleset = active_ruleset.current(self.state, self.documents)

    def _fallback(self, ended: ActiveRulesetRow) -> ActiveRulesetRow:
        """Return what is in force again; if that too ends by itself, it has the rest of
        its time.
        """
        ruleset, (height, time_ms) = ended.before, (self.cut.height, self.cut.time_ms)
        for _, adopted, proposal in reversed(active_ruleset.history(self.state)):
            row = proposal_row(self.state, proposal)
            if adopted != ruleset or row is None or row.target != adopted or not row.until_ms:
                continue
            if row.until_ms > time_ms:
                put(self.state, proposal, row._replace(status=IN_FORCE))
                base = RulesetId(row.base)
                return ActiveRulesetRow(ruleset, proposal, height, time_ms, row.until_ms, base)
            ruleset = RulesetId(row.base)
        return ActiveRulesetRow(ruleset, b"", height, time_ms, 0, ruleset)

    def _end_active(self, status: str) -> None:
        """Give the proposal behind the ruleset in force another status."""
        row = active_ruleset.active_row(self.state)
        proposal = None if row is None else proposal_row(self.state, row.proposal)
        if row is not None and proposal is not None:
            put(self.state, row.proposal, proposal._replace(status=status))

    def _drop_stale(self) -> None:
        for key, _ in self._open():
            row = proposal_row(self.state, key[1:])
            if row is not None and self._is_stale(key[1:], row):
                self._drop_proposal(key[1:], row)

    def _drop_proposal(self, id: bytes, row: ProposalRow) -> None:
        stale = row._replace(status=STALE, height=self.cut.height)
        if row.status == TRIAL:
            finish_trial(self.state, id, stale)
            self.trials.pop(id, None)
            self.ended.append(stale)
        else:
            self._end(id, stale)

    def _end(self, id: bytes, row: ProposalRow) -> None:
        end(self.state, id, row)
        self.ended.append(row)

    def _is_stale(self, id: bytes, row: ProposalRow) -> bool:
        """Return whether another change of the rules that this one builds on came first."""
        if row.subject == PROJECT:
            project = projects.project_row(self.state, row.target)
            return project is None or project.status != projects.OPEN
        if row.subject != RULES:
            return False
        return row.base != self.ruleset.id or any(rival != id for rival in self.trials)

    def _process(self, row: ProposalRow) -> Process:
        is_silent = row.kind == LAZY
        match row.subject:
            case "rules":
                new = self._proposed(row)
                back = active_ruleset.fallback(self.state, self.documents)
                return process_of(self.ruleset, new, not row.is_voted, back)
            case "decision":
                return decision_process(self.ruleset, is_silent)
            case "project":
                return self.ruleset.projects.closing
        return self.ruleset.processes[row.kind]

    def _proposed(self, row: ProposalRow) -> Ruleset:
        return active_ruleset.by_id(self.state, self.documents, RulesetId(row.target))

    def _electors(self, role: str, row: ProposalRow) -> list[bytes]:
        """Return who may vote on a ballot: the holders of its role, or all members.

        All members when nobody holds it. On the end of a project, those of its members who may
        vote. On a removal only those vote who were members before it
        was proposed, never the member it concerns, nor one holder alone.
        """
        if row.subject == PROJECT:
            return [
                member for member in self.members if projects.is_in(self.state, row.target, member)
            ]
        if role not in self.holders:
            holders = [member for member in self.members if roles.holds(self.state, member, role)]
            self.holders[role] = holders or self.members
        if row.subject != REMOVAL:
            return self.holders[role]
        before = [
            member
            for member in self.members
            if member != row.target and self._was_member(member, row)
        ]
        others = [member for member in self.holders[role] if member in before]
        return others if len(others) >= REMOVAL_YES_MIN else before
