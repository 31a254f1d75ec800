"""What a clock shows and which instant that is, in a zone; days of 23 and 25 hours included.

A zone is a `tzinfo`; None is the one of the machine. An hour that a zone skips or has twice is
never guessed: the error names the choices.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from commonweal.protocol.errors import MissingHour, RepeatedHour, UnreadableTime

MINUTE_CHARS = len("2026-10-25 02:30")
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE = re.compile(r"\s([A-Z][A-Za-z]{1,30}(?:/[A-Za-z_+-]{1,30}){1,2})$")
_MS = timedelta(milliseconds=1)


def at(at_ms: int, zone: tzinfo | None = None) -> datetime:
    """Return what calendar and clock show, with their offset. Raises UnreadableTime beyond 9999."""
    try:
        return (_1970 + timedelta(milliseconds=at_ms)).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        raise UnreadableTime(f"{at_ms} ms") from None


def to_ms(local: datetime, zone: tzinfo | None = None) -> int:
    """Return the instant at which a clock shows `local`, in ms since 1970.

    local: without a zone. Raises MissingHour and RepeatedHour, each with what can be typed instead;
    UnreadableTime before the year 1 and after 9999.
    """
    first_ms, second_ms = (_ms(local.replace(fold=fold), zone) for fold in (0, 1))
    if first_ms == second_ms:
        return first_ms
    choices = tuple(typed(ms, zone) for ms in sorted((first_ms, second_ms)))
    raise (RepeatedHour if first_ms < second_ms else MissingHour)(choices)


def is_repeated(shown: datetime, zone: tzinfo | None = None) -> bool:
    """Whether the clock shows the same a second time, since it goes back."""
    try:
        to_ms(shown.replace(tzinfo=None, fold=0), zone)
    except RepeatedHour:
        return True
    return False


def day_begin_ms(day: date, zone: tzinfo | None = None) -> int:
    """Return the first instant of a day; of one that the zone skips, that of the day after."""
    midnight = datetime.combine(day, time())
    first_ms, second_ms = (_ms(midnight.replace(fold=fold), zone) for fold in (0, 1))
    if first_ms <= second_ms:
        return first_ms
    before_ms, after_ms = second_ms, first_ms  # the clock skips midnight somewhere between
    while after_ms - before_ms > 1:
        middle_ms = (before_ms + after_ms) // 2
        if at(middle_ms, zone).date() < day:
            before_ms = middle_ms
        else:
            after_ms = middle_ms
    return after_ms


def hour_ms(day: date, hour: int, zone: tzinfo | None = None) -> int:
    """Return the first instant at which a clock shows an hour of a day, or more, if it skips it.

    hour: 0 to 24. Raises UnreadableTime after 9999.
    """
    if hour == 0:
        return day_begin_ms(day, zone)
    try:
        local = datetime.combine(day, time()) + timedelta(hours=hour)
    except OverflowError:
        raise UnreadableTime(day.isoformat()) from None
    return day_begin_ms(local.date(), zone) if hour == 24 else _ms(local, zone)


def typed(at_ms: int, zone: tzinfo | None = None) -> str:
    """Return an instant as it can be typed: 2026-10-25 02:30 UTC+01:00, in one way only."""
    shown = at(at_ms, zone).isoformat(sep=" ", timespec="minutes")
    return f"{shown[:MINUTE_CHARS]} UTC{shown[MINUTE_CHARS:]}"


def zone_of(text: str) -> tuple[str, tzinfo | None]:
    """Return a text without the name of a zone at its end, and that zone; None without one.

    The names are those of the IANA time zone database: Europe/Berlin. Raises UnreadableTime.
    """
    match = _ZONE.search(text.rstrip())
    if match is None:
        return text, None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return text[: match.start()], ZoneInfo(match[1])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnreadableTime(match[1]) from None


def _ms(local: datetime, zone: tzinfo | None) -> int:
    """Return the instant of `local`, whose `fold` says which of two (PEP 495)."""
    try:
        aware = local.astimezone(UTC) if zone is None else local.replace(tzinfo=zone)
        return (aware - _1970) // _MS
    except (ValueError, OverflowError, OSError):
        raise UnreadableTime(local.isoformat(sep=" ")) from None
