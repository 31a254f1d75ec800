"""Deals as members read them: the results of `Deals`, and the words for how each stands."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from commonweal.client.language.words import N_
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import RecordId

ASKED, AGREED, RUNNING, DONE, OVERDUE = "asked", "agreed", "running", "done", "overdue"
DECLINED, COUNTERED, WITHDRAWN, EXPIRED = "declined", "countered", "withdrawn", "expired"
LOST, VOID, GIVEN_UP, DISPUTED = "lost", "void", "given up", "disputed"
DEAL_STATES = {
    ASKED: N_("asked"),
    AGREED: N_("agreed"),
    RUNNING: N_("under way"),
    OVERDUE: N_("overdue"),
    DISPUTED: N_("disputed"),
    DONE: N_("done"),
    GIVEN_UP: N_("given up"),
    DECLINED: N_("declined"),
    COUNTERED: N_("countered"),
    WITHDRAWN: N_("withdrawn"),
    EXPIRED: N_("not answered in time"),
    LOST: N_("lost"),
    VOID: N_("void"),
}
"""How a deal stands, and the words for it."""
IN_FORCE = frozenset({AGREED, RUNNING, OVERDUE, DISPUTED})

OPEN, PARTLY, MET, ENDED, SAID = "open", "partly", "met", "ended", "said"
CLAUSE_STATES = {
    ASKED: N_("asked"),
    OPEN: N_("open"),
    PARTLY: N_("partly kept"),
    MET: N_("kept"),
    OVERDUE: N_("overdue"),
    ENDED: N_("no longer promised"),
    SAID: N_("said by one side"),
}
"""How a clause stands, and the words for it."""

DEAL, RING, BOOKING, PAYMENT, SET_OFF = "deal", "ring", "booking", "payment", "set_off"
DEAL_SORTS = {
    DEAL: N_("deal"),
    RING: N_("ring"),
    BOOKING: N_("booking"),
    PAYMENT: N_("payment"),
    SET_OFF: N_("set-off"),
}
"""What a deal is, by what stands in it, and the words for it."""

OF_ME, BY_ME, OF_OTHERS = "asked of me", "asked by me", "asked of others"
NOW, LATE, PAST, CLOSED = "under way", "overdue", "done", "not agreed"
DEAL_GROUPS = {
    OF_ME: N_("Asked of me"),
    LATE: N_("Overdue"),
    NOW: N_("Under way"),
    BY_ME: N_("Asked by me"),
    OF_OTHERS: N_("Asked of others"),
    PAST: N_("Done"),
    CLOSED: N_("Came to nothing"),
}
"""What a deal is to this member, in the order of a list, and the heading of it."""


@dataclass(frozen=True, slots=True)
class DealClause:
    """What one gives to another under a deal. number: from 1, as all clauses stand in it.

    in_return: it is given for the other clauses. met: how much of it was given, at most
    `quantity`; open: what is left of it. what: the name of a specification. title: of the offer or
    the need that it answers. resource: the thing.
    begin_ms, end_ms: half-open, of a booking. state: a key of CLAUSE_STATES. satisfies: the intents
    that it answers. events: the contributions that were given for it.
    """

    id: RecordId
    number: int
    in_return: bool
    action: str
    provider: bytes
    provider_name: str
    receiver: bytes
    receiver_name: str
    quantity: Decimal
    met: Decimal
    open: Decimal
    unit: str
    what: str | None
    title: str | None
    resource: RecordId | None
    begin_ms: int | None
    end_ms: int | None
    due_ms: int | None
    state: str
    satisfies: tuple[RecordId, ...]
    events: tuple[RecordId, ...]
    words: str


@dataclass(frozen=True, slots=True)
class DealParty:
    """A party of a deal. say: "yes", "no" or "withdraw"; None while they said nothing.

    record: what they said last; sealed_at: the height that made it final. ended: "done" or "given
    up" where they ended the deal. present: they are a member now, or the community. promised, kept:
    how many promises of theirs can be judged, and how many of them were kept.
    """

    member: bytes
    member_name: str
    you: bool
    say: str | None
    record: RecordId | None
    sealed_at: int | None
    ended: str | None
    present: bool
    promised: int
    kept: int


@dataclass(frozen=True, slots=True)
class DealComment:
    """A comment on a deal; its text is None where it was erased or is not here."""

    id: RecordId
    member: MemberId
    member_name: str
    text: str | None
    since_ms: int | None


@dataclass(frozen=True, slots=True)
class DealStep:
    """Something that happened to a deal. id: the record. since_ms: when, as its author says."""

    id: RecordId
    words: str
    since_ms: int | None
    sealed_at: int | None


@dataclass(frozen=True, slots=True)
class ListedDeal:
    """A deal in a list. sort, state, group: keys of DEAL_SORTS, DEAL_STATES and DEAL_GROUPS.

    member: who proposed it. parties, party_names: all who give or receive, in one order.
    waits_for: names of those whose yes is missing. answer_by_ms: until when they can give it.
    due_ms: the first time by which something is due that is open. clauses, met: how many there
    are, and how many are kept. cause: what it was lost to, what made it void, or the member who
    declined it by leaving; why: that as a sentence, "" where there is nothing to tell. counters:
    the deal of which it is a counter-proposal. words: who gives what. final: a seal covers
    all that is said of it.
    """

    id: RecordId
    sort: str
    state: str
    group: str
    member: MemberId
    member_name: str
    parties: tuple[bytes, ...]
    party_names: tuple[str, ...]
    waits_for: tuple[str, ...]
    answer_by_ms: int | None
    due_ms: int | None
    clauses: int
    met: int
    cause: bytes | None
    why: str
    counters: RecordId | None
    words: str
    final: bool


@dataclass(frozen=True, slots=True)
class DealDetails(ListedDeal):
    """A deal, clause by clause. judged_at_ms: the time of the last seal, by which it is judged.

    acts: what this member can do now: "accept", "counter", "decline", "withdraw", "done", "end",
    "comment". sealed_at: the height that made the proposal final.
    """

    judged_at_ms: int | None
    sealed_at: int | None
    terms: tuple[DealClause, ...]
    signatures: tuple[DealParty, ...]
    comments: tuple[DealComment, ...]
    history: tuple[DealStep, ...]
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DealRecord:
    """Something that was said of a deal.

    state: of the deal after it. waits_for: names of those whose yes is missing.
    """

    id: RecordId
    seq: int
    deal: RecordId
    state: str
    waits_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewDeal:
    """A deal that was proposed. id: of the agreement; clauses: the commitments in it.

    counters: the deal that it takes the place of. waits_for: whose yes it needs.
    """

    id: RecordId
    seq: int
    clauses: tuple[RecordId, ...]
    counters: RecordId | None
    words: str
    waits_for: tuple[str, ...]
