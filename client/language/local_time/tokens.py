"""The words of which typed days and times are made, in English and Chinese.

`tokens_of` cuts a text into them. What they come to, on which day, others say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple, TypeAlias

from commonweal.client.language.digits import plain_digits, whole_number
from commonweal.protocol.errors import UnreadableTime

TYPED_CHARS_MAX = 100
"""What is typed has at most so many characters."""
COUNT_MAX = 9999
"""The greatest number of days, weeks or times that is read."""


class DayOfMonth(NamedTuple):
    """A day of the calendar. year: 0 where none is typed."""

    year: int
    month: int
    day: int


class Weekday(NamedTuple):
    """A day of the week, 0 for Monday. week: of this one counted; None where any may be meant."""

    day: int
    week: int | None = None


class Ahead(NamedTuple):
    """A number of days and months after today, or of minutes after now."""

    days: int = 0
    months: int = 0
    minutes: int = 0


class ClockTime(NamedTuple):
    """What a clock shows, 0:00 to 24:00, in minutes. half: "am", "pm", or "" where none is typed.

    offset: of UTC, in minutes; None where the zone says it. is_bare: typed as an hour alone.
    """

    minutes: int
    half: str = ""
    offset: int | None = None
    is_bare: bool = False


class Length(NamedTuple):
    """How long: elapsed minutes, or days and months of the calendar."""

    minutes: int = 0
    days: int = 0
    months: int = 0


class Every(NamedTuple):
    """How often: each so many days, or weeks on days of the week."""

    days: int = 0
    weeks: int = 0
    weekdays: tuple[int, ...] = ()


class Times(NamedTuple):
    """How many there are."""

    number: int


class Word(NamedTuple):
    """A word that joins two others: "to", "until", "in" or "after"."""

    name: str


Token: TypeAlias = DayOfMonth | Weekday | Ahead | ClockTime | Length | Every | Times | Word

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_ZH = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6}
_DAYS_ZH |= {str(number): number - 1 for number in range(1, 8)}
_WEEKS_ZH = {"": None, "这": 0, "本": 0, "这个": 0, "下": 1, "下个": 1, "下下": 2, "下下个": 2}
_AHEAD = {"today": 0, "tomorrow": 1, "day after tomorrow": 2}
_AHEAD |= {"今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2, "大后天": 3}
_DIGITS_ZH = {character: value for value, character in enumerate("零一二三四五六七八九")}
_DIGITS_ZH["两"] = 2
_MORNING = ("凌晨", "清晨", "早上", "早晨", "上午")
_AFTERNOON = ("下午", "傍晚", "晚上", "夜里")
_NOON = 12
_DAY_MINUTES = 24 * 60

_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
_MONTH += r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_WEEKDAY = r"(?:mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?"
_WEEKDAY += r"|sat(?:urday)?|sun(?:day)?)"
_NUMBER = r"(?:\d{1,4}|[一二两三四五六七八九十]{1,3})"
_WEEK_ZH = r"(?:周|星期|礼拜)"
_UNIT = r"(?:minutes?|mins?|hours?|hrs?|days?|weeks?|months?|[mhdw](?![a-z])"
_UNIT += r"|分钟|个?小时|个?钟头|天|周|个?星期|个?礼拜|个月)"
_OFFSET = r"(?: ?(?P<offset>z\b|\+\d{1,2}(?::?\d{2})?|utc(?:[+-]\d{1,2}(?::?\d{2})?)?\b))?"
_HALF = r"(?P<half>[ap]\.?m\b\.?)"
_PART_ZH = rf"(?P<part>{'|'.join((*_MORNING, '中午', *_AFTERNOON))})"


def number_of(text: str) -> int:
    """Return a number written in digits, or in Chinese up to 99: 12, 十二, 两."""
    if (number := whole_number(text)) is not None:
        return number
    tens, ten, ones = text.partition("十")
    if not ten and len(text) > 1:
        raise UnreadableTime(text)
    try:
        value = (_DIGITS_ZH[tens] if tens else 1) * 10 if ten else 0
        rest = ones if ten else tens
        return value + (_DIGITS_ZH[rest] if rest else 0)
    except KeyError:
        raise UnreadableTime(text) from None


def tokens_of(text: str) -> list[Token]:
    """Return the words of a text, in their order. Raises UnreadableTime at what is none."""
    if len(text) > TYPED_CHARS_MAX:
        raise UnreadableTime(text[:TYPED_CHARS_MAX])
    plain = " ".join(plain_digits(text).lower().split())
    tokens: list[Token] = []
    place = 0
    while place < len(plain):
        for pattern, read in _PATTERNS:
            if match := pattern.match(plain, place):
                token = read(match)
                if token is not None:
                    tokens.append(token)
                place = match.end()
                break
        else:
            raise UnreadableTime(text)
    return tokens


def _ahead(match: re.Match[str]) -> Ahead:
    return Ahead(_AHEAD[match[0]])


def _times(match: re.Match[str]) -> Times:
    return Times(number_of(match["n"]))


def _length(match: re.Match[str]) -> Length:
    count, unit = number_of(match["n"]), match["unit"].removeprefix("个").rstrip("s")
    if not 0 < count <= COUNT_MAX:
        raise UnreadableTime(match[0])
    if unit in ("minute", "min", "m", "分钟"):
        return Length(count)
    if unit in ("hour", "hr", "h", "小时", "钟头"):
        return Length(count * 60)
    if unit in ("month", "月"):
        return Length(months=count)
    return Length(days=count if unit in ("day", "d", "天") else count * 7)


def _day_of_month(match: re.Match[str]) -> DayOfMonth:
    return DayOfMonth(_year(match), number_of(match["m"]), number_of(match["d"]))


def _year(match: re.Match[str]) -> int:
    if match["y"] and not int(match["y"]):
        raise UnreadableTime(match[0])
    return int(match["y"] or 0)


def _named_month(match: re.Match[str]) -> DayOfMonth:
    month = _MONTHS.index(match["m"][:3]) + 1
    return DayOfMonth(_year(match), month, int(match["d"]))


def _weekday(match: re.Match[str]) -> Weekday:
    return Weekday(_DAYS.index(match[0][:3]))


def _weekday_zh(match: re.Match[str]) -> Weekday:
    return Weekday(_DAYS_ZH[match["day"]], _WEEKS_ZH[match["week"] or ""])


def _every(match: re.Match[str]) -> Every:
    count = number_of(match["n"] or "1")
    unit = match["unit"] or ""
    weekdays = tuple(_DAYS.index(name[:3]) for name in re.findall(_WEEKDAY, match["days"] or ""))
    return _series(count, is_days=unit.startswith("day"), weekdays=weekdays)


def _every_zh(match: re.Match[str]) -> Every:
    weekdays = tuple(_DAYS_ZH[name] for name in match["days"] or "" if name in _DAYS_ZH)
    count = number_of(match["n"] or "1")
    return _series(count, is_days=match["unit"] in ("天", "日"), weekdays=weekdays)


def _series(count: int, *, is_days: bool, weekdays: tuple[int, ...]) -> Every:
    if not 0 < count <= COUNT_MAX or (is_days and weekdays):
        raise UnreadableTime(str(count))
    if is_days:
        return Every(days=count)
    if not weekdays:
        raise UnreadableTime(str(count))
    return Every(weeks=count, weekdays=tuple(sorted(dict.fromkeys(weekdays))))


def _clock(match: re.Match[str]) -> ClockTime:
    minutes, half = int(match["h"]) * 60 + int(match["min"] or 0), (match["half"] or "")[:1]
    if half and not 60 <= minutes < 13 * 60:
        raise UnreadableTime(match[0])
    if half:
        minutes = minutes % 720 + 720 * (half == "p")
    return _checked(minutes, match, half and f"{half}m")


def _clock_zh(match: re.Match[str]) -> ClockTime:
    hour, part = number_of(match["h"]), match["part"] or ""
    rest = match["rest"] or ""
    after = {"半": 30, "一刻": 15, "三刻": 45}.get(rest)
    minute = number_of(rest.removesuffix("分")) if rest and after is None else after or 0
    late = part in _AFTERNOON or (part == "中午" and hour < _NOON - 1)
    if part in _MORNING and hour == _NOON:
        if part != "凌晨":
            raise UnreadableTime(match[0])
        hour = 0
    elif late and 0 < hour < _NOON:
        hour += _NOON
    elif part in ("晚上", "夜里") and hour == _NOON:
        hour = 24
    half = "pm" if part in _AFTERNOON or part == "中午" else "am" if part else ""
    return _checked(hour * 60 + minute, match, half)


def _clock_of_part(match: re.Match[str]) -> ClockTime:
    """Return a time with a Chinese part of the day before it: 下午2:30."""
    minutes = int(match["h"]) * 60 + int(match["min"])
    if match["part"] in (*_AFTERNOON, "中午") and 0 < minutes < (_NOON - 1) * 60:
        minutes += 720
    return _checked(minutes, match, "am" if match["part"] in _MORNING else "pm")


def _checked(minutes: int, match: re.Match[str], half: str, *, is_bare: bool = False) -> ClockTime:
    minute_typed = match.groupdict().get("min") or "0"
    if minutes > _DAY_MINUTES or int(minute_typed) > 59:
        raise UnreadableTime(match[0])
    return ClockTime(minutes, half, _offset(match.groupdict().get("offset")), is_bare)


def _offset(text: str | None) -> int | None:
    """Return an offset of UTC in minutes. Raises UnreadableTime beyond 14 hours."""
    if text is None:
        return None
    plain = text.removeprefix("utc").removeprefix("z")
    if not plain:
        return 0
    sign, digits = (-1 if plain[0] == "-" else 1), plain[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise UnreadableTime(text)
    return sign * (hours * 60 + minutes)


def _bare(match: re.Match[str]) -> ClockTime:
    return _checked(int(match["h"]) * 60, match, "", is_bare=True)


_Reader: TypeAlias = Callable[[re.Match[str]], Token | None]
_PATTERNS: list[tuple[re.Pattern[str], _Reader]] = [
    (re.compile(pattern), read)
    for pattern, read in (
        (r"[\s,;，、。]+|\b(?:at|on|from)\b|从|的|于", lambda _: None),
        (r"(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})(?!\d)[日号t]?", _day_of_month),
        (r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.?(?P<y>(?<=\.)\d{4})?(?!\d)", _day_of_month),
        (rf"(?:(?P<y>\d{{4}})年)?(?P<m>{_NUMBER})月(?P<d>{_NUMBER})[日号]", _day_of_month),
        (rf"(?P<d>\d{{1,2}})\.? (?P<m>{_MONTH})(?:,? (?P<y>\d{{4}}))?(?![\w])", _named_month),
        (rf"(?P<m>{_MONTH}) (?P<d>\d{{1,2}})(?![\d:.])(?:,? (?P<y>\d{{4}}))?", _named_month),
        (
            rf"every (?:(?P<n>\d{{1,4}}) )?(?:(?P<unit>days?|weeks?)(?: on)?)?\b *"
            rf"(?P<days>{_WEEKDAY}(?:(?:,| and|, and|&|\+)? *{_WEEKDAY}\b)*)?",
            _every,
        ),
        (
            rf"每(?P<n>{_NUMBER})?(?P<unit>天|日|个?星期|个?礼拜|周)"
            rf"(?:的?{_WEEK_ZH})?(?P<days>[一二三四五六日天](?:(?:[、和,]|{_WEEK_ZH})*[一二三四五六日天])*)?",
            _every_zh,
        ),
        (rf"{_WEEKDAY}\b\.?", _weekday),
        (
            rf"(?P<week>这个?|本|下下个?|下个?)?{_WEEK_ZH}(?P<day>[一二三四五六日天]|[1-7](?!\d))",
            _weekday_zh,
        ),
        (r"day after tomorrow\b|today\b|tomorrow\b|大后天|后天|[今明][天日]", _ahead),
        (rf"(?:共|一共)?(?P<n>{_NUMBER}) ?(?:times\b|次)", _times),
        (r"半个?(?:小时|钟头)", lambda _: Length(30)),
        (rf"(?P<n>{_NUMBER}) ?(?P<unit>{_UNIT})", _length),
        (
            rf"{_PART_ZH}? ?(?P<h>{_NUMBER})[点时](?:钟|整)?"
            rf"(?P<rest>半|一刻|三刻|{_NUMBER}分(?!钟)"
            rf"|{_NUMBER}(?![\d一二两三四五六七八九十次分点]| ?{_UNIT}))?",
            _clock_zh,
        ),
        (rf"{_PART_ZH} ?(?P<h>\d{{1,2}}):(?P<min>\d{{2}})(?!\d)", _clock_of_part),
        (rf"(?P<h>\d{{1,2}}):(?P<min>\d{{2}})(?::00)?(?!\d)(?: ?{_HALF})?{_OFFSET}", _clock),
        (rf"(?P<h>\d{{1,2}})(?P<min>) ?{_HALF}{_OFFSET}", _clock),
        (r"noon\b", lambda _: ClockTime(_NOON * 60)),
        (r"[-–—−~～至]|到|to\b", lambda _: Word("to")),
        (r"until\b|till\b|直到|截至", lambda _: Word("until")),
        (r"in\b", lambda _: Word("in")),
        (r"for\b", lambda _: None),
        (r"之后|以后|后", lambda _: Word("after")),
        (r"(?P<h>\d{1,2})(?!\d)", _bare),
    )
]  # fmt: skip
"""What stands first is read first: a length before a Chinese clock, a date before a number."""


def month_after(day: date, months: int) -> date:
    """Return the same day so many months on; the last of the month where there is none."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    try:
        first = date(year, month + 1, 1)
        after = date(year + month // 11, (month + 1) % 12 + 1, 1)
    except ValueError:
        raise UnreadableTime(str(months)) from None
    return first + timedelta(days=min(day.day, (after - first).days) - 1)
