"""How people write times and durations; times are shown in the zone of the machine."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta

from commonweal.protocol.errors import UnreadableTime

TYPED_CHARS_MAX = 100
"""A time or a duration has at most so many characters."""

DAY_MS = 86_400_000

_DURATION = re.compile(r"(\d{1,6})\s*(m|h|d|w|分钟|小时|天|日|周)")
_MINUTES = {"m": 1, "分钟": 1, "h": 60, "小时": 60, "d": 1440, "天": 1440, "日": 1440}
_MINUTES |= {"w": 10080, "周": 10080}


def read_duration_ms(text: str) -> int:
    """Return ms for 30m, 12h, 7d, 2w, 7天. Raises UnreadableTime."""
    if len(text) > TYPED_CHARS_MAX:
        raise UnreadableTime(text[:TYPED_CHARS_MAX])
    match = _DURATION.fullmatch(unicodedata.normalize("NFKC", text).strip().lower())
    if match is None or not int(match[1]):
        raise UnreadableTime(text)
    return int(match[1]) * _MINUTES[match[2]] * 60_000


def read_time_ms(text: str, now_ms: int) -> int:
    """Return ms since 1970 for a date, a date with time, or a duration back from now.

    Without a zone it is the machine's. Raises UnreadableTime.
    """
    if len(text) > TYPED_CHARS_MAX:
        raise UnreadableTime(text[:TYPED_CHARS_MAX])
    plain = unicodedata.normalize("NFKC", text).strip()
    if _DURATION.fullmatch(plain.lower()):
        return max(0, now_ms - read_duration_ms(plain))
    try:
        at = datetime.fromisoformat(plain)
        return max(0, _ms(at.astimezone(UTC)))
    except (ValueError, OverflowError, OSError):
        raise UnreadableTime(text) from None


def read_date(text: str, now_ms: int) -> int:
    """Return ms for the date of a contribution, as `read_time_ms` reads it.

    Raises UnreadableTime, also where it is more than a day ahead: nobody has given that yet.
    """
    at_ms = read_time_ms(text, now_ms)
    if at_ms > now_ms + DAY_MS:
        raise UnreadableTime(text)
    return at_ms


def iso(at_ms: int) -> str:
    """Return a time as scripts read it: UTC with ms, like 2026-11-23T18:30:00.000Z."""
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    except OverflowError:
        return f"{at_ms} ms"
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(at_ms: int) -> str:
    """Return a time as people read it, to the minute, where they are."""
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
        return at.astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return "?"


def _ms(at: datetime) -> int:
    past = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (past.days * 86_400 + past.seconds) * 1000 + past.microseconds // 1000
