"""Deals: proposed, answered, kept and ended by members; lists of them, and one in full."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.exchange.deals import rows
from commonweal.client.exchange.deals.details import (
    deal_details,
    deal_ids,
    deal_ids_of,
    disputed_commitments,
    listed_deal,
)
from commonweal.client.exchange.deals.offered import (
    OfferedFlow,
    Wanted,
    check_left,
    flow_terms,
    offered_id,
    offered_terms,
)
from commonweal.client.exchange.deals.rows import DealDetails, DealRecord, ListedDeal, NewDeal
from commonweal.client.exchange.deals.states import (
    judged_at_ms,
    known_agreement,
    missing,
    state_of,
    voices,
)
from commonweal.client.exchange.deals.terms import (
    ClauseTerms,
    check_count,
    commitment_data,
    terms_of,
    with_due,
)
from commonweal.client.exchange.deals.words import deal_words, outcome_words
from commonweal.client.home.submit import now_ms
from commonweal.client.language.times import read_due_ms, shown
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol.errors import UnknownId, UnreadableTime, WouldNotCount
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREEMENT,
    ASKED,
    CAME_INTO_FORCE,
    GIVEN_UP,
    LOST,
    NO,
    VOID,
    WITHDRAW,
    YES,
)
from commonweal.protocol.ledger.exchange.deals.agreements import DONE
from commonweal.protocol.ledger.exchange.offers.intents import intent_row
from commonweal.protocol.ledger.things.quantities import read
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.state.state import State

LIST_ORDER = tuple(rows.DEAL_GROUPS)


class Deals(HomeAccess):
    """What members agree to give each other."""

    def deals(self, *, closed: bool = False, everyone: bool = False) -> list[ListedDeal]:
        """Return deals: what is asked of this member first, then by the group that they are in.

        closed: also those that are done, or came to nothing. everyone: also those to which this
        member is no party.
        """
        view = self.view
        ids = deal_ids(view) if everyone else deal_ids_of(view, voices(view))
        disputed, state = disputed_commitments(view), view.state
        listed = [listed_deal(view, id, known_agreement(state, id), disputed) for id in ids]
        shown = [deal for deal in listed if closed or deal.group not in (rows.PAST, rows.CLOSED)]
        return sorted(shown, key=lambda deal: LIST_ORDER.index(deal.group))

    def deal(self, id: str | bytes) -> DealDetails:
        """Return a deal in full: clauses, signatures, history. Raises UnknownId, AmbiguousId."""
        view = self.view
        chosen = self._deal_id(id)
        return deal_details(view, chosen, known_agreement(view.state, chosen))

    def deal_terms(self, id: str | bytes) -> tuple[ClauseTerms, ...]:
        """Return the terms of a deal, to propose others. Raises UnknownId, AmbiguousId."""
        return terms_of(self.view, known_agreement(self.view.state, self._deal_id(id)))

    def terms_from(
        self,
        id: str | bytes,
        quantity: str | int | Decimal | None = None,
        unit: str | None = None,
    ) -> tuple[ClauseTerms, ...]:
        """Return the terms on which this member takes an offer or a need, or a part of it.

        id: of an offer, a need, or an intent of either. Raises UnknownId, AmbiguousId,
        UnreadableQuantity, UsageError, WouldNotCount.
        """
        view = self.view
        return offered_terms(view, offered_id(view, prefix(id)), Wanted(quantity, unit))

    def terms_of_flows(
        self, flows: Sequence[tuple[str | bytes, str | bytes]]
    ) -> tuple[ClauseTerms, ...]:
        """Return the terms of a match or a ring. flows: what one offers, and what another needs.

        Each by the id of its intent. Raises UnknownId, AmbiguousId, UsageError, WouldNotCount.
        """
        view = self.view
        named = [OfferedFlow(*(offered_id(view, prefix(id)) for id in flow)) for flow in flows]
        return flow_terms(view, named)

    def propose_deal(
        self,
        clauses: Sequence[ClauseTerms],
        *,
        answer_by: str | None = None,
        note: str | None = None,
        counters: str | bytes | None = None,
    ) -> NewDeal:
        """Propose that members give each other something; it is the yes of who proposes it.

        All of it is written, or nothing. answer_by: a day, a time, or 3d from now on, until which
        the others can say yes. note: a first comment. counters: a deal that is asked, of which
        these are other terms. Raises what `commitment_data` raises, and WouldNotCount.
        """
        view, now = self.view, now_ms()
        check_count(clauses, self.words)
        data: dict[str, Any] = {}
        if answer_by is not None:
            data["answerBy"] = _answer_by(view, answer_by, now)
        if counters is not None:
            over = view.id_among(prefix(counters), AGREEMENT)
            self._check_is_asked(over)
            data["counters"] = bytes(over)
        drafts = view.drafts()
        sides: tuple[list[bytes], list[bytes]] = ([], [])
        for clause in clauses:
            clause_data = commitment_data(view, clause, now)
            _check_offered(view, clause_data)
            wish = wish_of("commitment", clause_data, clause_data.get("satisfies", ()))
            sides[clause.in_return].append(bytes(drafts.add(wish)))
        data["stipulates"] = sides[0]
        if sides[1]:
            data["stipulatesReciprocal"] = sides[1]
        data |= _voice(view, parties_of(drafts.state, [*sides[0], *sides[1]]))
        cited = [data["counters"]] if "counters" in data else []
        drafted = drafts.add(wish_of("agreement", data, cited))
        row = known_agreement(drafts.state, drafted)
        waits_for = tuple(map(view.name, missing(drafts.state, drafted, row)))
        told = deal_words(view, row, drafts.state)
        if body := note_body(note, words=self.words):
            about = {"agreement": bytes(drafted), **_voice(view, row.parties)}
            drafts.add(wish_of("agreement.comment", about, (), body))
        written = self._write_drafts(drafts)
        ids, made = [record.id for record in written[: len(clauses)]], written[len(clauses)]
        countered = RecordId(cited[0]) if cited else None
        return NewDeal(made.id, made.seq, tuple(ids), countered, told, waits_for)

    def propose_from(
        self,
        id: str | bytes,
        quantity: str | int | Decimal | None = None,
        unit: str | None = None,
        *,
        answer_by: str | None = None,
        due: str | None = None,
        note: str | None = None,
    ) -> NewDeal:
        """Propose to take an offer, or to give what somebody needs: all that is left, or a part.

        due: until when all of it is to be given. Raises what `terms_from` and `propose_deal` raise.
        """
        terms = with_due(self.terms_from(id, quantity, unit), due)
        return self.propose_deal(terms, answer_by=answer_by, note=note)

    def propose_flows(
        self,
        flows: Sequence[tuple[str | bytes, str | bytes]],
        *,
        answer_by: str | None = None,
        due: str | None = None,
        note: str | None = None,
    ) -> NewDeal:
        """Propose a match, or a ring: one deal in which all give something, and all get something.

        Raises what `terms_of_flows` and `propose_deal` raise.
        """
        terms = with_due(self.terms_of_flows(flows), due)
        return self.propose_deal(terms, answer_by=answer_by, note=note)

    def counter_deal(
        self,
        id: str | bytes,
        clauses: Sequence[ClauseTerms],
        *,
        answer_by: str | None = None,
        note: str | None = None,
    ) -> NewDeal:
        """Propose other terms in place of a deal that is asked. Raises as `propose_deal` does."""
        return self.propose_deal(clauses, answer_by=answer_by, note=note, counters=id)

    def accept_deal(self, id: str | bytes) -> DealRecord:
        """Say yes to a deal: for this member, else for the community if it is a party.

        Refused where it would come to nothing, with what it is lost to, or why it is void. Raises
        UnknownId, AmbiguousId, UsageError, WouldNotCount.
        """
        chosen = self._asked_deal(id)
        row = known_agreement(self.view.state, chosen)
        if row.answer_by is not None and now_ms() > row.answer_by:
            text = self.words("it was to be answered until {time}")
            raise WouldNotCount(text.format(time=shown(row.answer_by)))
        return self._write_about(chosen, "agreement.sign", {"say": YES})

    def decline_deal(self, id: str | bytes) -> DealRecord:
        """Say no to a deal, for good. Raises UnknownId, AmbiguousId, UsageError, WouldNotCount."""
        return self._write_about(self._asked_deal(id), "agreement.sign", {"say": NO})

    def withdraw_deal(self, id: str | bytes) -> DealRecord:
        """Take a yes back while another's is missing; the deal comes to nothing.

        Raises UnknownId, AmbiguousId, UsageError, WouldNotCount.
        """
        return self._write_about(self._asked_deal(id), "agreement.sign", {"say": WITHDRAW})

    def done_deal(self, id: str | bytes) -> DealRecord:
        """Say that a deal is done; it is once all say so, or once all of it was given.

        Raises UnknownId, AmbiguousId, UsageError, WouldNotCount.
        """
        return self._write_about(self._deal_id(id), "agreement.end", {"why": DONE})

    def end_deal(self, id: str | bytes) -> DealRecord:
        """Give a deal up; nothing is promised by it any more once all parties want it to end.

        Raises UnknownId, AmbiguousId, UsageError, WouldNotCount.
        """
        return self._write_about(self._deal_id(id), "agreement.end", {"why": GIVEN_UP})

    def comment_deal(self, id: str | bytes, text: str) -> DealRecord:
        """Say something about a deal to its parties, in words that can be erased later.

        Raises UnknownId, AmbiguousId, UnusableText, UsageError, WouldNotCount.
        """
        return self._write_about(self._deal_id(id), "agreement.comment", {}, text)

    def _deal_id(self, id: str | bytes) -> RecordId:
        return self.view.id_among(prefix(id), AGREEMENT)

    def _asked_deal(self, id: str | bytes) -> RecordId:
        """Return a deal that is asked still. Raises WouldNotCount with how it stands, if it is not.

        One that was not answered in time can still be declined and withdrawn.
        """
        chosen = self._deal_id(id)
        self._check_is_asked(chosen)
        return chosen

    def _check_is_asked(self, id: RecordId) -> None:
        view, words = self.view, self.words
        row = known_agreement(view.state, id)
        if row.status in CAME_INTO_FORCE:
            raise WouldNotCount(words("it is agreed already"))
        if row.status != ASKED:
            state = words(rows.DEAL_STATES[row.status])
            why = outcome_words(view, row, row.status)
            raise WouldNotCount(words("{what}: {value}").format(what=state, value=why))

    def _write_about(
        self, id: RecordId, kind: str, data: dict[str, str], text: str | None = None
    ) -> DealRecord:
        """Write a record about a deal, by the voice that this member has in it."""
        view, words = self.view, self.words
        row = known_agreement(view.state, id)
        said = {"agreement": bytes(id), **data, **_voice(view, row.parties)}
        drafts = view.drafts()
        drafts.add(wish_of(kind, said, (id,), note_body(text, words=words)))
        after = known_agreement(drafts.state, id)
        if data.get("say") == YES and after.status in (LOST, VOID):
            raise WouldNotCount(outcome_words(view, after, after.status))
        lacking = tuple(map(view.name, missing(drafts.state, id, after)))
        state = state_of(drafts.state, after, judged_at_ms(view), disputed_commitments(view))
        (written,) = self._write_drafts(drafts)
        waits_for = lacking if after.status == ASKED else ()
        return DealRecord(written.id, written.seq, id, state, waits_for)


def parties_of(state: State, clauses: Iterable[bytes]) -> dict[bytes, None]:
    """Return who gives or receives by commitments."""
    promises = (commitment_row(state, id) for id in clauses)
    return dict.fromkeys(side for row in promises if row is not None for side in row.sides)


def _voice(view: LedgerView, parties: Container[bytes]) -> dict[str, bytes]:
    """Return what a record says of the party for which it speaks. Raises WouldNotCount."""
    if view.me in parties:
        return {}
    if view.community in parties:
        if bytes(view.community) not in voices(view):
            role = view.kept.rules.speaks_for_community
            text = view.words("for the community speaks who has the role {role}")
            raise WouldNotCount(text.format(role=role))
        return {"for": bytes(view.community)}
    text = view.words("you are no party of this deal: you neither give nor get anything by it")
    raise WouldNotCount(text)


def _check_offered(view: LedgerView, data: dict[str, Any]) -> None:
    """Raise WouldNotCount where an offer or a need that a clause answers cannot be taken."""
    amount = read(data.get("effortQuantity") or data.get("resourceQuantity"))
    for intent in data.get("satisfies", ()):
        row = intent_row(view.state, intent)
        if row is None:
            raise UnknownId(intent.hex())
        if amount is not None and amount.unit == row.quantity[2]:
            check_left(view, row, amount)


def _answer_by(view: LedgerView, text: str, now: int) -> int:
    at_ms = read_due_ms(text, now)
    if at_ms <= now:
        raise UnreadableTime(view.words("{due} is past").format(due=text))
    return at_ms
