"""How people write actions, quantities and units, in English and Chinese; stored one way.

Full-width digits are read. A comma is refused: in one country it parts thousands, in
another the fraction.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from commonweal.client.language.digits import plain_digits
from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol import codec
from commonweal.protocol.errors import (
    AmbiguousUnit,
    UnknownAction,
    UnreadableQuantity,
    UnusableText,
)
from commonweal.protocol.ledger.things import quantities
from commonweal.protocol.vocabulary import actions
from commonweal.protocol.vocabulary.identifiers import (
    NAME_CHARACTERS_MAX,
    displayed_name,
    is_name,
    normal_name,
)

SCALE_MAX = quantities.SCALE_MAX
UNIT_CHARS_MAX = 64
TYPED_CHARS_MAX = 200
"""A number, or a unit by any of its names, has at most so many characters."""

ACTIONS: dict[str, tuple[str, ...]] = {
    "work": ("工作", "劳动", "出力"),
    "produce": ("生产", "产出"),
    "use": ("使用", "用"),
    "consume": ("消耗", "消费"),
    "cite": ("引用",),
    "deliverService": ("服务", "提供服务"),
    "transfer": ("转让", "转移"),
    "transferAllRights": ("转让全部权利", "转让权利"),
    "transferCustody": ("转移保管", "转交保管"),
    "accept": ("接收", "收下"),
    "modify": ("修改", "改造"),
    "pickup": ("取货", "取件"),
    "dropoff": ("送货", "交货"),
    "move": ("移动", "搬运"),
    "copy": ("复制",),
    "combine": ("合并", "组合"),
    "separate": ("分离", "拆分"),
    "raise": ("增加", "调增"),
    "lower": ("减少", "调减"),
}
"""The 19 actions of Valueflows 1.0, with their Chinese names; the first is shown."""

ENGLISH_ACTIONS = {
    "deliverService": "service",
    "transferAllRights": "transfer all rights",
    "transferCustody": "hand over",
}
"""How actions are shown in English whose names are no words, and may be typed as well."""

UNITS: dict[str, tuple[str, ...]] = {
    "one": ("个", "次", "件", "份", "ones", "piece", "pieces", "time", "times"),
    "hour": ("小时", "个小时", "时", "钟头", "hours", "h", "hr", "hrs"),
    "minute": ("分钟", "分", "minutes", "min", "mins"),
    "second": ("秒", "秒钟", "seconds", "s", "sec"),
    "day": ("天", "日", "days", "d"),
    "week": ("周", "星期", "weeks"),
    "month": ("月", "个月", "months"),
    "commit": ("次提交", "提交", "commits"),
    "page": ("页", "pages"),
    "kilometre": ("公里", "千米", "kilometres", "kilometer", "kilometers", "km"),
    "kilogram": ("公斤", "千克", "kilograms", "kg"),
    "gram": ("克", "grams", "g"),
    "litre": ("升", "公升", "litres", "liter", "liters", "l"),
    "metre": ("米", "metres", "meter", "meters"),
    "square-metre": ("平方米", "平米", "square-metres", "m2"),
    "cubic-metre": ("立方米", "cubic-metres", "m3"),
    "kilowatt-hour": ("度", "千瓦时", "kilowatt-hours", "kwh"),
    "gigabyte": ("吉字节", "gigabytes", "gb"),
    "CNY": ("元", "块", "人民币", "rmb", "yuan"),
    "EUR": ("欧元", "euro", "euros", "€"),
    "USD": ("美元", "dollar", "dollars", "us$"),
    "GBP": ("英镑", "pound", "pounds", "£"),
    "JPY": ("日元", "日圆", "yen"),
    "HKD": ("港元", "港币", "hk$"),
    "TWD": ("新台币", "台币", "nt$"),
    "KRW": ("韩元", "won", "₩"),
    "SGD": ("新加坡元", "新元", "s$"),
    "INR": ("印度卢比", "₹"),
    "THB": ("泰铢", "baht", "฿"),
    "VND": ("越南盾", "dong", "₫"),
    "IDR": ("印尼盾", "rupiah"),
    "MYR": ("林吉特", "马币", "ringgit"),
    "PHP": ("菲律宾比索", "₱"),
    "AUD": ("澳元", "a$"),
    "NZD": ("新西兰元", "nz$"),
    "CAD": ("加元", "c$"),
    "CHF": ("瑞士法郎", "sfr"),
    "SEK": ("瑞典克朗",),
    "NOK": ("挪威克朗",),
    "DKK": ("丹麦克朗",),
    "ISK": ("冰岛克朗",),
    "PLN": ("兹罗提", "zloty", "zł"),
    "CZK": ("捷克克朗", "kč"),
    "HUF": ("福林", "forint"),
    "RUB": ("卢布", "rouble", "roubles", "ruble", "rubles", "₽"),
    "TRY": ("土耳其里拉", "lira", "₺"),
    "ILS": ("新谢克尔", "shekel", "shekels", "₪"),
    "BRL": ("雷亚尔", "reais", "r$"),
    "MXN": ("墨西哥比索",),
    "CLP": ("智利比索",),
    "ZAR": ("南非兰特",),
    "AED": ("阿联酋迪拉姆",),
    "SAR": ("沙特里亚尔",),
    "KWD": ("科威特第纳尔",),
    "BHD": ("巴林第纳尔",),
    "TND": ("突尼斯第纳尔",),
}
"""Units by their stored name, with other names; the first is the Chinese one that is shown."""

TIME_UNITS = frozenset({"second", "minute", "hour", "day", "week", "month"})

AMBIGUOUS_UNITS = {"m": ("metre", "minute")}
"""What people write for more than one unit; it is refused, since a guess may be wrong."""

EXACT_PARTS = (
    {"hour": 3600, "minute": 60, "second": 1},
    {"kilogram": 1000, "gram": 1},
    {"kilometre": 1000, "metre": 1},
)
"""Units that convert into each other exactly, each with how many of the smallest it has.

A day is not among them: a day of work is not 24 hours.
"""

_NUMBER = r"(\d+)(?:\.(\d+))?"


def read_quantity(number: str, unit: str, words: Words = ENGLISH) -> dict[str, codec.Value]:
    """Return {"n", "scale", "unit"} for what was typed. Raises UnreadableQuantity."""
    if len(number) > TYPED_CHARS_MAX:
        number = f"{number[:TYPED_CHARS_MAX]}…"
        raise UnreadableQuantity(
            words("{number} has more digits than are kept").format(number=number)
        )
    plain = plain_digits(number)
    match = re.fullmatch(_NUMBER, plain)
    if match is None:
        raise UnreadableQuantity(_why(plain, number, words))
    whole, part = match[1], match[2] or ""
    n = int(whole + part) if len(whole + part) <= 2 * SCALE_MAX + 2 else codec.INT_MAX + 1
    if len(part) > SCALE_MAX or n > codec.INT_MAX:
        raise UnreadableQuantity(
            words("{number} has more digits than are kept").format(number=number)
        )
    return {"n": n, "scale": len(part), "unit": read_unit(unit, words)}


def read_scope(name: str, words: Words) -> str:
    """Return the name of a project in the one form that the ledger takes. Raises UnusableText."""
    plain = displayed_name(name)
    if not is_name(plain) or len(name.strip()) > NAME_CHARACTERS_MAX:
        most = words("a scope has 1 to {most} characters, all visible")
        raise UnusableText(most.format(most=NAME_CHARACTERS_MAX))
    return plain


def read_unit(unit: str, words: Words = ENGLISH) -> str:
    """Return the stored name of a unit; one that is not in the list stays as it was typed."""
    plain = normal_name(unit[: TYPED_CHARS_MAX + 1])
    if not is_name(plain, UNIT_CHARS_MAX):
        raise UnusableText(words("a unit has 1 to {most} characters").format(most=UNIT_CHARS_MAX))
    if plain.lower() in AMBIGUOUS_UNITS:
        choice = words(" or ").join(
            shown_unit(name, words) for name in AMBIGUOUS_UNITS[plain.lower()]
        )
        raise AmbiguousUnit(f"{plain}: {choice}")
    return _UNIT_BY_NAME.get(plain.lower(), plain)


def nearest_unit(unit: str, known: Iterable[str]) -> str | None:
    """Return that of the `known` units which `unit` was probably meant to be; None without."""
    from difflib import get_close_matches

    names = {name.lower(): stored for stored in known for name in (stored, *UNITS.get(stored, ()))}
    near = get_close_matches(unit.lower(), names, n=1)
    return names[near[0]] if near else None


def units_alike(unit: str) -> list[str]:
    """Return the other units into which `unit` converts exactly, the largest first."""
    group = next((group for group in EXACT_PARTS if unit in group), {})
    return [other for other in group if other != unit]


def converted(n: int, scale: int, unit: str, into: str) -> tuple[int, int] | None:
    """Return n / 10**scale of `unit` as a number of `into`, as (n, scale); None if not exactly.

    into: one of `units_alike`. The ledger keeps at most SCALE_MAX digits after the point.
    """
    from fractions import Fraction

    group = next(group for group in EXACT_PARTS if unit in group)
    number = Fraction(n * group[unit], 10**scale * group[into])
    for digits in range(SCALE_MAX + 1):
        whole = number * 10**digits
        if whole.denominator == 1:
            return (whole.numerator, digits) if whole.numerator <= codec.INT_MAX else None
    return None


def rounded(n: int, scale: int, unit: str, into: str) -> tuple[int, int]:
    """Return about n / 10**scale of `unit` as thousandths of `into`, as (n, 3)."""
    from fractions import Fraction

    group = next(group for group in EXACT_PARTS if unit in group)
    number = round(Fraction(n * group[unit] * 1000, 10**scale * group[into]))
    return min(number, codec.INT_MAX), 3


def read_action(action: str, words: Words = ENGLISH) -> str:
    """Return the Valueflows name of an action, typed in English or Chinese."""
    plain = unicodedata.normalize("NFKC", action).strip()
    canonical = _ACTION_BY_NAME.get(plain.lower().replace("-", "").replace(" ", ""))
    if canonical is None:
        from difflib import get_close_matches

        if plain[:1].isdigit():
            text = words("{text} is an amount; the action comes first: weal record work 3 hours")
            raise UnknownAction(text.format(text=action))
        near = get_close_matches(plain.lower(), _ACTION_BY_NAME, n=1)
        hint = words("; the nearest is {name}").format(name=near[0]) if near else ""
        raise UnknownAction(f"{action}{hint}")
    return canonical


def quantity_field(action: str, unit: str) -> str:
    """Return where an event says how much: "effortQuantity" or "resourceQuantity".

    By the effect table of the actions. Where it takes both, a time is the effort. The known units
    that are no time measure things, so the fold refuses them where only effort is counted.
    """
    takes = actions.ACTIONS[action].quantity
    is_effort = takes != "resource" and unit in TIME_UNITS
    is_effort |= takes == "effort" and unit not in UNITS
    return "effortQuantity" if is_effort else "resourceQuantity"


def shown_number(n: int, scale: int) -> str:
    """Return n / 10**scale as people write it."""
    if scale <= 0:
        return str(n)
    digits = f"{abs(n):0{scale + 1}d}"
    return f"{'-' if n < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def exact(n: int, scale: int) -> Decimal:
    """Return n / 10**scale, with `scale` digits after the point."""
    return Decimal((int(n < 0), tuple(map(int, str(abs(n)))), -scale))


def shown_action(action: str, words: Words) -> str:
    """Return an action in the language of `words`."""
    if words.is_chinese:
        return ACTIONS[action][0] if action in ACTIONS else action
    return ENGLISH_ACTIONS.get(action, action)


def shown_unit(unit: str, words: Words) -> str:
    """Return a unit in the language of `words`."""
    return UNITS[unit][0] if unit in UNITS and words.is_chinese else unit


def _why(plain: str, typed: str, words: Words) -> str:
    if re.fullmatch(r"\d+[,、]\d+", plain):
        point = re.sub("[,、]", ".", plain)
        return words("{typed}: is it {point}, or without the comma?").format(
            typed=typed, point=point
        )
    if plain.startswith(("-", "−")):
        return words("{typed}: a quantity is not negative").format(typed=typed)
    return typed


_UNIT_BY_NAME = {name.lower(): unit for unit, names in UNITS.items() for name in (unit, *names)}
_ACTION_BY_NAME = {
    name.lower(): action
    for action, names in ACTIONS.items()
    for name in (action, *names, ENGLISH_ACTIONS.get(action, "").replace(" ", ""))
    if name
}
