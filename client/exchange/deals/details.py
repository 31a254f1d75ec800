"""Deals as values: a list of them, and one with its clauses, signatures, history and comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from commonweal.client.exchange.deals import rows
from commonweal.client.exchange.deals.rows import (
    DealClause,
    DealComment,
    DealDetails,
    DealParty,
    DealStep,
    ListedDeal,
)
from commonweal.client.exchange.deals.states import (
    clause_state,
    group_of,
    has_said_yes,
    is_present,
    judged_at_ms,
    missing,
    sort_of,
    state_of,
    voice_in,
)
from commonweal.client.exchange.deals.words import (
    clause_words,
    deal_words,
    outcome_words,
    title_words,
    what_words,
)
from commonweal.client.exchange.reliability import KeptPromises, is_met, kept_promises
from commonweal.client.language.plain import fields_of
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.rows.contribution_rows import event_words
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.exchange.commitments import COMMITMENT, CommitmentRow
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    ASKED,
    SIGNED,
    AgreementRow,
    SignedRow,
    agreement_row,
    clause_rows,
    signed_row,
)
from commonweal.protocol.ledger.exchange.deals.agreements import COMMENT
from commonweal.protocol.records.record import RecordId
from commonweal.storage.records.seal_store import RecordPlace, SealStore

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


EVENTS_SHOWN_MAX = 50
"""Contributions that are told of one clause; its amounts count all of them."""


def deal_ids_of(view: LedgerView, parties: tuple[bytes, ...]) -> list[RecordId]:
    """Return the deals of which one of `parties` is a party, the latest first."""
    rows_of_deals = view.kept.layers.rows(
        "SELECT DISTINCT id, clock FROM deal_party_row JOIN deal_row ON deal_row.id = deal"
        " WHERE deal_party_row.member IN (?1, ?2) ORDER BY clock DESC, id",
        (parties[0], parties[-1]),
    )
    return [RecordId(bytes(id)) for id, _clock in rows_of_deals]


def deal_ids(view: LedgerView) -> list[RecordId]:
    """Return all deals, the latest first."""
    query = "SELECT id FROM deal_row ORDER BY clock DESC, id"
    return [RecordId(bytes(id)) for (id,) in view.kept.layers.rows(query)]


def disputed_commitments(view: LedgerView) -> dict[bytes, None]:
    """Return the commitments for which something was given that is disputed."""
    commitments = view.kept.layers.rows(
        "SELECT DISTINCT fulfills FROM event_row WHERE fulfills IS NOT NULL AND disputes > 0"
    )
    return dict.fromkeys(bytes(id) for (id,) in commitments)


def listed_deal(
    view: LedgerView, id: RecordId, row: AgreementRow, disputed: Mapping[bytes, object]
) -> ListedDeal:
    """Return a deal as a list shows it."""
    state, judged_ms = view.state, judged_at_ms(view)
    clauses = [clause for _id, clause in clause_rows(state, row)]
    now = state_of(state, row, judged_ms, disputed)
    is_asked = now == rows.ASKED
    due = [clause.due for clause in clauses if clause.due is not None and not is_met(clause)]
    return ListedDeal(
        id=id,
        sort=sort_of(state, row),
        state=now,
        group=group_of(view, id, row, now),
        member=MemberId(row.member),
        member_name=view.name(row.member),
        parties=tuple(row.parties),
        party_names=tuple(map(view.name, row.parties)),
        waits_for=tuple(map(view.name, missing(state, id, row))) if is_asked else (),
        answer_by_ms=row.answer_by,
        due_ms=min(due, default=None) if now in rows.IN_FORCE else None,
        clauses=len(clauses),
        met=sum(map(is_met, clauses)),
        cause=row.cause,
        why=outcome_words(view, row, now),
        counters=None if row.counters is None else RecordId(row.counters),
        words=deal_words(view, row),
        final=_is_final(view, id, row),
    )


def _is_final(view: LedgerView, id: bytes, row: AgreementRow) -> bool:
    """Whether a seal covers all that is said of a deal."""
    if agreement_row(view.final, id) != row:
        return False
    keys = [COMMITMENT + clause for clause in row.clauses]
    keys += [SIGNED + id + party for party in row.parties]
    return all(view.final.get(key) == view.state.get(key) for key in keys)


def clauses_of(view: LedgerView, row: AgreementRow) -> tuple[DealClause, ...]:
    """Return the clauses of a deal, in its order."""
    given, judged_ms = _events_for(view, row.clauses), judged_at_ms(view)
    returned = frozenset(row.reciprocal)
    return tuple(
        _clause(
            view,
            (RecordId(id), clause),
            (number, id in returned, clause_state(clause, judged_ms)),
            given.get(id, ()),
        )
        for number, (id, clause) in enumerate(clause_rows(view.state, row), 1)
    )


def _clause(
    view: LedgerView,
    known: tuple[RecordId, CommitmentRow],
    place: tuple[int, bool, str],
    given: Iterable[bytes],
) -> DealClause:
    """Return a clause. place: its number, whether it is in return, and how it stands."""
    (id, clause), (number, in_return, state) = known, place
    return DealClause(
        id=id,
        number=number,
        in_return=in_return,
        action=clause.action,
        provider=clause.provider,
        provider_name=view.name(clause.provider),
        receiver=clause.receiver,
        receiver_name=view.name(clause.receiver),
        quantity=exact(*clause.quantity[:2]),
        met=exact(*clause.met[:2]),
        open=exact(*clause.open[:2]),
        unit=clause.quantity[2],
        what=what_words(view, clause),
        title=title_words(view, clause),
        resource=None if clause.resource is None else RecordId(clause.resource),
        begin_ms=clause.begin,
        end_ms=clause.end,
        due_ms=clause.due,
        state=state,
        satisfies=tuple(map(RecordId, clause.satisfies)),
        events=tuple(map(RecordId, given)),
        words=clause_words(view, clause),
    )


def _events_for(view: LedgerView, ids: list[bytes]) -> dict[bytes, list[bytes]]:
    """Return what was given for each commitment, the first things first.

    Of more than EVENTS_SHOWN_MAX of one commitment, the last ones.
    """
    given: dict[bytes, list[bytes]] = {}
    for id in ids:
        last = view.kept.layers.rows(
            "SELECT id FROM event_row WHERE fulfills = ? ORDER BY clock DESC, id DESC LIMIT ?",
            (id, EVENTS_SHOWN_MAX),
        )
        given[id] = [bytes(event) for (event,) in reversed(last)]
    return given


def deal_details(view: LedgerView, id: RecordId, row: AgreementRow) -> DealDetails:
    """Return a deal in full."""
    listed = listed_deal(view, id, row, disputed_commitments(view))
    terms = clauses_of(view, row)
    signed = {party: signed_row(view.state, id, party) for party in row.parties}
    events = [event for clause in terms for event in clause.events]
    said = [RecordId(signature.record) for signature in signed.values() if signature is not None]
    sealed = _sealed_at(view, [id, *events, *said])
    kept = kept_promises(view.final, judged_at_ms(view), view.kept.ruleset.withheld)
    return DealDetails(
        **fields_of(listed),
        judged_at_ms=judged_at_ms(view) or None,
        sealed_at=sealed.get(id),
        terms=terms,
        signatures=tuple(
            _party(view, party, signature, sealed, kept.get(party, KeptPromises()))
            for party, signature in signed.items()
        ),
        comments=tuple(_comments(view, id)),
        history=tuple(_history(view, id, row, signed, events, sealed)),
        acts=tuple(_acts(view, id, row, listed.state)),
    )


def _party(
    view: LedgerView,
    party: bytes,
    signed: SignedRow | None,
    sealed: Mapping[RecordId, int],
    promises: KeptPromises,
) -> DealParty:
    record = None if signed is None else RecordId(signed.record)
    return DealParty(
        member=party,
        member_name=view.name(party),
        you=party == view.me,
        say=None if signed is None else signed.say,
        record=record,
        sealed_at=None if record is None else sealed.get(record),
        ended=None if signed is None else signed.ended,
        present=is_present(view, party),
        promised=promises.promised,
        kept=promises.kept,
    )


def _comments(view: LedgerView, id: bytes) -> Iterator[DealComment]:
    """Yield the comments on a deal, in the order of the ledger."""
    table = COMMENT + id
    comments = [(clock, key[len(table) :], who) for key, (who, clock) in view.state.items(table)]
    for _clock, comment, member in sorted(comments):
        record = view.store.record(RecordId(comment))
        yield DealComment(
            id=RecordId(comment),
            member=MemberId(member),
            member_name=view.name(member),
            text=text_of(view.store, RecordId(comment)),
            since_ms=None if record is None else record.claimed_at,
        )


def _history(
    view: LedgerView,
    id: RecordId,
    row: AgreementRow,
    signed: Mapping[bytes, SignedRow | None],
    events: Iterable[RecordId],
    sealed: Mapping[RecordId, int],
) -> Iterator[DealStep]:
    """Yield what happened to a deal, in the order of the ledger, as far as the records are here."""
    words = view.words
    told = {id: words("{name} proposed it").format(name=view.name(row.member))}
    texts = {"yes": words("{name} said yes"), "no": words("{name} declined")}
    texts["withdraw"] = words("{name} withdrew")
    for party, signature in signed.items():
        if signature is not None and signature.record != id:
            told[RecordId(signature.record)] = texts[signature.say].format(name=view.name(party))
    told |= {event: event_words(view, event) for event in events}
    held = [record for step in told if (record := view.store.record(step)) is not None]
    for record in sorted(held, key=lambda record: (record.clock, record.id)):
        yield DealStep(record.id, told[record.id], record.claimed_at, sealed.get(record.id))


def _sealed_at(view: LedgerView, ids: Iterable[RecordId]) -> dict[RecordId, int]:
    """Return the heights that made records final; what is not final, or not here, is left out."""
    held = [view.store.record(id) for id in dict.fromkeys(ids)]
    places = {
        record.id: RecordPlace(record.author, record.seq, record.clock)
        for record in held
        if record is not None and view.kept.is_final(record)
    }
    heights = SealStore(view.store, view.community).heights_covering(places.values())
    return {id: heights[place] for id, place in places.items() if place in heights}


def _acts(view: LedgerView, id: bytes, row: AgreementRow, state: str) -> Iterator[str]:
    """Yield what this member can do with a deal now."""
    mine = voice_in(view, row)
    if mine is None:
        return
    if row.status == ASKED:
        is_over = state == rows.EXPIRED
        if has_said_yes(view.state, id, mine):
            yield "withdraw"
        elif not is_over:
            yield "accept"
        yield "counter"
        if not has_said_yes(view.state, id, mine):
            yield "decline"
    elif row.status == AGREED and state != rows.DONE:
        signed = signed_row(view.state, id, mine)
        if signed is not None and signed.ended is None:
            yield from ("done", "end")
    yield "comment"
