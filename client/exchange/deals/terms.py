"""Terms of a deal: who gives what, and who gets it; as members write it, and as commitments do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import (
    exact,
    quantity_field,
    read_action,
    read_quantity,
)
from commonweal.client.language.times import iso, read_due_ms
from commonweal.client.ledger.names.directory import whole_id
from commonweal.client.ledger.names.named import find_agent, find_resource, find_spec, owned_by
from commonweal.client.ledger.rows.contribution_rows import spec_name
from commonweal.protocol.errors import UnreadableQuantity, UnreadableTime, UsageError
from commonweal.protocol.ledger.exchange.deals.agreement_row import AgreementRow, clause_rows
from commonweal.protocol.ledger.exchange.deals.agreements import CLAUSES_MAX

if TYPE_CHECKING:
    from commonweal.client.language.words import Words
    from commonweal.client.ledger.ledger_view import LedgerView

CLAUSE_CHARS_MAX = 1_000
_WORDS_MIN = 3
"""A clause names an action, a number and a unit, after its two sides."""


@dataclass(frozen=True, slots=True)
class ClauseTerms:
    """What one is to give another, as members write it.

    giver, taker: a member, somebody outside or `community`, by name or id. action, unit: by any of
    their names. what: a specification, by name or id. resource: a thing, by name or id. begin, end,
    due: a day, a time, or 3d from now on. satisfies: ids of the intents that it answers, in hex.
    in_return: it is given for the other clauses.
    """

    giver: str
    taker: str
    action: str
    quantity: str
    unit: str
    what: str | None = None
    resource: str | None = None
    begin: str | None = None
    end: str | None = None
    due: str | None = None
    satisfies: tuple[str, ...] = ()
    in_return: bool = False


def read_clause(text: str, words: Words, *, in_return: bool = False) -> ClauseTerms:
    """Return the terms in "FROM TO ACTION QUANTITY UNIT [KIND]". Raises UsageError.

    What has spaces in it stands in quotes.
    """
    parts = _parts(text, words)
    if not 0 <= len(parts) - 2 - _WORDS_MIN <= 1:
        raise UsageError(
            words("{text}: a clause is FROM TO ACTION QUANTITY UNIT [KIND]").format(text=text)
        )
    giver, taker, *flow = parts
    return _terms(giver, taker, flow, in_return=in_return)


def read_flow(
    text: str, giver: str, taker: str, words: Words, *, in_return: bool = False
) -> ClauseTerms:
    """Return the terms in "ACTION QUANTITY UNIT [KIND]" between two. Raises UsageError."""
    parts = _parts(text, words)
    if not 0 <= len(parts) - _WORDS_MIN <= 1:
        raise UsageError(
            words("{text}: what is given is ACTION QUANTITY UNIT [KIND]").format(text=text)
        )
    return _terms(giver, taker, parts, in_return=in_return)


def _parts(text: str, words: Words) -> list[str]:
    if len(text) > CLAUSE_CHARS_MAX:
        most = words("a clause has at most {most} characters")
        raise UsageError(most.format(most=CLAUSE_CHARS_MAX))
    try:
        return shlex.split(text)
    except ValueError:
        raise UsageError(words("{text}: a quotation mark is missing").format(text=text)) from None


def _terms(giver: str, taker: str, flow: Sequence[str], *, in_return: bool) -> ClauseTerms:
    action, quantity, unit, *what = flow
    named = what[0] if what else None
    return ClauseTerms(giver, taker, action, quantity, unit, named, in_return=in_return)


def terms_of(view: LedgerView, row: AgreementRow) -> tuple[ClauseTerms, ...]:
    """Return the terms of a deal, to be changed and proposed again."""
    returned = frozenset(row.reciprocal)
    terms: list[ClauseTerms] = []
    for id, clause in clause_rows(view.state, row):
        times = (clause.begin, clause.end, clause.due)
        begin, end, due = (None if at is None else iso(at) for at in times)
        terms.append(
            ClauseTerms(
                giver=agent_text(view, clause.provider),
                taker=agent_text(view, clause.receiver),
                action=clause.action,
                quantity=f"{exact(*clause.quantity[:2]):f}",
                unit=clause.quantity[2],
                what=spec_name(view, clause.spec),
                resource=None if clause.resource is None else clause.resource.hex(),
                begin=begin,
                end=end,
                due=due,
                satisfies=tuple(plain(clause.satisfies)),
                in_return=id in returned,
            )
        )
    return tuple(terms)


def agent_text(view: LedgerView, agent: bytes) -> str:
    """Return how an agent is typed: by the name where it alone has it, else by the id."""
    if agent == view.community:
        return "community"
    name = view.name(agent)
    try:
        is_alone = find_agent(view, name) == agent
    except UsageError:
        is_alone = False
    return name if is_alone else agent.hex()


def commitment_data(view: LedgerView, terms: ClauseTerms, now_ms: int) -> dict[str, Any]:
    """Return the data of the commitment that terms come to.

    Raises UnknownId, AmbiguousId, UnknownAction, UnreadableQuantity, AmbiguousUnit, UnreadableTime,
    UsageError.
    """
    words, action = view.words, read_action(terms.action, view.words)
    giver, taker = find_agent(view, terms.giver), find_agent(view, terms.taker)
    if giver == taker:
        text = words("{name} is on both sides: one gives it, another gets it")
        raise UsageError(text.format(name=view.name(giver)))
    if not terms.quantity.strip():
        raise UnreadableQuantity(words("say how much"))
    amount: dict[str, Any] = dict(read_quantity(terms.quantity, terms.unit, words))
    if not amount["n"]:
        raise UnreadableQuantity(words("a quantity is more than nothing"))
    data: dict[str, Any] = {
        "action": action,
        "provider": giver,
        "receiver": taker,
        quantity_field(action, amount["unit"]): amount,
        "clause": True,
    }
    if terms.what:
        data["resourceConformsTo"] = bytes(find_spec(view, terms.what))
    if terms.resource:
        resource = find_resource(view, terms.resource, *owned_by(giver))
        data["resourceInventoriedAs"] = bytes(resource)
    data |= _times(terms, now_ms, words)
    if terms.satisfies:
        data["satisfies"] = [_intent_id(text) for text in terms.satisfies]
    return data


def _times(terms: ClauseTerms, now_ms: int, words: Words) -> dict[str, int]:
    read = {
        key: read_due_ms(text, now_ms)
        for key, text in (("hasBeginning", terms.begin), ("hasEnd", terms.end), ("due", terms.due))
        if text
    }
    begin, end = read.get("hasBeginning"), read.get("hasEnd")
    if begin is not None and end is not None and begin >= end:
        raise UnreadableTime(words("it ends before it begins"))
    if "due" in read and read["due"] < now_ms:
        raise UnreadableTime(words("{due} is past").format(due=terms.due))
    return read


def _intent_id(text: str) -> bytes:
    id = whole_id(text)
    if id is None:
        raise UsageError(text)
    return bytes(id)


def check_count(clauses: Sequence[ClauseTerms], words: Words) -> None:
    """Raise UsageError for no clause, or more on one side than an agreement takes."""
    given = [clause for clause in clauses if not clause.in_return]
    if not given:
        raise UsageError(words("say who gives what: a deal has a clause at least"))
    if max(len(given), len(clauses) - len(given)) > CLAUSES_MAX:
        most = words("a deal has at most {most} clauses, and as many in return")
        raise UsageError(most.format(most=CLAUSES_MAX))


def with_due(clauses: Iterable[ClauseTerms], due: str | None) -> tuple[ClauseTerms, ...]:
    """Return terms that are all due by a time, where one is said."""
    return tuple(clauses) if due is None else tuple(replace(clause, due=due) for clause in clauses)
