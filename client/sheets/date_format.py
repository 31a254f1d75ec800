"""Dates as sheets have them: year first, day first or month first, perhaps with a time."""

from __future__ import annotations

import re
from datetime import date

from commonweal.client.language.digits import plain_digits

ORDERS = ("ymd", "dmy", "mdy")

_DATE = re.compile(
    r"([0-9]{1,4})\s?([-/.年])\s?([0-9]{1,2})\s?([-/.月])\s?([0-9]{1,4})\s?日?"
    r"(?:(?:T|,?\s+)([0-9].*))?",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,6})?)?(?:\s*([ap]m))?"
    r"(?:\s*(z|[+-][0-9]{2}:?[0-9]{2}))?",
    re.IGNORECASE,
)
_CENTURY = 2000
"""That of a year with two digits."""


def iso_date(text: str, order: str) -> str | None:
    """Return a date, perhaps with a time, as ISO 8601 writes it; None where it is none.

    order: of year, month and day, such as dmy. A year has four digits, or two from 2000 on.
    """
    match = _DATE.fullmatch(plain_digits(text))
    if match is None:
        return None
    parts = dict(zip(order, (match[1], match[3], match[5]), strict=True))
    is_chinese = match[2] == "年"
    if (is_chinese and order != "ymd") or is_chinese != (match[4] == "月"):
        return None
    if len(parts["y"]) not in (2, 4) or max(len(parts["m"]), len(parts["d"])) > 2:
        return None
    year, month, day = (int(parts[part]) for part in "ymd")
    year += _CENTURY if len(parts["y"]) == 2 else 0
    try:
        day_text = date(year, month, day).isoformat()
    except ValueError:
        return None
    if match[6] is None:
        return day_text
    time = _iso_time(match[6])
    return None if time is None else f"{day_text}T{time}"


def _iso_time(text: str) -> str | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hour, half = int(match[1]), (match[4] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        return None
    return f"{hour:02d}:{match[2]}:{match[3] or '00'}{(match[5] or '').upper()}"
