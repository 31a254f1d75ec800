"""Agreements: clauses to which all their parties say yes, and how agreements end.

Records:
  agreement          stipulates: 1 to 16 commitments; stipulatesReciprocal: up to 16, given in
                     return; answerBy: ms; counters: an agreement that this one takes the place of;
                     setsOff: see `set_off`, then clauses may be missing; for: see below
  agreement.sign     agreement; say: yes, no or withdraw; for. For bookings of a thing that has
                     moved since they were agreed, by its new custodian: see `succession`
  agreement.end      agreement; why: done or given up; for
  agreement.comment  agreement; for; the text is the body
The parties are the members, and the community, that give or receive by a clause. Writing an
agreement is the author's yes. for: the community, when the author speaks for it: then they hold the
role that the rules name, or are any member where it names none, and are no party themselves.
The last yes decides what the agreement comes to (`last_yes`). A yes is taken back before it, or a
no said; after it, all parties end an agreement together; those whose membership has ended need not.
State: as in `agreement_row`, and DEAL_COMMENT comments.
"""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.exchange import commitments, open_records, times
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow
from commonweal.protocol.ledger.exchange.deals import completion, last_yes, set_off, succession
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    AGREEMENT,
    ASKED,
    CAME_INTO_FORCE,
    COUNTERED,
    DECLINED,
    ENDED,
    GIVEN_UP,
    NO,
    OPEN_DEAL,
    SIGNED,
    WITHDRAW,
    WITHDRAWN,
    YES,
    AgreementRow,
    SignedRow,
    agreement_row,
    clause_rows,
    conclude,
    signed_row,
)
from commonweal.protocol.ledger.exchange.lending import bookings
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.exchange.offers.offers import is_list_of_ids
from commonweal.protocol.ledger.members import agents, registry, roles
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.ledger.things.quantities import is_less
from commonweal.protocol.records.record import Record

COMMENT = Table.DEAL_COMMENT.prefix

CLAUSES_MAX = 16
"""Clauses of an agreement, and as many in return."""
COMMENTS_MAX = 200
"""Comments on an agreement."""

DONE = "done"


def agree(state: State, record: Record, context: Context) -> Verdict:
    """Propose an agreement, to which the author says yes by writing it."""
    data = record.data
    read = _clauses(state, context, data)
    if isinstance(read, Reason):
        return read
    row, clauses = read
    row = row._replace(clock=record.clock)
    party = _voice(state, context, row, data)
    if isinstance(party, Reason):
        return party
    asked_of = zip(row.clauses, clauses, strict=True)
    refused = bookings.ask(state, context, record.id, party, asked_of)
    if refused is not None:
        return refused
    if data.get("counters") is not None:
        refused = _counter(state, record, context, data["counters"])
        if refused is not None:
            return refused
    refused = open_records.note(state, context, record.id, open_records.AGREEMENT)
    if refused is not None:
        return refused
    for asked in row.parties:
        state.put(OPEN_DEAL + asked + record.id, True)
    given = bookings.consents(state, context, clauses)
    yes = dict.fromkeys([party, *(lender for lender in given if lender in row.parties)])
    for agreeing in yes:
        state.put(SIGNED + record.id + agreeing, [*SignedRow(YES, record.id)])
    return _count_yes(state, context, record.id, row, len(yes))


def sign(state: State, record: Record, context: Context) -> Verdict:
    """Say yes or no to an agreement, or take a yes back."""
    id, say = record.data.get("agreement"), record.data.get("say")
    if not is_bytes(id) or say not in (YES, NO, WITHDRAW):
        return Reason.SHAPE
    row = agreement_row(state, id)
    if row is None:
        return Reason.UNKNOWN_PLAN
    party = _voice(state, context, row, record.data)
    if isinstance(party, Reason):
        return succession.answer(state, record, context, row) if row.status == AGREED else party
    if row.status != ASKED:
        return Reason.ALREADY_AGREED if row.status in CAME_INTO_FORCE else Reason.NOT_OPEN
    has_said_yes = signed_row(state, id, party) is not None
    if say == WITHDRAW and not has_said_yes:
        return Reason.NO_YES
    if say == YES and has_said_yes:
        return Reason.NOTHING_NEW
    state.put(SIGNED + id + party, [*SignedRow(say, record.id)])
    if say == YES:
        return _count_yes(state, context, id, row, 1)
    conclude(state, id, row, DECLINED if say == NO else WITHDRAWN, party)
    return None


def end(state: State, record: Record, context: Context) -> Verdict:
    """Note that a party wants an agreement to end; it ends once all of them do.

    One party is enough where all clauses are bookings that have not begun.
    """
    id, why = record.data.get("agreement"), record.data.get("why")
    if not is_bytes(id) or why not in (DONE, GIVEN_UP):
        return Reason.SHAPE
    row = agreement_row(state, id)
    if row is None:
        return Reason.UNKNOWN_PLAN
    party = _voice(state, context, row, record.data)
    if isinstance(party, Reason):
        return party
    if row.status != AGREED:
        return Reason.NOT_AGREED if row.status == ASKED else Reason.NOT_OPEN
    # Who became a party as a custodian took the bookings over has said nothing before.
    signed = signed_row(state, id, party) or SignedRow(YES, record.id)
    state.put(SIGNED + id + party, [*signed._replace(ended=why)])
    clauses = clause_rows(state, row)
    reasons = _reasons(state, context, id, row)
    may_cancel = bookings.may_cancel(state, context, clauses[: len(row.stipulates)])
    if None in reasons and not may_cancel:
        return Reason.NOTHING_NEW if signed.ended is not None else None
    status = ENDED if all(reason in (None, DONE) for reason in reasons) else GIVEN_UP
    for clause_id, clause in clauses:
        refused = commitments.release(state, clause_id)
        if refused is not None:
            return refused
        bookings.release(state, context, clause_id, clause, status == GIVEN_UP)
    state.put(AGREEMENT + id, [*row._replace(status=status)])
    completion.note(state, context, id)
    return None


def comment(state: State, record: Record, context: Context) -> Verdict:
    """Comment on an agreement, as a party of it."""
    id = record.data.get("agreement")
    if not is_bytes(id) or record.body is None:
        return Reason.SHAPE
    row = agreement_row(state, id)
    if row is None:
        return Reason.UNKNOWN_PLAN
    party = _voice(state, context, row, record.data)
    if isinstance(party, Reason):
        return party
    if sum(1 for _ in state.items(COMMENT + id)) >= COMMENTS_MAX:
        return Reason.TOO_MANY_COMMENTS
    state.put(COMMENT + id + record.id, [context.member, record.clock])
    return None


def _count_yes(state: State, context: Context, id: bytes, row: AgreementRow, more: int) -> Verdict:
    """Count `more` parties that say yes; the last yes decides. Refuses with TOO_LATE."""
    is_late = row.answer_by is not None and times.now_ms(state, context) > row.answer_by
    if is_late or bookings.is_late(state, context, row.clauses):
        return Reason.TOO_LATE
    row = row._replace(yes=row.yes + more)
    if row.yes < len(row.parties):
        state.put(AGREEMENT + id, [*row])
        return None
    outcome = last_yes.decide(state, context, id, row)
    if isinstance(outcome, Reason):
        return outcome
    conclude(state, id, row, *outcome)
    return None


def _clauses(
    state: State, context: Context, data: dict[str, Any]
) -> tuple[AgreementRow, list[CommitmentRow]] | Reason:
    """Return the row of a new agreement, before any yes, and its clauses."""
    stipulates, reciprocal = data.get("stipulates", []), data.get("stipulatesReciprocal", [])
    sets_off: list[list[Any]] | Reason = []
    if "setsOff" in data:
        sets_off = set_off.read(state, context, data["setsOff"])
    if isinstance(sets_off, Reason):
        return sets_off
    for clauses, least in ((stipulates, 0 if sets_off else 1), (reciprocal, 0)):
        if not is_list_of_ids(clauses, CLAUSES_MAX, least):
            return Reason.SHAPE
    answer_by = data.get("answerBy")
    if not {*stipulates}.isdisjoint(reciprocal):
        return Reason.SHAPE
    if answer_by is not None and not is_count(answer_by):
        return Reason.SHAPE
    rows: list[CommitmentRow] = []
    for id in (*stipulates, *reciprocal):
        row = commitments.commitment_row(state, id)
        if row is None:
            return Reason.UNKNOWN_PLAN
        if row.status != commitments.ASKED:
            is_agreed = row.status in commitments.PROMISED
            return Reason.ALREADY_AGREED if is_agreed else Reason.NOT_OPEN
        rows.append(row)
    refused = _fit_together(state, rows)
    if refused is not None:
        return refused
    concerned = [*rows, *(commitments.commitment_row(state, part[0]) for part in sets_off)]
    sides = [side for row in concerned if row is not None for side in row.sides]
    people = dict.fromkeys(agents.person(state, side) for side in sides)
    parties = sorted(person for person in people if not agents.is_outside(person))
    if not all(_may_answer(state, context, party) for party in parties):
        return Reason.PARTY_LEFT
    agreement = AgreementRow(
        member=context.member,
        clock=0,
        stipulates=stipulates,
        reciprocal=reciprocal,
        parties=parties,
        yes=0,
        answer_by=answer_by,
        counters=data.get("counters"),
        sets_off=sets_off,
        status=ASKED,
        cause=None,
    )
    return agreement, rows


def _fit_together(state: State, clauses: list[CommitmentRow]) -> Verdict:
    """Refuse clauses that together take more of an intent than it ever offered."""
    sums = last_yes.taken_together(clauses)
    if isinstance(sums, Reason):
        return sums
    for intent, taken in sums.items():
        row = intents.intent_row(state, intent)
        assert row is not None, "the intent is known"
        if is_less(row.limit, taken):
            return Reason.INTENT_TAKEN
    return None


def _voice(
    state: State, context: Context, row: AgreementRow, data: dict[str, Any]
) -> bytes | Reason:
    """Return the party for which the author speaks: their member, or the community."""
    named = data.get("for")
    if named is None:
        return context.member if context.member in row.parties else Reason.NOT_YOURS
    if not is_bytes(named):
        return Reason.SHAPE
    is_party = named == context.community and named in row.parties
    if not is_party or context.member in row.parties:
        return Reason.NOT_YOURS
    may_speak = roles.may_speak_for_community(state, context)
    return named if may_speak else Reason.NOT_YOURS


def _counter(state: State, record: Record, context: Context, countered: Any) -> Verdict:
    """Let a new agreement take the place of one that is still asked."""
    if not is_bytes(countered):
        return Reason.SHAPE
    row = agreement_row(state, countered)
    if row is None:
        return Reason.UNKNOWN_PLAN
    party = _voice(state, context, row, record.data)
    if isinstance(party, Reason):
        return party
    if row.status in CAME_INTO_FORCE:
        return Reason.ALREADY_AGREED
    if row.status != ASKED:
        return Reason.NOT_OPEN
    conclude(state, countered, row, COUNTERED, record.id)
    return None


def _reasons(state: State, context: Context, id: bytes, row: AgreementRow) -> list[str | None]:
    """Return why each party wants the agreement to end; None for who must still say so.

    Whose membership has ended is left out, unless they said so before.
    """
    reasons: list[str | None] = []
    for party in row.parties:
        signed = signed_row(state, id, party)
        ended = None if signed is None else signed.ended
        if _may_answer(state, context, party) or ended is not None:
            reasons.append(ended)
    return reasons


def _may_answer(state: State, context: Context, party: bytes) -> bool:
    """Return whether a party can say something: the community, or a member who is active."""
    return party == context.community or registry.is_active(state, party)
