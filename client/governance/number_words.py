"""Numbers as rules say them in words: "a fifth", "a week", "1,200", 五分之一, 一周, 一千二百.

A number of the rules stands in a sentence in one of several spellings. `spellings` has those by
which it is found, `spelled` the one that is written in its place when it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from commonweal.protocol.rules import portions

DAY_HOURS, WEEK_HOURS = 24, 168
WEEKS_SPELLED_MAX = 4
_MONTHS = {720: 1, 1440: 2, 2190: 3, 4380: 6}
"""Hours that people call so many months."""
_YEARS = {8760: 1, 8784: 1}
_ENGLISH = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_PARTS = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 8: "eighth", 10: "tenth"}
_DIGITS = "零一二三四五六七八九"
_PLACES = ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十"))
THOUSANDTHS = 1000


class NumberKind(Enum):
    """What a number of the rules counts, and so how it is typed and said."""

    COUNT = "count"
    PERCENT = "percent"
    PORTION = "portion"
    HOURS = "hours"
    EVERY = "every"
    MINUTES = "minutes"
    MIB = "mib"
    POINTS = "points"
    AMOUNT = "amount"


def spellings(kind: NumberKind, value: int | str, language: str) -> list[str]:
    """Return how a value may stand in a sentence, in "en" or "zh", each once.

    value: of an AMOUNT in thousandths; a PORTION as the document has it.
    """
    said = _chinese_forms if language == "zh" else _english_forms
    return list(dict.fromkeys(said(kind, value)))


def spelled(kind: NumberKind, value: int | str, language: str) -> str:
    """Return how a value is written in a sentence that says another one now."""
    if isinstance(value, str):
        return _portion_said(value, language)
    if kind in (NumberKind.HOURS, NumberKind.EVERY):
        return _time_said(value, language, is_every=kind is NumberKind.EVERY)
    if kind is NumberKind.PERCENT:
        return _portion_said(f"{value}%", language)
    if kind is NumberKind.AMOUNT:
        whole, rest = divmod(value, THOUSANDTHS)
        if rest:
            return f"{Decimal(value).scaleb(-3).normalize():,f}"
        value = whole
    if language == "zh":
        minutes = "分钟" if kind is NumberKind.MINUTES else ""
        is_counted = kind in (NumberKind.COUNT, NumberKind.MINUTES)
        return chinese(value, is_counted=is_counted) + minutes
    if kind is NumberKind.MINUTES:
        return "a minute" if value == 1 else f"{english(value)} minutes"
    return english(value) if kind is NumberKind.COUNT else f"{value:,}"


def english(number: int) -> str:
    """Return a number in an English sentence: a word up to twelve, else digits."""
    return _ENGLISH[number] if 0 <= number < len(_ENGLISH) else f"{number:,}"


def chinese(number: int, *, is_counted: bool = False) -> str:
    """Return a whole number in Chinese. is_counted: a measure word follows, so 2 is 两."""
    if number < 0:
        return "负" + chinese(-number)
    if number < 10:
        return "两" if number == 2 and is_counted else _DIGITS[number]
    size, sign = next(place for place in _PLACES if number >= place[0])
    above, below = divmod(number, size)
    head = "两" if above == 2 and size >= 1000 else chinese(above)
    head = "" if above == 1 and size == 10 else head
    gap = "零" if below and below < size // 10 else ""
    return head + sign + gap + (_tail(below) if below else "")


def _tail(number: int) -> str:
    """Return what follows a higher place, where ten is 一十."""
    text = chinese(number)
    return f"一{text}" if 10 <= number < 20 else text


def _english_forms(kind: NumberKind, value: int | str) -> Iterator[str]:
    if isinstance(value, str):
        yield from _portion_forms(value, "en")
        return
    if kind in (NumberKind.HOURS, NumberKind.EVERY):
        yield from _english_times(value, is_every=kind is NumberKind.EVERY)
        return
    if kind is NumberKind.PERCENT:
        yield from _portion_forms(f"{value}%", "en")
        return
    if kind is NumberKind.MINUTES:
        yield from ("a minute",) if value == 1 else ()
        yield from (f"{n} minute{'s' * (value != 1)}" for n in (english(value), value))
        return
    yield spelled(kind, value, "en")
    number = value if kind is not NumberKind.AMOUNT else value // THOUSANDTHS
    if kind is NumberKind.AMOUNT and value % THOUSANDTHS:
        return
    yield from (f"{number:,}", str(number), english(number))
    if number and number % 1000 == 0:
        yield f"{english(number // 1000)} thousand"
        yield from ("a thousand",) if number == 1000 else ()


def _chinese_forms(kind: NumberKind, value: int | str) -> Iterator[str]:
    if isinstance(value, str):
        yield from _portion_forms(value, "zh")
        return
    if kind in (NumberKind.HOURS, NumberKind.EVERY):
        yield from _chinese_times(value, is_every=kind is NumberKind.EVERY)
        return
    if kind is NumberKind.PERCENT:
        yield from _portion_forms(f"{value}%", "zh")
        return
    unit = "分钟" if kind is NumberKind.MINUTES else ""
    yield spelled(kind, value, "zh")
    number = value if kind is not NumberKind.AMOUNT else value // THOUSANDTHS
    if kind is NumberKind.AMOUNT and value % THOUSANDTHS:
        return
    for text in (chinese(number), chinese(number, is_counted=True)):
        yield from (text + unit, text.replace("两", "二") + unit)
    yield from (f"{number:,}{unit}", f"{number}{unit}", f"{number} {unit}".rstrip())


def _portion_said(text: str, language: str) -> str:
    """Return a portion in words: as a fraction where it is written as one, else in percent."""
    text = text.removeprefix(">")
    portion = portions.read(text)
    assert portion is not None, "the value of a document is a portion"
    if text.endswith("%"):
        percent = text[:-1]
        if language == "zh":
            return f"百分之{chinese(int(percent))}" if percent.isdigit() else f"{percent}%"
        return f"{percent} %"
    if language == "zh":
        is_half = (portion.above, portion.below) == (1, 2)
        return "半数" if is_half else f"{chinese(portion.below)}分之{chinese(portion.above)}"
    if portion.below not in _PARTS or portion.above >= len(_ENGLISH):
        return text
    if (portion.above, portion.below) == (1, 2):
        return "half"
    part = _PARTS[portion.below]
    article = "an" if part == "eighth" else "a"
    return f"{article} {part}" if portion.above == 1 else f"{english(portion.above)} {part}s"


def _portion_forms(text: str, language: str) -> Iterator[str]:
    text = text.removeprefix(">")
    portion = portions.read(text)
    if portion is None:
        return
    yield from (_portion_said(text, language), text)
    part = Fraction(portion.above, portion.below)
    if text.endswith("%"):
        yield from (f"{text[:-1]} %", f"{text[:-1]} percent", f"{text[:-1]} per cent")
    if part in (0, 1):
        return
    for below in dict.fromkeys((part.denominator, *_PARTS)):
        above = part * below
        if above.denominator == 1 and below <= 100:
            fraction = _portion_said(f"{above.numerator}/{below}", language)
            yield from (fraction, fraction.replace("a ", "one ").replace("an ", "one "))
    if part == Fraction(1, 2):
        yield from ("半数", "一半") if language == "zh" else ("one half", "a half")
    if (part * 100).denominator == 1:
        yield _portion_said(f"{(part * 100).numerator}%", language)


def _time_said(hours: int, language: str, *, is_every: bool) -> str:
    """Return hours in weeks or days where they are whole ones."""
    weeks, days = divmod(hours, WEEK_HOURS), divmod(hours, DAY_HOURS)
    is_weeks = hours and not weeks[1] and weeks[0] <= WEEKS_SPELLED_MAX
    number = weeks[0] if is_weeks else days[0] if not days[1] else hours
    if language == "zh":
        unit = "周" if is_weeks else "天" if not days[1] else "小时"
        if is_every:
            return f"每{unit}" if number == 1 else f"每{chinese(number, is_counted=True)}{unit}"
        return chinese(number, is_counted=True) + unit
    unit = "week" if is_weeks else "day" if not days[1] else "hour"
    if number == 1:
        article = "once a" if is_every else "a"
        return f"{article}n {unit}" if unit == "hour" else f"{article} {unit}"
    return f"{'every ' if is_every else ''}{english(number)} {unit}s"


def _english_times(hours: int, *, is_every: bool) -> Iterator[str]:
    once, every = ("once ", "every ") if is_every else ("", "")
    for size, unit in ((1, "hour"), (DAY_HOURS, "day"), (WEEK_HOURS, "week")):
        number, rest = divmod(hours, size)
        if rest:
            continue
        if number == 1:
            yield from (f"{once}a {unit}", f"{once}an {unit}", f"{every}one {unit}", f"1 {unit}")
            yield from (f"every {unit}",) if is_every else ()
        else:
            yield from (f"{every}{english(number)} {unit}s", f"{every}{number:,} {unit}s")
            yield f"{every}{number} {unit}s"
    if months := _MONTHS.get(hours):
        yield f"{once}a month" if months == 1 else f"{every}{english(months)} months"
        yield from (f"{every}half a year",) if months == 6 else ()
    if hours in _YEARS:
        yield f"{once}a year"


def _chinese_times(hours: int, *, is_every: bool) -> Iterator[str]:
    every = "每" if is_every else ""
    for size, units in ((1, ("小时",)), (DAY_HOURS, ("天", "日")), (WEEK_HOURS, ("周", "个星期"))):
        number, rest = divmod(hours, size)
        if rest:
            continue
        for unit in units:
            yield from (f"每{unit}",) if is_every and number == 1 else ()
            yield from (f"{every}{chinese(number, is_counted=True)}{unit}",)
            yield from (f"{every}{chinese(number)}{unit}", f"{every}{number}{unit}")
            yield f"{every}{number} {unit}"
    if months := _MONTHS.get(hours):
        yield from ("每月", "每个月") if is_every and months == 1 else ()
        yield f"{every}{chinese(months, is_counted=True)}个月"
        yield from ("半年",) if months == 6 else ()
    if hours in _YEARS:
        yield from ("每年",) if is_every else ("一年",)
