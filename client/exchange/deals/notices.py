"""What of deals waits for a member: answers, outcomes, what is overdue, ends and comments.

An outcome and a comment are told for a week by the time of the seals, or until the member writes
something about that deal. All else leaves when the ledger says that it is answered.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from commonweal.client.exchange.deals import rows
from commonweal.client.exchange.deals.details import clauses_of
from commonweal.client.exchange.deals.rows import DealClause
from commonweal.client.exchange.deals.states import (
    has_said_yes,
    judged_at_ms,
    known_agreement,
    sort_of,
    state_of,
    voice_in,
    voices,
)
from commonweal.client.exchange.deals.words import clause_words, deal_words, outcome_words
from commonweal.client.inbox_source import COMMAND_ID_DIGITS, Waiting, WaitingSource
from commonweal.client.language.words import N_
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    ASKED,
    COUNTERED,
    DECLINED,
    LOST,
    VOID,
    WITHDRAWN,
    AgreementRow,
    agreement_row,
    signed_row,
)
from commonweal.protocol.ledger.exchange.deals.agreements import COMMENT
from commonweal.protocol.records.record import RecordId
from commonweal.storage.records.seal_store import RecordPlace, SealStore

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

ANSWER, OUTCOME, OVERDUE = "deal", "deal_outcome", "deal_overdue"
END, REMARK = "deal_end", "deal_comment"
NEWS_MS = 7 * 86_400_000
"""How long, by the time of the seals, an outcome is told."""
NEWS_LOOKED_AT_MAX = 100
"""The newest deals, of which outcomes and comments are told."""
REMARK_CHARS_MAX = 200

_ASKED = """
    SELECT deal FROM deal_party_row AS party JOIN deal_row ON deal_row.id = deal
    WHERE party.member IN (?1, ?2) AND status = 'asked'"""
_KEPT_IN_PART = """
    SELECT deal FROM deal_party_row AS party JOIN deal_row ON deal_row.id = deal
    WHERE party.member IN (?1, ?2) AND status = 'agreed' AND EXISTS (
        SELECT 1 FROM deal_clause_row AS part JOIN clause_row ON clause_row.id = clause
        WHERE part.deal = deal_row.id AND open_n > 0)"""
_NEWEST = """
    SELECT deal FROM deal_party_row AS party JOIN deal_row ON deal_row.id = deal
    WHERE party.member IN (?1, ?2) ORDER BY deal_row.clock DESC, deal LIMIT ?3"""


def waiting(view: LedgerView) -> Iterator[Waiting]:
    """Yield what of deals waits for this member."""
    for id in _looked_at(view):
        row = known_agreement(view.state, id)
        mine = voice_in(view, row)
        if mine is None:
            continue
        if row.status == ASKED:
            yield from _asked(view, id, row, mine)
        else:
            yield from _outcome(view, id, row, mine)
        if row.status == AGREED:
            yield from _overdue(view, id, row, mine)
            yield from _ends(view, id, row, mine)
        yield from _remarks(view, id, row, mine)


def _looked_at(view: LedgerView) -> Iterable[RecordId]:
    """Return the deals of this member that are asked, or have something open, or are new."""
    ask, parties = view.kept.layers.rows, (voices(view)[0], voices(view)[-1])
    deals = [*ask(_ASKED, parties), *ask(_KEPT_IN_PART, parties)]
    deals += ask(_NEWEST, (*parties, NEWS_LOOKED_AT_MAX))
    return dict.fromkeys(RecordId(bytes(id)) for (id,) in deals)


def _asked(view: LedgerView, id: RecordId, row: AgreementRow, mine: bytes) -> Iterator[Waiting]:
    is_over = state_of(view.state, row, judged_at_ms(view), {}) == rows.EXPIRED
    if not is_over and not has_said_yes(view.state, id, mine):
        yield Waiting(ANSWER, id, MemberId(row.member), row.clock, row.answer_by)


def _outcome(view: LedgerView, id: RecordId, row: AgreementRow, mine: bytes) -> Iterator[Waiting]:
    """Yield what a deal came to, unless this member decided it."""
    state = state_of(view.state, row, judged_at_ms(view), {})
    if state not in (rows.AGREED, DECLINED, WITHDRAWN, COUNTERED, LOST, VOID):
        return
    last = _last_record(view, id, row)
    who = row.cause
    if row.status == AGREED:
        who = next(
            (party for party in row.parties if _record_of(view, id, party) == last), row.member
        )
    elif row.status == COUNTERED and row.cause is not None:
        other = known_agreement(view.state, row.cause)
        if mine in other.parties:
            return  # what is asked of them is told, and who asks knows
        who = other.member
    elif row.status in (LOST, VOID):
        who = None
    if who != mine and _is_news(view, last) and _own_clock(view, id, mine) <= _clock(view, last):
        by = MemberId(who) if who is not None and who != view.community else None
        yield Waiting(OUTCOME, id, by, _clock(view, last), round=_round(row.status))


def _round(status: str) -> int:
    """Return what tells outcomes of one deal apart: one that was agreed may be lost at a seal."""
    return [AGREED, DECLINED, WITHDRAWN, COUNTERED, LOST, VOID].index(status)


def _overdue(view: LedgerView, id: RecordId, row: AgreementRow, mine: bytes) -> Iterator[Waiting]:
    """Yield what others owe this member, or the community, past its time."""
    for clause in clauses_of(view, row):
        if clause.state == rows.OVERDUE and clause.receiver == mine:
            clock = view.store.clock_of(clause.id) or row.clock
            giver = MemberId(clause.provider)
            about = id.hex()
            yield Waiting(OVERDUE, clause.id, giver, clock, clause.due_ms, about=about)


def _ends(view: LedgerView, id: RecordId, row: AgreementRow, mine: bytes) -> Iterator[Waiting]:
    """Yield a deal that others want to end, and this member did not say so."""
    signed = {party: signed_row(view.state, id, party) for party in row.parties}
    ended = {party: word.ended for party, word in signed.items() if word is not None and word.ended}
    if ended and mine not in ended:
        who, why = next(iter(ended.items()))
        yield Waiting(END, id, MemberId(who), row.clock, about=why)


def _remarks(view: LedgerView, id: RecordId, row: AgreementRow, mine: bytes) -> Iterator[Waiting]:
    """Yield the last comment of another, after what this member said last."""
    since = max(_own_clock(view, id, mine), _clock(view, _record_of(view, id, mine)))
    if row.member == view.me:
        since = max(since, row.clock)
    countered = None if row.cause is None else agreement_row(view.state, row.cause)
    if countered is not None and countered.member == view.me:
        since = max(since, countered.clock)
    table = COMMENT + id
    remarks = [
        (clock, RecordId(key[len(table) :]), member)
        for key, (member, clock) in view.state.items(table)
        if member != view.me and clock > since
    ]
    if remarks:
        clock, comment, member = max(remarks)
        if _is_news(view, comment):
            yield Waiting(REMARK, comment, MemberId(member), clock, about=id.hex())


def _own_clock(view: LedgerView, id: bytes, mine: bytes) -> int:
    """Return the clock of this member's last comment on a deal; 0 without any."""
    comments = (value for _key, value in view.state.items(COMMENT + id))
    return max((clock for member, clock in comments if member == view.me), default=0)


def _record_of(view: LedgerView, id: bytes, party: bytes) -> RecordId | None:
    signed = signed_row(view.state, id, party)
    return None if signed is None else RecordId(signed.record)


def _last_record(view: LedgerView, id: RecordId, row: AgreementRow) -> RecordId:
    """Return the last record by which a party said something of a deal, or countered it."""
    said = [record for party in row.parties if (record := _record_of(view, id, party))]
    if row.status == COUNTERED and row.cause is not None:
        said.append(RecordId(row.cause))
    return max(said, key=lambda record: (_clock(view, record), record), default=id)


def _clock(view: LedgerView, record: RecordId | None) -> int:
    return 0 if record is None else view.store.clock_of(record) or 0


def _is_news(view: LedgerView, id: RecordId) -> bool:
    """Whether no seal covers a record, or one of the last week by the time of the seals."""
    record = view.store.record(id)
    if record is None:
        return False
    place = RecordPlace(record.author, record.seq, record.clock)
    height = SealStore(view.store, view.community).heights_covering([place]).get(place)
    if height is None:
        return True
    query = "SELECT time_ms FROM seal_row WHERE height = ?"
    times = [time_ms for (time_ms,) in view.kept.layers.rows(query, (height,))]
    return bool(times) and times[0] > judged_at_ms(view) - NEWS_MS


def sentence(view: LedgerView, entry: Waiting) -> str:
    """Return what waits, as a short sentence."""
    words = view.words
    match entry.kind:
        case "deal_overdue":
            clause = commitment_row(view.state, entry.id)
            assert clause is not None, "it is overdue"
            return words("not kept in time: {what}").format(what=clause_words(view, clause))
        case "deal_comment":
            text = text_of(view.store, RecordId(entry.id))
            return text[:REMARK_CHARS_MAX] if text else words("a comment that is not here")
    row = known_agreement(view.state, entry.id)
    what = deal_words(view, row)
    if entry.kind == END:
        text = words("they say it is done: {what}")
        if entry.about == "given up":
            text = words("they give it up: {what}")
        return text.format(what=what)
    if entry.kind == OUTCOME:
        return _outcome_words(view, row, what)
    if sort_of(view.state, row) == rows.RING:
        what = words("a ring of {n}: {what}").format(n=len(row.parties), what=what)
    if row.counters is not None and agreement_row(view.state, row.counters) is not None:
        text = words("{what}, in place of {id}")
        what = text.format(what=what, id=row.counters.hex()[:8])
    return what


def _outcome_words(view: LedgerView, row: AgreementRow, what: str) -> str:
    if row.status == AGREED:
        return view.words("all said yes: {what}").format(what=what)
    why = outcome_words(view, row, row.status) or view.words(rows.DEAL_STATES[row.status])
    return view.words("{why}: {what}").format(why=why, what=what)


def command(view: LedgerView, entry: Waiting) -> str:
    """Return what is typed after `weal`."""
    id = entry.id.hex()[:COMMAND_ID_DIGITS]
    match entry.kind:
        case "deal_end":
            return f"deal {'end' if entry.about == 'given up' else 'done'} {id}"
        case "deal_comment" | "deal_overdue":
            return f"deal show {entry.about[:COMMAND_ID_DIGITS]}"
    row = known_agreement(view.state, entry.id)
    group = "book" if sort_of(view.state, row) == rows.BOOKING else "deal"
    if entry.kind == ANSWER or group == "book":
        return f"{group} {'accept' if entry.kind == ANSWER else 'show'} {id}"
    mine = voice_in(view, row)
    own = [
        clause
        for clause in clauses_of(view, row)
        if clause.provider == mine and clause.state in (rows.OPEN, rows.PARTLY, rows.OVERDUE)
    ]
    return record_command(view, own[0]) if own and row.status == AGREED else f"deal show {id}"


def record_command(view: LedgerView, clause: DealClause) -> str:
    """Return what is typed after `weal` to give what is open of a clause."""
    typed = ["record", clause.action, f"{clause.open:f}", clause.unit]
    if clause.receiver != view.community:
        typed += ["--receiver", clause.receiver_name]
    typed += ["--fulfills", clause.id.hex()[:COMMAND_ID_DIGITS]]
    return shlex.join(typed)


def path(entry: Waiting) -> str:
    """Return the page of the deal that waits."""
    return f"/deals/{entry.about if entry.kind in (REMARK, OVERDUE) else entry.id.hex()}"


SOURCE = WaitingSource(
    {
        ANSWER: N_("deal"),
        OUTCOME: N_("answer to a deal"),
        OVERDUE: N_("overdue promise"),
        END: N_("end of a deal"),
        REMARK: N_("comment on a deal"),
    },
    waiting,
    sentence,
    command,
    path,
)
