"""Milestones: by which cut something happened for the first time, as reports count it.

One row for each, written once by the cut that covers it and never changed: neither a correction nor
the end of a membership takes a milestone back. State: 9a milestones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple

from commonweal.protocol.ledger.exchange.commitments import ENDED, PROMISED, commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    CAME_INTO_FORCE,
    agreement_row,
)
from commonweal.protocol.ledger.exchange.lending.terms import TERMS
from commonweal.protocol.ledger.exchange.offers.offers import ASK, offer_row
from commonweal.protocol.ledger.members import agents, invites, registry
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record, with_data

MILESTONE = Table.MILESTONE.prefix

_KINDS = (
    *("invite.create", "member.request", "member.vouch", "proposal.offer", "commitment"),
    *("agreement", "agreement.sign", "resource.terms"),
)

_DAY_MS = 86_400_000
_DAYS_OF_400_YEARS = 146_097
_DAYS_BEFORE_1970 = 719_468
"""From the first of March of the year 0."""


class Milestone(StrEnum):
    """What is dated; the id of each is that of a member, or of a record.

    invited: an invite. asked, admitted, active, again, brought: a member. needed: an intent that a
    request publishes; answered: that a promise in force satisfies it. agreed: an agreement that
    came into force. lent: a resource for which terms were written.
    """

    INVITED = "invited"
    ASKED = "asked"
    ADMITTED = "admitted"
    ACTIVE = "active"
    AGAIN = "again"
    BROUGHT = "brought"
    NEEDED = "needed"
    ANSWERED = "answered"
    AGREED = "agreed"
    LENT = "lent"


class MilestoneRow(NamedTuple):
    """The cut by which it happened first: its height, and its time in ms since 1970."""

    height: int
    time_ms: int


def milestone(state: State, sort: Milestone, id: bytes) -> MilestoneRow | None:
    """Return when something first happened; None while it did not."""
    value = state.get(_key(sort, id))
    return None if value is None else MilestoneRow(*value)


def note_records(state: State, cut: CutHeader, records: Iterable[Record]) -> None:
    """Note what the records of a cut did first. records: those that count."""
    dated = (record for record in records if record.kind in _KINDS)
    for record in sorted(dated, key=lambda record: (record.clock, record.id)):
        match record.kind:
            case "invite.create":
                _note(state, cut, Milestone.INVITED, record.id)
            case "member.request":
                _note_request(state, cut, record.id)
            case "member.vouch":
                _note_request(state, cut, with_data(record).data["request"])
            case "proposal.offer":
                _note_needs(state, cut, record.id)
            case "commitment":
                _note_answer(state, cut, record.id, PROMISED)
            case "agreement":
                _note_deal(state, cut, record.id)
            case "agreement.sign":
                _note_deal(state, cut, with_data(record).data["agreement"])
            case "resource.terms":
                resource = with_data(record).data["resource"]
                if state.get(TERMS + resource) is not None:
                    _note(state, cut, Milestone.LENT, resource)


def note_given(state: State, cut: CutHeader, provider: bytes) -> None:
    """Note that a contribution of somebody got a value, or their money is an income."""
    member = agents.person(state, provider)
    first = milestone(state, Milestone.ACTIVE, member)
    if first is None:
        if state.get(registry.MEMBER + member) is not None:
            _note(state, cut, Milestone.ACTIVE, member)
    elif month_of(cut.time_ms) > month_of(first.time_ms):
        _note(state, cut, Milestone.AGAIN, member)


def month_of(time_ms: int) -> int:
    """Return the month of a time (ms since 1970, UTC), counted from January of the year 0.

    By the Gregorian calendar. In years that begin in March leap days are last, so that 153 days
    are five months (Hinnant, "chrono-compatible low-level date algorithms").
    """
    era, day = divmod(time_ms // _DAY_MS + _DAYS_BEFORE_1970, _DAYS_OF_400_YEARS)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    month = (5 * (day - (365 * year + year // 4 - year // 100)) + 2) // 153
    return (era * 400 + year) * 12 + month + 2


def _note_request(state: State, cut: CutHeader, id: bytes) -> None:
    request = invites.request_row(state, id)
    if request is None:
        return  # their membership ended in this cut
    _note(state, cut, Milestone.ASKED, request.member)
    invite = invites.invite_row(state, request.invite)
    if not request.open and invite is not None:
        _note(state, cut, Milestone.ADMITTED, request.member)
        _note(state, cut, Milestone.BROUGHT, invite.author)


def _note_needs(state: State, cut: CutHeader, id: bytes) -> None:
    offer = offer_row(state, id)
    if offer is not None and offer.purpose == ASK:
        for intent in offer.publishes:
            _note(state, cut, Milestone.NEEDED, intent)


def _note_deal(state: State, cut: CutHeader, id: bytes) -> None:
    deal = agreement_row(state, id)
    if deal is None or deal.status not in CAME_INTO_FORCE:
        return
    if _note(state, cut, Milestone.AGREED, id):
        for clause in deal.clauses:
            _note_answer(state, cut, clause, (*PROMISED, ENDED))


def _note_answer(state: State, cut: CutHeader, id: bytes, statuses: Collection[str]) -> None:
    """Note the needs that a promise of one of these statuses answers."""
    promise = commitment_row(state, id)
    if promise is None or promise.status not in statuses:
        return
    for intent in promise.satisfies:
        if milestone(state, Milestone.NEEDED, intent) is not None:
            _note(state, cut, Milestone.ANSWERED, intent)


def _note(state: State, cut: CutHeader, sort: Milestone, id: bytes) -> bool:
    """Write a milestone, unless it has its row; return whether it is new."""
    key = _key(sort, id)
    if state.get(key) is not None:
        return False
    state.put(key, [cut.height, cut.time_ms])
    return True


def _key(sort: Milestone, id: bytes) -> bytes:
    return MILESTONE + sort.encode() + b"\0" + id
