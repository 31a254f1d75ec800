"""What reports call the factors of production."""

from __future__ import annotations

from commonweal.client.language.words import N_, Words

FACTORS = {
    "labour": N_("labour"),
    "capital": N_("capital"),
    "space": N_("space"),
    "knowledge": N_("knowledge"),
    "management": N_("management"),
    "data": N_("data"),
    "technology": N_("technology"),
    "": N_("no factor named"),
}
"""The factors that rules have where they name none of their own, and none."""


def factor_name(factor: str, words: Words) -> str:
    """Return a factor as people read it; one of the community's own stays as it is."""
    return words(FACTORS.get(factor, factor))


def stars(tenths: int | None) -> str:
    """Return the mean of stars as people read it, with one decimal."""
    return "–" if tenths is None else f"{tenths // 10}.{tenths % 10}"


HOURS_FROM_MINUTES, DAYS_FROM_HOURS = 120, 48
"""From how many on a length of time is told in the next larger unit, rounded down."""


def shown_minutes(minutes: int, words: Words) -> str:
    """Return a length of time as people read it, in one unit."""
    if minutes < HOURS_FROM_MINUTES:
        return words.plural("{n} minute", "{n} minutes", minutes).format(n=minutes)
    hours = minutes // 60
    if hours < DAYS_FROM_HOURS:
        return words.plural("{n} hour", "{n} hours", hours).format(n=hours)
    days = hours // 24
    return words.plural("{n} day", "{n} days", days).format(n=f"{days:,}")
