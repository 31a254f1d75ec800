"""The options by which terms of a deal are typed, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import click

from commonweal.client.exchange.deals.deals import Deals
from commonweal.client.exchange.deals.terms import ClauseTerms, read_clause, read_flow, with_due
from commonweal.client.language.digits import whole_number
from commonweal.commands.terminal.language import _
from commonweal.protocol.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

ME = "me"


class TypedTerms(NamedTuple):
    """Terms as they were typed. other: the other side; given, taken: between both of them.

    clauses, returned: between any two, and what is given in return.
    """

    other: str | None
    given: tuple[str, ...]
    taken: tuple[str, ...]
    clauses: tuple[str, ...]
    returned: tuple[str, ...]
    due: str | None
    answer_by: str | None
    note: str | None

    @property
    def is_free(self) -> bool:
        """Whether clauses were typed."""
        return bool(self.given or self.taken or self.clauses or self.returned)


def terms_options(command: Command) -> Command:
    """Give a command `typed: TypedTerms`."""

    @wraps(command)
    def with_terms(*values: Any, **named: Any) -> Any:
        typed = TypedTerms(**{name: named.pop(name) for name in TypedTerms._fields})
        return command(*values, typed=typed, **named)

    options = (
        click.option("--with", "other", metavar="MEMBER", help="The other side."),
        click.option("--give", "given", multiple=True, metavar="TEXT", help="What you give."),
        click.option("--take", "taken", multiple=True, metavar="TEXT", help="What you get for it."),
        click.option("--clause", "clauses", multiple=True, metavar="TEXT", help="A clause of any."),
        click.option(
            *("--return", "returned"), multiple=True, metavar="TEXT", help="A clause in return."
        ),
        click.option("--due", metavar="DATE", help="Until when all of it is given."),
        click.option("--answer-by", metavar="DATE", help="Until when the others can say yes."),
        click.option("--note", metavar="TEXT", help="A first comment; it can be erased later."),
    )
    wrapped: Any = with_terms
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def proposed_terms(
    me: Deals,
    id: str | None,
    wanted: tuple[str | None, str | None],
    flows: Sequence[tuple[str, str]],
    typed: TypedTerms,
) -> tuple[ClauseTerms, ...]:
    """Return the terms that were typed: of an offer, of matches, or freely. Raises UsageError."""
    ways = [id is not None, bool(flows), typed.is_free]
    if ways.count(True) != 1:
        raise UsageError(_("name an offer, or matches by --flow, or clauses: one of the three"))
    if id is not None:
        return with_due(me.terms_from(id, *wanted), typed.due)
    terms = me.terms_of_flows(flows) if flows else _free(me, typed, typed.other)
    return with_due(terms, typed.due)


def countered_terms(
    me: Deals, id: str, changes: Sequence[tuple[str, str, str]], typed: TypedTerms
) -> tuple[ClauseTerms, ...]:
    """Return the terms of a deal with what was typed changed, or other ones. Raises UsageError."""
    if typed.is_free and changes:
        raise UsageError(_("change clauses by --set, or type all clauses again: one of the two"))
    if typed.is_free:
        return with_due(_free(me, typed, typed.other or _other(me, id)), typed.due)
    terms = list(me.deal_terms(id))
    for number, quantity, unit in changes:
        place = whole_number(number) or 0
        if not 1 <= place <= len(terms):
            text = _("{number}: the clauses are numbered from 1 to {most}")
            raise UsageError(text.format(number=number, most=len(terms)))
        changed = replace(terms[place - 1], quantity=quantity, unit=unit)
        terms[place - 1] = changed
    if not changes and typed.due is None:
        raise UsageError(_("say what is to be different: --set N QUANTITY UNIT"))
    return with_due(terms, typed.due)


def _free(me: Deals, typed: TypedTerms, other: str | None) -> tuple[ClauseTerms, ...]:
    words, own = me.words, me.view.me.hex()
    if (typed.given or typed.taken) and other is None:
        raise UsageError(_("name the other side: --with MEMBER"))
    if typed.taken and not typed.given and not typed.clauses:
        # What one asks for, and gives nothing for, is no return.
        return tuple(read_flow(text, str(other), own, words) for text in typed.taken)
    return (
        *(read_flow(text, own, str(other), words) for text in typed.given),
        *(read_clause(text, words) for text in typed.clauses),
        *(read_flow(text, str(other), own, words, in_return=True) for text in typed.taken),
        *(read_clause(text, words, in_return=True) for text in typed.returned),
    )


def _other(me: Deals, id: str) -> str | None:
    """Return the other party of a deal of two; None where there is more than one other."""
    others = [party for party in me.deal(id).parties if party != me.view.me]
    return others[0].hex() if len(others) == 1 else None
