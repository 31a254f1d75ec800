"""Deadlines: what ends or is due when, of the community and of this member.

Votes, giving rounds, trials, rules that end, plans and what was promised, own invites, the next
backup. What is decided, done or used up has none. It reads what is not final too: a deadline that
is known late is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess
from commonweal.client.exchange.offer_rows import texts
from commonweal.client.governance.votes import proposal_words
from commonweal.client.inbox import BACKUP_DAYS_MAX, DAY_MS, last_backup_ms
from commonweal.client.inbox_source import COMMAND_ID_DIGITS
from commonweal.client.language.quantity import exact, shown_action, shown_unit
from commonweal.client.language.words import N_
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.protocol.ledger.exchange.commitments import COMMITMENT, PROMISED, CommitmentRow
from commonweal.protocol.ledger.exchange.offers.intents import INTENT, OPEN, IntentRow
from commonweal.protocol.ledger.governance import active_ruleset, giving_rounds, proposals
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.plans import plans
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

DEADLINES_MAX = 10_000
"""How many are returned, the first due."""

VOTE, TRIAL, ROUND, RULES = "vote", "trial", "round", "rules"
PLAN, INTENT_DUE, PROMISE, INVITE, BACKUP = "plan", "intent", "promise", "invite", "backup"
KINDS = {
    VOTE: N_("vote"),
    TRIAL: N_("trial ends"),
    ROUND: N_("giving round"),
    RULES: N_("rules end"),
    PLAN: N_("plan is due"),
    INTENT_DUE: N_("is wanted"),
    PROMISE: N_("is promised"),
    INVITE: N_("invite ends"),
    BACKUP: N_("backup"),
}
"""What each kind of deadline is called, where people read it."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """What ends or is due at a time. kind: a key of KINDS.

    name: the same for the same deadline whenever it is asked for. title, command: a sentence in the
    language of the member, and what is typed for it; empty for nothing.
    """

    name: str
    kind: str
    at_ms: int
    title: str
    command: str


@dataclass(frozen=True, slots=True)
class DeadlineList:
    """Deadlines, the first due. community_name: whose; as_of_ms: the time of the last seal."""

    community: bytes
    community_name: str
    as_of_ms: int
    deadlines: tuple[Deadline, ...]


class Deadlines(HomeAccess):
    """What ends or is due when."""

    def deadlines(self) -> DeadlineList:
        """Return the deadlines of the community and of this member, DEADLINES_MAX at most."""
        from commonweal.client.ledger.names.directory import People

        view = self.view
        people = People(view.store, view.community, words=view.words)
        listed = sorted(_all(view), key=lambda deadline: (deadline.at_ms, deadline.name))
        return DeadlineList(
            community=view.community,
            community_name=people.community_name(),
            as_of_ms=view.kept.cut.time_ms,
            deadlines=tuple(listed[:DEADLINES_MAX]),
        )


def _all(view: LedgerView) -> Iterator[Deadline]:
    for of_kind in (_votes, _rounds, _rules, _plans, _flows, _invites, _backup):
        yield from of_kind(view)


def _deadline(
    view: LedgerView, kind: str, name: str, at_ms: int, about: str, command: str = ""
) -> Deadline:
    title = view.words("{kind}: {about}").format(kind=view.words(KINDS[kind]), about=about)
    return Deadline(f"{kind}-{name}", kind, at_ms, title, command and f"weal {command}")


def _votes(view: LedgerView) -> Iterator[Deadline]:
    for id, row in proposals.proposals(view.state).items():
        words, digits = proposal_words(view, id, row), id.hex()[:COMMAND_ID_DIGITS]
        if row.status == proposals.VOTING:
            command = f"rules vote {digits} yes"
            yield _deadline(view, VOTE, id.hex(), row.deadline_ms, words, command)
        elif row.status == proposals.TRIAL:
            yield _deadline(view, TRIAL, id.hex(), row.until_ms, words, f"rules trial {digits}")


def _rounds(view: LedgerView) -> Iterator[Deadline]:
    for name, row in giving_rounds.all_rounds(view.state):
        if row.is_open:
            about = f"{name}-{row.height}"
            yield _deadline(view, ROUND, about, row.closes_ms, name)


def _rules(view: LedgerView) -> Iterator[Deadline]:
    row = active_ruleset.active_row(view.final)
    if row is not None and row.until_ms:
        ruleset = view.kept.ruleset
        yield _deadline(view, RULES, ruleset.id.hex(), row.until_ms, ruleset.name)


def _plans(view: LedgerView) -> Iterator[Deadline]:
    open_plans = {
        row.plan
        for _, value in view.state.items(INTENT)
        for row in (IntentRow(*value),)
        if row.plan is not None and _left(row)
    }
    for key, value in view.state.items(plans.PLAN):
        plan, id = plans.PlanHeader(*value), key[len(plans.PLAN) :]
        if plan.due is not None and id in open_plans:
            command = f"plan show {id.hex()[:COMMAND_ID_DIGITS]}"
            yield _deadline(view, PLAN, id.hex(), plan.due, plan.name, command)


def _flows(view: LedgerView) -> Iterator[Deadline]:
    """Yield what is wanted and not promised, and what is promised, until all of it has come."""
    for key, value in view.state.items(COMMITMENT):
        promise, id = CommitmentRow(*value), key[len(COMMITMENT) :]
        if promise.due is not None and promise.status in PROMISED and _left(promise):
            is_mine = promise.provider == view.me
            command = _recording(promise, "--fulfills", id) if is_mine else ""
            words = _flow_words(view, promise)
            yield _deadline(view, PROMISE, id.hex(), promise.due, words, command)
    for key, value in view.state.items(INTENT):
        row, id = IntentRow(*value), key[len(INTENT) :]
        if row.due is not None and row.status == OPEN and row.left.n and _left(row):
            words, command = _wanted_words(view, row, id), _answering(view, row, id)
            yield _deadline(view, INTENT_DUE, id.hex(), row.due, words, command)


def _answering(view: LedgerView, row: IntentRow, id: bytes) -> str:
    """Return the command by which this member answers an intent; "" for their own."""
    sides = (row.provider, row.receiver)
    if row.plan is not None or view.community in sides:
        return _recording(row, "--satisfies", id)
    return "" if view.me in sides else f"deal propose {id.hex()[:COMMAND_ID_DIGITS]}"


def _wanted_words(view: LedgerView, row: IntentRow, id: bytes) -> str:
    """Return whose an intent is, its title, and what is left of it."""
    who = "" if row.provider is not None else view.name(row.receiver)
    title, _ = texts(view, RecordId(id))
    return " · ".join(filter(None, (who, title, _flow_words(view, row))))


def _recording(row: CommitmentRow | IntentRow, option: str, id: bytes) -> str:
    amount = f"{_left(row):f} {row.quantity[2]}"
    return f"record {row.action} {amount} {option} {id.hex()[:COMMAND_ID_DIGITS]}"


def _flow_words(view: LedgerView, row: CommitmentRow | IntentRow) -> str:
    amount = f"{_left(row):f} {shown_unit(row.quantity[2], view.words)}"
    what = [shown_action(row.action, view.words), amount, spec_name(view, row.spec) or ""]
    who = view.name(row.provider)
    return " · ".join(filter(None, (who, " ".join(filter(None, what)))))


def _invites(view: LedgerView) -> Iterator[Deadline]:
    for invite in membership.invites(view.state):
        if invite.author == view.me and invite.expires is not None and invite.closed is None:
            digits = invite.id.hex()[:COMMAND_ID_DIGITS]
            command = f"invite revoke {digits}"
            yield _deadline(view, INVITE, invite.id.hex(), invite.expires, digits, command)


def _backup(view: LedgerView) -> Iterator[Deadline]:
    last_ms = last_backup_ms(view)
    if last_ms is not None:
        at_ms = last_ms + BACKUP_DAYS_MAX * DAY_MS
        about = view.words("the last one is {days} days old then").format(days=BACKUP_DAYS_MAX)
        yield _deadline(view, BACKUP, str(last_ms), at_ms, about, "backup FILE")


def _left(row: CommitmentRow | IntentRow) -> Decimal:
    """Return how much of it has not come."""
    return max(Decimal(), exact(*row.quantity[:2]) - exact(*row.met[:2]))
