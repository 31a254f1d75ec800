"""In which unit a contribution is written: the one that was typed, or one that the rules value.

The rules value an hour of work, and a member types 90 minutes: the fold is asked about both, and
1.5 hours are written. Only what converts exactly is converted; otherwise the member is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from commonweal.client.access import wish_of
from commonweal.client.language.quantity import (
    TIME_UNITS,
    converted,
    rounded,
    shown_number,
    shown_unit,
    units_alike,
)
from commonweal.protocol.errors import WouldNotCount
from commonweal.protocol.ledger.state.rejections import Reason

if TYPE_CHECKING:
    from commonweal.client.language.words import Words
    from commonweal.client.ledger.drafts import Drafts
    from commonweal.client.ledger.forecast import Forecast
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.node.service.events import Text, Wish
    from commonweal.protocol.records.record import RecordId

Amounts: TypeAlias = dict[str, dict[str, Any]]
"""The quantities of an event, {"n", "scale", "unit"}, by the field in which it holds them."""

OTHER_UNIT = (Reason.UNKNOWN_UNIT, Reason.WRONG_UNIT, Reason.NOT_ADMITTED, Reason.DOES_NOT_FIT)
"""Reasons that another unit may remove."""

BLIND = 2
"""A rule that gives minutes so many times what it gives the same in hours reads no unit."""


@dataclass(frozen=True, slots=True)
class EventTrial:
    """What an event would come to with these quantities. reason: why it would count for nothing."""

    drafts: Drafts
    amounts: Amounts
    refused: Wish
    reason: Reason | None
    forecast: Forecast | None

    @property
    def points(self) -> int:
        """What the rules give it."""
        return (self.forecast and self.forecast.points) or 0


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event without its quantities. spec: the specification that is written with it."""

    view: LedgerView
    data: Mapping[str, Any]
    cited: tuple[RecordId, ...] = ()
    text: Text | None = None
    spec: Mapping[str, Any] | None = None

    def trial(self, amounts: Amounts) -> EventTrial:
        """Return what the event would come to with these quantities."""
        drafts = self.view.drafts()
        conforms: dict[str, bytes] = {}
        if self.spec is not None:
            quantity = amounts.get("resourceQuantity")
            unit = {} if quantity is None else {"unit": quantity["unit"]}
            wish = wish_of("spec.resource", {**self.spec, **unit})
            begun = drafts.check(wish, is_named=True)
            if begun.reason is not None:
                return EventTrial(drafts, amounts, wish, begun.reason, None)
            conforms["resourceConformsTo"] = bytes(begun.id)
        wish = wish_of("event", {**self.data, **conforms, **amounts}, self.cited, self.text)
        tried = drafts.check(wish)
        if tried.reason is not None:
            return EventTrial(drafts, amounts, wish, tried.reason, None)
        drafts.refuse_finer(tried.id)
        return EventTrial(drafts, amounts, wish, None, drafts.forecast(tried.id))


def best_trial(draft: EventDraft, amounts: Amounts, words: Words) -> EventTrial:
    """Return what the event comes to in the unit that the rules value, which may be the typed one.

    Raises WouldNotCount where it would count for nothing in every unit, and where the rules value
    a unit of which what was typed is no exact number.
    """
    typed = draft.trial(amounts)
    if typed.reason not in (None, *OTHER_UNIT):
        raise typed.drafts.error(typed.reason, typed.refused)
    if typed.reason is None and (_has_no_rule(typed) or _is_settled(typed)):
        return typed
    for other, inexact in _others(amounts):
        trial = draft.trial(other)
        if trial.reason is not None or not _is_better(trial, typed):
            continue
        if inexact:
            raise WouldNotCount(not_exact(*inexact, words))
        return trial
    if typed.reason is not None:
        raise typed.drafts.error(typed.reason, typed.refused)
    return typed


def _has_no_rule(trial: EventTrial) -> bool:
    made = trial.forecast
    return made is None or made.pool is not None or made.points is None


def _is_settled(trial: EventTrial) -> bool:
    """Return whether the rules value it, and no time in it is counted in other than hours."""
    units = {amount["unit"] for amount in trial.amounts.values()}
    return trial.points > 0 and not units & (TIME_UNITS - {"hour"})


def _is_better(trial: EventTrial, typed: EventTrial) -> bool:
    """Return whether the rules value this and not what was typed, or only its bare number."""
    if typed.reason is not None:
        return True
    return trial.points > 0 and (not typed.points or trial.points * BLIND <= typed.points)


_Inexact: TypeAlias = tuple[dict[str, Any], dict[str, Any]] | None


def _others(amounts: Amounts) -> Iterator[tuple[Amounts, _Inexact]]:
    """Yield the same quantities in other units, and the first that is not exact, with its other."""
    choices = [[(amount, True), *_conversions(amount)] for amount in amounts.values()]
    for chosen in list(product(*choices))[1:]:
        other = {field: amount for field, (amount, _) in zip(amounts, chosen, strict=True)}
        inexact = next(
            (
                (amounts[field], amount)
                for field, (amount, is_exact) in zip(amounts, chosen, strict=True)
                if not is_exact
            ),
            None,
        )
        yield other, inexact


def _conversions(amount: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield a quantity in other units, the largest first, and whether it is exact."""
    number = amount["n"], amount["scale"], amount["unit"]
    for unit in units_alike(amount["unit"]):
        exact = converted(*number, unit)
        n, scale = exact or rounded(*number, unit)
        yield {"n": n, "scale": scale, "unit": unit}, exact is not None


def not_exact(typed: dict[str, Any], other: dict[str, Any], words: Words) -> str:
    """Return why a quantity is not written in the unit that the rules count, in words."""
    text = words(
        "the rules count {unit}, and {typed} is about {number}: write how much it counts as"
    )
    number = f"{shown_number(other['n'], other['scale'])} {shown_unit(other['unit'], words)}"
    typed_words = f"{shown_number(typed['n'], typed['scale'])} {shown_unit(typed['unit'], words)}"
    unit = shown_unit(other["unit"], words)
    return text.format(unit=unit, typed=typed_words, number=number)
