"""The inbox: what waits for this member, who asks for it, until when, and the command that does it.

Nothing is in it that the member did themselves, or may not do yet. It only reads: what is answered
elsewhere is gone from it at the next look.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess, wish_of
from commonweal.client.contributions import attestations
from commonweal.client.exchange import offer_notices
from commonweal.client.exchange.credit import notices as credit_notices
from commonweal.client.exchange.data import notices as data_notices
from commonweal.client.exchange.deals import notices as deal_notices
from commonweal.client.exchange.lending import notices as lending_notices
from commonweal.client.exchange.promotion import notices as promotion_notices
from commonweal.client.exchange.reviews import notices as review_notices
from commonweal.client.governance.votes import proposal_words
from commonweal.client.home.reminders import TOLD_MAX, read_reminders, remember_told
from commonweal.client.home.submit import now_ms
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.times import shown
from commonweal.client.language.words import N_
from commonweal.client.ledger.rows.contribution_rows import correction_words, event_words
from commonweal.client.plans import plans
from commonweal.client.ventures.campaigns import notices as campaign_notices
from commonweal.client.ventures.projects import notices as project_notices
from commonweal.protocol.errors import WouldNotCount
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.contributions import consent
from commonweal.protocol.ledger.governance import giving_rounds, proposals, witness_set
from commonweal.protocol.ledger.members import agents, invites, membership, roles
from commonweal.protocol.ledger.members.permissions import Permission
from commonweal.protocol.ledger.members.roles import WITNESS
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import RecordId, from_bytes_unchecked
from commonweal.protocol.seal.witnesses import SAFE_WITNESSES_MIN

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

INBOX_ROWS_MAX = 1_000
DIGEST_ROWS_MAX = 10
BACKUP_DAYS_MAX = 30
"""A backup is old after so many days."""
RECORD_BYTES_MAX = 1 << 20
DAY_MS = 86_400_000

EVENT, PAYMENT, CORRECTION, AGENT = "event", "payment", "correction", "agent"
ROUND, PROMISE = "round", "promise"
VOTE, REQUEST, ROLE, SEAT, OFFER, BACKUP = "vote", "request", "role", "seat", "offer", "backup"
SOURCES: tuple[WaitingSource, ...] = (
    offer_notices.SOURCE,
    credit_notices.SOURCE,
    deal_notices.SOURCE,
    lending_notices.SOURCE,
    data_notices.SOURCE,
    review_notices.SOURCE,
    promotion_notices.SOURCE,
    campaign_notices.SOURCE,
    project_notices.SOURCE,
)
"""Subjects whose rows are in modules of their own."""
KINDS = {
    VOTE: N_("vote"),
    ROUND: N_("giving round"),
    PROMISE: N_("promise of yours"),
    REQUEST: N_("asks to join"),
    PAYMENT: N_("payment to you"),
    CORRECTION: N_("correction"),
    EVENT: N_("contribution"),
    AGENT: N_("claim of an agent"),
    ROLE: N_("role"),
    SEAT: N_("seat"),
    OFFER: N_("free seat"),
    BACKUP: N_("backup"),
    **{kind: name for source in SOURCES for kind, name in source.kinds.items()},
}
"""What each kind of row is called, where people read it."""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One thing that waits for this member. kind: a key of KINDS.

    id: the record that it is about. member: who asks; None where it is this home itself. since_ms:
    when they asked, as they say; None where it is not known. until_ms: the deadline, if there is
    one. command: what does it, as it is typed at the default home.
    """

    kind: str
    id: RecordId | None
    member: MemberId | None
    member_name: str
    words: str
    since_ms: int | None
    until_ms: int | None
    command: str


@dataclass(frozen=True, slots=True)
class InboxList:
    """What waits, deadlines first, then the earliest. total: how many there are, listed or not."""

    total: int
    rows: tuple[InboxRow, ...]


@dataclass(frozen=True, slots=True)
class InboxDigest:
    """What waits that the last digest did not tell. new: how many; rows: the first of them.

    total: how much waits in all. keys: what is told once this digest was shown.
    """

    total: int
    new: int
    rows: tuple[InboxRow, ...]
    keys: tuple[str, ...]


class Inbox(HomeAccess):
    """What waits for this member."""

    def inbox(self, *, limit: int = INBOX_ROWS_MAX) -> InboxList:
        """Return what waits for this member, at most `limit` rows: what has a deadline first."""
        waiting = self._waiting_sorted()
        rows = tuple(inbox_row(self.view, entry) for entry in waiting[: max(limit, 0)])
        return InboxList(len(waiting), rows)

    def inbox_digest(self, *, limit: int = DIGEST_ROWS_MAX) -> InboxDigest:
        """Return what waits and was in no digest that `told` was called with.

        Of more than TOLD_MAX things that wait, the earliest are not looked at.
        """
        waiting = self._waiting_sorted()
        if len(waiting) > TOLD_MAX:
            latest = sorted(waiting, key=lambda entry: (entry.clock, entry.id))[-TOLD_MAX:]
            considered = sorted(latest, key=lambda entry: entry.place)
        else:
            considered = waiting
        told = frozenset(read_reminders(self.home).told)
        new = [entry for entry in considered if entry.key not in told]
        rows = tuple(inbox_row(self.view, entry) for entry in new[: max(limit, 0)])
        return InboxDigest(len(waiting), len(new), rows, tuple(entry.key for entry in considered))

    def told(self, digest: InboxDigest) -> None:
        """Remember in the home that a digest was shown. Raises FileRefused."""
        if set(digest.keys) != set(read_reminders(self.home).told):
            remember_told(self.home, digest.keys)

    def _waiting_sorted(self) -> list[Waiting]:
        view = self.view
        waiting = [*_to_attest(view), *_votes(view), *_requests(view), *_roles(view)]
        waiting += [*_rounds(view), *_promises(view), *_free_seat(view), *_old_backup(view)]
        waiting += [entry for source in SOURCES for entry in source.waiting(view)]
        return sorted(waiting, key=lambda entry: entry.place)


def _to_attest(view: LedgerView) -> Iterator[Waiting]:
    """Yield corrections, payments to this member, contributions, and claims of agents."""
    state = view.state
    for id, correction in attestations.unanswered_corrections(view):
        clock = view.store.clock_of(id) or 0
        yield Waiting(CORRECTION, id, correction.member, clock)
    may_attest = view.may(Permission.ATTEST)
    for event, row in attestations.unattested(view):
        paid = settlement.settlement_row(state, event)
        is_paid = paid is not None and paid.claimant == view.me
        if is_paid or may_attest:  # a claimant confirms what they were paid from the first day
            kind = PAYMENT if is_paid else EVENT
            yield Waiting(kind, event, MemberId(row.member), row.clock, round=row.corrections)
    if may_attest:
        for id, claim in attestations.unattested_claims(view):
            yield Waiting(AGENT, id, claim.member, view.store.clock_of(id) or 0)


def _votes(view: LedgerView) -> Iterator[Waiting]:
    """Yield the open votes in which this member is an elector and said nothing."""
    state, me = view.state, view.me
    if not view.may(Permission.VOTE):
        return
    for key, _ in state.items(proposals.OPEN):
        id = key[len(proposals.OPEN) :]
        row = proposals.proposal_row(state, id)
        assert row is not None, "what is open is known"
        is_about_me = row.subject == proposals.REMOVAL and row.target == me
        if row.status != proposals.VOTING or row.member == me or is_about_me:
            continue
        is_elector = state.get(proposals.ELECTOR + id + me) is not None
        if is_elector and state.get(proposals.VOTE + id + me) is None:
            yield Waiting(VOTE, id, MemberId(row.member), row.clock, row.deadline_ms)


def _rounds(view: LedgerView) -> Iterator[Waiting]:
    """Yield the open giving rounds in which this member may give, and gave nothing."""
    state, me = view.state, view.me
    if not view.may(Permission.ATTEST):
        return
    for name, row in giving_rounds.all_rounds(state):
        if not row.is_open or not giving_rounds.takes_part(state, me, row.givers):
            continue
        others = (member for member in membership.members(state) if member.id != me)
        has_receivers = any(
            giving_rounds.takes_part(state, member.id, row.receivers) for member in others
        )
        if has_receivers and giving_rounds.gift_row(state, name, me) is None:
            place = (None, view.kept.cut.clock, row.closes_ms, row.height)
            yield Waiting(ROUND, b"", *place, about=name, by_name=True)


def _requests(view: LedgerView) -> Iterator[Waiting]:
    """Yield who asks to join, without a vouch of this member that would count."""
    state, me = view.state, view.me
    if not view.may(Permission.INVITE):
        return
    has_room: bool | None = None
    for request in membership.pending_requests(state):
        if request.member == me or state.get(invites.VOUCH + request.id + me) is not None:
            continue
        invite = membership.invite(state, request.invite)
        assert invite is not None, "a request is under a known invite"
        if invite.author == me:
            # An invite is its author's vouch, as far as the newcomers of their week allow.
            has_room = _would_count(view, request) if has_room is None else has_room
            if not has_room:
                continue
        yield Waiting(REQUEST, request.id, request.member, request.clock, invite.expires)


def _would_count(view: LedgerView, request: membership.Request) -> bool:
    """Return whether the fold would take this member's vouch for a request under their invite."""
    data = {"member": bytes(request.member), "request": bytes(request.id)}
    try:
        view.check(wish_of("member.vouch", data, (request.id,)))
    except WouldNotCount:
        return False
    return True


def _roles(view: LedgerView) -> Iterator[Waiting]:
    """Yield roles that others claim, and seats that wait for this member's endorsement."""
    state, me = view.state, view.me
    if not view.may(Permission.ATTEST):
        return
    seats = witness_set.unendorsed(state, view.kept.cut.height)
    for member in membership.members(state):
        if member.id == me or member.status != "active":
            continue
        for name, row in roles.roles(state, member.id).items():
            is_seat = name == WITNESS and me in seats.get(member.id, ())
            is_open = not row.held and name in view.kept.rules.roles
            is_endorsed = roles.has_endorsed(state, me, member.id, name)
            if (is_open or is_seat) and not is_endorsed:
                yield Waiting(
                    SEAT if is_seat else ROLE, row.claim, member.id, row.clock, about=name
                )


def _promises(view: LedgerView) -> Iterator[Waiting]:
    """Yield what this member promised to do within a day from now, or before, and did not."""
    for id, row, left in plans.due_promises(view, now_ms() + DAY_MS):
        told = f"{row.action} {left:f} {shlex.quote(row.quantity[2])}"
        yield Waiting(PROMISE, id, None, row.clock, row.due, about=told)


def _free_seat(view: LedgerView) -> Iterator[Waiting]:
    """Yield a seat as witness, where too few witness and this member could."""
    state, me = view.state, view.me
    known = view.kept.rules.roles.get(WITNESS)
    mine = roles.roles(state, me)
    active = sum(member.status == "active" for member in membership.members(state))
    seated = len(witness_set.seated(state))
    if known is None or WITNESS in mine or not view.may(Permission.SEAT):
        return
    is_path_open = not known.after or any(roles.holds(state, me, name) for name in known.after)
    if is_path_open and 0 < seated < SAFE_WITNESSES_MIN <= active:
        yield Waiting(OFFER, b"", None, view.kept.cut.clock)


def _old_backup(view: LedgerView) -> Iterator[Waiting]:
    """Yield the backup, when the last one is old, or there is none of an old home."""
    last_ms = last_backup_ms(view)
    if last_ms is not None and now_ms() - last_ms > BACKUP_DAYS_MAX * DAY_MS:
        yield Waiting(BACKUP, b"", None, view.kept.cut.clock, round=last_ms)


def last_backup_ms(view: LedgerView) -> int | None:
    """Return when this home was backed up last; without that, when its first record was written."""
    backup_ms = read_reminders(view.home).backup_ms
    if backup_ms is not None:
        return backup_ms
    wires = view.store.wires(view.settings.device, 0, 1, RECORD_BYTES_MAX)
    return from_bytes_unchecked(wires[0]).claimed_at if wires else None


def inbox_row(view: LedgerView, entry: Waiting) -> InboxRow:
    """Return what waits as people read it, with the command that does it."""
    record = view.store.record(RecordId(entry.id)) if entry.id else None
    since_ms = None if record is None else record.claimed_at
    source = _source(entry)
    command = _command(entry) if source is None else source.command(view, entry)
    return InboxRow(
        kind=entry.kind,
        id=RecordId(entry.id) if entry.id else None,
        member=entry.member,
        member_name=view.name(entry.member),
        words=_words(view, entry) if source is None else source.words(view, entry),
        since_ms=entry.round if entry.kind == BACKUP else since_ms,
        until_ms=entry.until_ms,
        command=f"weal {command}",
    )


def page_of(entry: Waiting) -> str | None:
    """Return the page on which something that waits is done; None where its row does it."""
    source = _source(entry)
    return None if source is None or source.path is None else source.path(entry)


def _source(entry: Waiting) -> WaitingSource | None:
    return next((source for source in SOURCES if entry.kind in source.kinds), None)


def _command(entry: Waiting) -> str:
    """Return what is typed after `weal`."""
    id = entry.id.hex()[:COMMAND_ID_DIGITS]
    member = "" if entry.member is None else entry.member.hex()[:COMMAND_ID_DIGITS]
    match entry.kind:
        case "vote":
            return f"rules vote {id} yes"
        case "request":
            return f"vouch {member}"
        case "role" | "seat":
            return f"role endorse {member} {shlex.quote(entry.about)}"
        case "offer":
            return f"role claim {WITNESS}"
        case "round":
            return f"round give --round {shlex.quote(entry.about)} MEMBER POINTS"
        case "promise":
            return f"record {entry.about} --fulfills {id}"
        case "backup":
            return f"backup commonweal-{shown(now_ms())[:10]}.backup"
    return f"attest {id}"


def _words(view: LedgerView, entry: Waiting) -> str:
    """Return what is asked, as a short sentence."""
    state, words, id = view.state, view.words, entry.id
    match entry.kind:
        case "correction":
            correction = consent.correction_row(state, id)
            assert correction is not None, "it waits"
            return correction_words(view, correction)
        case "agent":
            return attestations.claim_words(
                view, agents.AgentClaimRow(*state.get(agents.CLAIM + id))
            )
        case "vote":
            proposal = proposals.proposal_row(state, id)
            assert proposal is not None, "it is voted on"
            return proposal_words(view, id, proposal)
        case "request":
            return words("asks to be a member; a vouch lets them in")
        case "role":
            return words("wants to serve as {role}").format(role=entry.about)
        case "seat":
            return words("offers to witness; a seat takes the endorsement of all who have one")
        case "round":
            row = giving_rounds.round_row(state, entry.about)
            assert row is not None, "it is open"
            text = words("you have {points:,} points to give to others in the round {round}")
            return text.format(points=row.points, round=entry.about)
        case "promise":
            return plans.promise_words(view, id)
        case "offer":
            text = words("{seated} witness; from {safe} on, one may be down or lie")
            return text.format(seated=len(witness_set.seated(state)), safe=SAFE_WITNESSES_MIN)
        case "backup":
            if read_reminders(view.home).backup_ms is None:
                return words("no backup of this home was made")
            return words("the last backup of this home is old")
    assert event_row(state, id) is not None, "it waits"
    return event_words(view, id)
