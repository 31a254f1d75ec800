"""Deals as sentences: who gives what, who gets it, and why a deal came to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commonweal.client.exchange.deals import rows
from commonweal.client.exchange.deals.states import is_present
from commonweal.client.exchange.offer_rows import texts
from commonweal.client.language.local_time.spans import Span, shown_span
from commonweal.client.language.quantity import shown_action, shown_number, shown_unit
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.deals.agreement_row import AgreementRow, agreement_row
from commonweal.protocol.ledger.exchange.lending.booking_row import is_booking
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.things.resources import resource_row
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.state.state import State


def clause_words(view: LedgerView, row: CommitmentRow) -> str:
    """Return a clause as people read it: what, when, who gives it, and who gets it."""
    named = what_words(view, row) or title_words(view, row)
    if is_booking(row) and named is not None and row.quantity[0] == 10 ** row.quantity[1]:
        lend = (
            view.words("the use of {thing}") if row.action == "use" else view.words("lend {thing}")
        )
        what = lend.format(thing=named)
    else:
        what = flow_words(view, row.action, row.quantity, named)
    sides = f"{view.name(row.provider)} → {view.name(row.receiver)}"
    if row.begin is None or row.end is None:
        return f"{what} · {sides}"
    return f"{what} · {shown_span(Span(row.begin, row.end), view.words)} · {sides}"


def what_words(view: LedgerView, row: CommitmentRow) -> str | None:
    """Return what a clause is of: its specification, else that of the thing that it names."""
    resource = None if row.resource is None else resource_row(view.state, row.resource)
    return spec_name(view, row.spec or (resource and resource.spec))


def title_words(view: LedgerView, row: CommitmentRow) -> str | None:
    """Return the title of the offer or the need that a clause answers; None where it has none."""
    titles = (texts(view, RecordId(intent))[0] for intent in row.satisfies)
    return next(filter(None, titles), None)


def flow_words(view: LedgerView, action: str, quantity: Sequence[Any], what: str | None) -> str:
    """Return an action, a quantity [n, scale, unit] and what it is of, as people read them."""
    number, unit = shown_number(*quantity[:2]), shown_unit(quantity[2], view.words)
    parts = (shown_action(action, view.words), number, unit, what)
    return " ".join(filter(None, parts))


def deal_words(view: LedgerView, row: AgreementRow, state: State | None = None) -> str:
    """Return who gives what under a deal, who gets it, and for what, as one line.

    state: one that has the clauses; else that of the view.
    """
    words, known = view.words, view.state if state is None else state
    if row.sets_off:
        names = words(", ").join(map(view.name, row.parties))
        return words("set off what they owe each other: {names}").format(names=names)
    sides: list[str] = []
    for side in (row.stipulates, row.reciprocal):
        clauses = (commitment_row(known, id) for id in side)
        sides.append(words("; ").join(clause_words(view, row) for row in clauses if row))
    given, back = sides
    return words("{given}, for: {back}").format(given=given, back=back) if back else given


def deal_name(view: LedgerView, id: bytes, row: AgreementRow) -> str:
    """Return how a deal is named in a sentence: its id, and whose it is."""
    names = view.words(", ").join(map(view.name, row.parties))
    return view.words("the deal {id} of {names}").format(id=id.hex()[:8], names=names)


def outcome_words(view: LedgerView, row: AgreementRow, state: str) -> str:
    """Return why a deal stands as it does, as a sentence; "" where there is nothing to tell."""
    words, cause = view.words, row.cause
    match state:
        case rows.LOST:
            return words("lost to {winner}").format(winner=taker_words(view, cause))
        case rows.VOID:
            return _void_words(view, row)
        case rows.COUNTERED:
            return _countered_words(view, cause)
        case rows.DECLINED | rows.WITHDRAWN if cause is not None:
            text = words("{name} declined") if state == rows.DECLINED else words("{name} withdrew")
            if not is_present(view, cause):
                text = words("{name} is no member any more")
            return text.format(name=view.name(cause))
        case rows.EXPIRED:
            return words("the time to answer is over, by the time of the last seal")
    gone = [view.name(party) for party in row.parties if not is_present(view, party)]
    if gone and state in rows.IN_FORCE:
        text = words("{names}: no member any more; what was promised stands")
        return text.format(names=words(", ").join(gone))
    return ""


def taker_words(view: LedgerView, cause: bytes | None) -> str:
    """Return what took something: an agreement, a promise, or what was given already."""
    if cause is None:
        return view.words("another deal")
    won = agreement_row(view.state, cause)
    if won is not None:
        return deal_name(view, cause, won)
    promise = commitment_row(view.state, cause)
    if promise is not None:
        text = view.words("the promise {id} of {name}")
        return text.format(id=cause.hex()[:8], name=view.name(promise.provider))
    return view.words("what was given already: {id}").format(id=cause.hex()[:8])


def _void_words(view: LedgerView, row: AgreementRow) -> str:
    words, cause = view.words, row.cause
    if row.sets_off or cause is None:
        return words("what was to be set off is not owed any more")
    intent = intents.intent_row(view.state, cause)
    if intent is None:
        return words("a clause of it is not proposed any more")
    member = view.name(view.community if intent.is_of_community else intent.member)
    texts = {
        intents.WITHDRAWN: words("{name} withdrew what they offered or needed"),
        intents.REPLACED: words("{name} replaced what they offered or needed"),
        intents.PAUSED: words("{name} paused what they offered or needed"),
    }
    ended = words("what {name} offered or needed had ended")
    return texts.get(intent.status, ended).format(name=member)


def _countered_words(view: LedgerView, cause: bytes | None) -> str:
    other = None if cause is None else agreement_row(view.state, cause)
    if cause is None or other is None:
        return view.words("other terms were proposed")
    text = view.words("{name} proposed other terms: {id}")
    return text.format(name=view.name(other.member), id=cause.hex()[:8])
