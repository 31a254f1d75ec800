"""The terms of a thing as a form: what is typed becomes terms, and terms what is typed."""

from __future__ import annotations

from typing import Any

from commonweal.client.exchange.lending.rows import LentThing, ThingFee
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.days import MINUTE_MS, read_moment_ms
from commonweal.client.language.local_time.spans import Span, read_span, shown_span
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.times import read_duration_ms, shown
from commonweal.client.language.words import Words
from commonweal.client.member import Member
from commonweal.protocol.errors import UnknownId, UnreadableQuantity, UsageError
from commonweal.protocol.ledger.exchange.lending.calendar_slots import LENGTH_MS_MAX
from commonweal.protocol.ledger.exchange.lending.terms import AHEAD_MS_MAX
from commonweal.web.pages.exchange.lending.calendar_view import WEEK, CalendarView
from commonweal.web.pages.request import PageRequest

TERMS = (
    *("accepts", "capacity", "shortest", "longest", "buffer", "ahead", "fee", "fee_unit"),
    *("fee_per", "late", "late_unit", "late_per", "days", "days_per"),
)
"""Fields of the form of terms."""
SEVERAL = "="
"""In the field of roles: those that the terms name stay, more of them than a form can say."""
BLOCK = ("begin", "until", "note")
_PERIODS = ("week", "month")
_HOUR_MINUTES, _DAY_MINUTES = 60, 1440
_COUNT_CHARS_MAX = 6


def lending_of(member: Member, id: bytes, words: Words) -> dict[str, Any]:
    """Return what the page of a thing shows of its lending. id: of the resource, whole.

    lent: its terms, None without; week: a picture of what is booked, and of its blocks.
    """
    try:
        lent = member.lent_thing(id)
    except (UsageError, UnknownId):
        return {"lent": None}
    view = CalendarView.of(WEEK, "", now_ms())
    begin_ms, end_ms = view.bounds_ms
    listed = member.calendar(begin_ms=begin_ms, end_ms=end_ms, thing_id=bytes(lent.id))
    bookings = member.bookings(lent.id)
    return {
        "lent": lent,
        "week": view.picture(listed.items, words),
        "blocks": [(block, _until(block.begin_ms, block.end_ms, words)) for block in lent.blocks],
        "booked": [
            (row, shown_span(Span(row.begin_ms, row.end_ms), words))
            for row in bookings
            if row.state not in ("declined", "withdrawn", "void", "lapsed", "lost", "cancelled")
        ],
    }


def typed_terms(lent: LentThing | None, words: Words) -> dict[str, str]:
    """Return the fields of a form that says the terms of a thing as they are."""
    if lent is None:
        return dict.fromkeys(TERMS, "") | {"capacity": "1", "fee_per": "1d", "late_per": "1h"}
    return {
        "accepts": SEVERAL if len(lent.accepts) > 1 else "".join(lent.accepts),
        "capacity": f"{lent.capacity}",
        "shortest": length_text(lent.min_minutes) if lent.min_minutes > 1 else "",
        "longest": _below(lent.max_minutes, LENGTH_MS_MAX),
        "buffer": length_text(lent.buffer_minutes) if lent.buffer_minutes else "",
        "ahead": _below(lent.ahead_minutes, AHEAD_MS_MAX),
        **_typed_fee("fee", lent.fee, words),
        **_typed_fee("late", lent.late_fee, words),
        "days": "" if lent.days_max is None else f"{lent.days_max}",
        "days_per": "" if lent.per is None else f"{lent.per}",
    }


def read_terms(typed: dict[str, str], words: Words) -> dict[str, Any]:
    """Return what `Member.set_terms` takes; an empty field is no limit.

    Raises UnreadableQuantity, UnreadableTime, UsageError.
    """
    said: dict[str, Any] = {
        "capacity": _count(typed["capacity"] or "1"),
        "min_ms": _length(typed["shortest"], 1),
        "max_ms": _length(typed["longest"], LENGTH_MS_MAX),
        "buffer_ms": _length(typed["buffer"], 0),
        "ahead_ms": _length(typed["ahead"], AHEAD_MS_MAX),
    }
    if typed["accepts"] != SEVERAL:
        said["accepts"] = [typed["accepts"]] if typed["accepts"] else []
    without = []
    for key, name in (("fee", "fee"), ("late_fee", "late")):
        if typed[name]:
            per_ms = read_duration_ms(typed[f"{name}_per"])
            said[key] = (typed[name], typed[f"{name}_unit"], per_ms)
        else:
            without.append(key)
    if typed["days"]:
        per = typed["days_per"]
        if per not in _PERIODS and not per.isdigit():
            raise UsageError(words("a period is week, month or a number of days"))
        said["days"] = (_count(typed["days"]), per if per in _PERIODS else _count(per))
    else:
        without.append("days")
    return said | {"without": without}


def read_block(page: PageRequest) -> tuple[int, int | None]:
    """Return from when to when a thing is blocked: a span, or a begin without an end.

    Raises UnreadableTime and what `read_span` raises.
    """
    begin, until, now = page.field("begin"), page.field("until"), now_ms()
    if until:
        return read_span(f"{begin} - {until}", now)
    if page.field("open"):
        return max(0, read_moment_ms(f"{begin} 0:00", now)), None
    return read_span(begin, now)


def length_text(minutes: int) -> str:
    """Return a length of time as it is typed: 8h, 3d, 90m."""
    for unit, size in (("d", _DAY_MINUTES), ("h", _HOUR_MINUTES)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def _typed_fee(name: str, fee: ThingFee | None, words: Words) -> dict[str, str]:
    if fee is None:
        return {name: "", f"{name}_unit": "", f"{name}_per": "1d" if name == "fee" else "1h"}
    unit = shown_unit(fee.unit, words)
    return {
        name: f"{fee.quantity:f}",
        f"{name}_unit": unit,
        f"{name}_per": length_text(fee.per_minutes),
    }


def _below(minutes: int, most_ms: int) -> str:
    """Return a length as it is typed, "" for the greatest there is."""
    return length_text(minutes) if minutes * MINUTE_MS < most_ms else ""


def _length(text: str, otherwise: int) -> int:
    return read_duration_ms(text) if text and text != "0" else otherwise


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _COUNT_CHARS_MAX:
        raise UnreadableQuantity(text[:_COUNT_CHARS_MAX])
    return int(text)


def _until(begin_ms: int, end_ms: int | None, words: Words) -> str:
    if end_ms is None:
        return words("from {time} on").format(time=shown(begin_ms))
    return shown_span(Span(begin_ms, end_ms), words)
