"""The reasons of a suggestion as sentences: of each feature, the two numbers that it comes from."""

from __future__ import annotations

from collections.abc import Iterator

from commonweal.client.exchange.matching.rows import MatchReason
from commonweal.client.language.quantity import SCALE_MAX, exact
from commonweal.client.language.words import N_, Words
from commonweal.protocol.matching.scores import FULL, PROMISES_MIN, ScoreReason, Suggestion

DAY_MS, HOUR_MS = 86_400_000, 3_600_000


def match_reasons(suggestion: Suggestion, words: Words) -> tuple[MatchReason, ...]:
    """Return the reasons of a suggestion, in the order of the rules."""
    return tuple(
        MatchReason(
            reason.feature,
            reason.value,
            reason.weight,
            reason.feature != "kept" or reason.whole >= PROMISES_MIN,
            _words(suggestion, reason, words),
        )
        for reason in suggestion.reasons
    )


def telling(reasons: tuple[MatchReason, ...]) -> Iterator[MatchReason]:
    """Yield the reasons that speak for a match, those that add most to its score first."""
    counted = [reason for reason in reasons if reason.speaks and reason.value and reason.weight]
    yield from sorted(counted, key=lambda reason: -reason.value * reason.weight)


_FULL = {
    "quantity": N_("as much as is needed"),
    "time": N_("all the time in which it is needed"),
    "urgency": N_("it is due now"),
    "coincidence": N_("the giver needs something that the receiver offers"),
    "fairness": N_("the receiver has given at least as much as they received"),
    "kept": N_("the giver kept all of {whole} promises"),
    "place": N_("at the same place, or for the same scope"),
}
_PART = {
    "quantity": N_("{part} of {whole}"),
    "time": N_("{part} of the {whole} in which it is needed"),
    "urgency": N_("due in {left}"),
    "fairness": N_("the receiver gave {part} and received {whole}"),
    "kept": N_("the giver kept {part} of {whole} promises"),
}
_NONE = {
    "quantity": N_("nothing of what is needed"),
    "time": N_("almost none of the time in which it is needed"),
    "urgency": N_("not due soon"),
    "coincidence": N_("the giver needs nothing that the receiver offers"),
    "fairness": N_("the receiver has received, and has not given yet"),
    "kept": N_("the giver kept none of {whole} promises"),
    "place": N_("not said to be at the same place or for the same scope"),
}


def _words(suggestion: Suggestion, reason: ScoreReason, words: Words) -> str:
    need = suggestion.pair.need
    if reason.feature == "kind":
        return _kind_words(suggestion, reason, words)
    if reason.feature == "kept" and reason.whole < PROMISES_MIN:
        return words("too few promises of the giver are over to judge by")
    if reason.feature == "urgency" and not reason.whole:
        return words("no due date")
    if reason.feature == "time" and need.end_ms is None:
        return words("needed at any time")
    table = _NONE if not reason.value else _FULL if reason.value == FULL else _PART
    return words(table[reason.feature]).format(
        part=_shown(reason.feature, reason.part, words),
        whole=_shown(reason.feature, reason.whole, words),
        left=_span(reason.whole - reason.part, words),
    )


def _kind_words(suggestion: Suggestion, reason: ScoreReason, words: Words) -> str:
    need = suggestion.pair.need
    if need.resource:
        return words("the very thing that is needed")
    if need.spec:
        return words("of the kind that is needed")
    shared = ", ".join(sorted(need.tags & suggestion.pair.offer.tags))
    if reason.value == FULL:
        return words("the same tags: {tags}").format(tags=shared)
    text = words("{part} of {whole} tags are shared: {tags}")
    return text.format(part=reason.part, whole=reason.whole, tags=shared)


def _shown(feature: str, amount: int, words: Words) -> str:
    if feature == "quantity":
        return f"{exact(amount, SCALE_MAX).normalize():f}"
    return _span(amount, words) if feature in ("time", "urgency") else f"{amount:,}"


def _span(span_ms: int, words: Words) -> str:
    """Return a span in whole days, or below one in whole hours."""
    if span_ms >= DAY_MS:
        return words("{n} days").format(n=f"{span_ms // DAY_MS:,}")
    return words("{n} hours").format(n=span_ms // HOUR_MS)
