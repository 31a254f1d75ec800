"""The terms of a thing as sentences."""

from __future__ import annotations

from typing import Any

from commonweal.client.language.quantity import shown_number, shown_unit
from commonweal.client.language.words import Words
from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS, LENGTH_MS_MAX
from commonweal.protocol.ledger.exchange.lending.quotas import MINUTE_MS, WEEK
from commonweal.protocol.ledger.exchange.lending.terms import AHEAD_MS_MAX, TermsRow

HOUR_MS = 60 * MINUTE_MS


def terms_words(row: TermsRow, words: Words) -> tuple[str, ...]:
    """Return the terms of a thing, one sentence for each that limits something."""
    told: list[str] = []
    if row.accepts:
        text = words("Whoever is {roles} books it without asking; others ask.")
        told.append(text.format(roles=", ".join(row.accepts)))
    else:
        told.append(words("Each booking is asked."))
    if row.capacity > 1:
        text = words.plural(
            "{n} of them are lent at once.", "{n} of them are lent at once.", row.capacity
        )
        told.append(text.format(n=row.capacity))
    if row.min_ms > 1:
        told.append(words("For {time} at least.").format(time=length_words(row.min_ms, words)))
    if row.max_ms < LENGTH_MS_MAX:
        told.append(words("For {time} at most.").format(time=length_words(row.max_ms, words)))
    if row.buffer_ms:
        text = words("{time} pass between two bookings.")
        told.append(text.format(time=length_words(row.buffer_ms, words)))
    if row.ahead_ms < AHEAD_MS_MAX:
        text = words("At most {time} ahead.")
        told.append(text.format(time=length_words(row.ahead_ms, words)))
    if row.fee is not None:
        told.append(words("It costs {fee}.").format(fee=fee_words(row.fee, words)))
    if row.late_fee is not None:
        text = words("Who brings it back late owes {fee}.")
        told.append(text.format(fee=fee_words(row.late_fee, words)))
    if row.days_max is not None:
        told.append(_quota(row, words))
    return tuple(told)


def length_words(ms: int, words: Words) -> str:
    """Return a length of time in its largest whole unit: 3 days, 90 minutes."""
    if ms % DAY_MS == 0:
        n = ms // DAY_MS
        return words.plural("{n} day", "{n} days", n).format(n=n)
    if ms % HOUR_MS == 0:
        n = ms // HOUR_MS
        return words.plural("{n} hour", "{n} hours", n).format(n=n)
    n = -(-ms // MINUTE_MS)
    return words.plural("{n} minute", "{n} minutes", n).format(n=n)


def fee_words(fee: list[Any], words: Words) -> str:
    """Return a fee: 2 EUR for each started hour."""
    (n, scale, unit), per_ms = fee
    amount = f"{shown_number(n, scale)} {shown_unit(unit, words)}"
    if per_ms == DAY_MS:
        return words("{amount} for each started day").format(amount=amount)
    if per_ms == HOUR_MS:
        return words("{amount} for each started hour").format(amount=amount)
    text = words("{amount} for each started {time}")
    return text.format(amount=amount, time=length_words(per_ms, words))


def _quota(row: TermsRow, words: Words) -> str:
    n = row.days_max or 0
    if type(row.per) is int:
        text = words.plural(
            "A member books it on {n} day in any {days} at most.",
            "A member books it on {n} days in any {days} at most.",
            n,
        )
        return text.format(n=n, days=row.per)
    if row.per == WEEK:
        text = words.plural(
            "A member books it on {n} day of a week at most.",
            "A member books it on {n} days of a week at most.",
            n,
        )
    else:
        text = words.plural(
            "A member books it on {n} day of a month at most.",
            "A member books it on {n} days of a month at most.",
            n,
        )
    return text.format(n=n)
