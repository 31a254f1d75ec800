"""Numbers as sheets have them: 1.000,50 or 1,000.50, with thousands apart or not."""

from __future__ import annotations

import re
from decimal import Decimal

from commonweal.client.language.digits import plain_digits

DECIMALS = (".", ",")
"""The marks before the fraction. The other one, spaces and apostrophes set thousands apart."""

_ALIKE = str.maketrans("\u00a0\u202f\u2009\u2019\u2018\u02bc", "   '''")
_SIGNS = "[-+\u2212]?"


def _pattern(decimal: str) -> re.Pattern[str]:
    apart = f"[{'.' if decimal == ',' else ','} ']"
    grouped = rf"[0-9]{{1,3}}(?P<apart>{apart})[0-9]{{3}}(?:(?P=apart)[0-9]{{3}})*"
    indian = r"|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}" if decimal == "." else ""
    return re.compile(
        rf"(?P<sign>{_SIGNS})(?P<whole>{grouped}{indian}|[0-9]+)(?:{re.escape(decimal)}(?P<part>[0-9]+))?"
    )


_PATTERNS = {decimal: _pattern(decimal) for decimal in DECIMALS}


def plain_number(text: str, decimal: str) -> str | None:
    """Return a number with a point and no other mark, like 1000.50; None where it is none.

    decimal: the mark before the fraction. A number in which a zero begins a group of thousands,
    like 0.500, has none.
    """
    plain = plain_digits(text)
    if plain.isascii() and plain.isdigit():
        return plain
    match = _PATTERNS[decimal].fullmatch(plain.translate(_ALIKE))
    if match is None:
        return None
    whole = match["whole"]
    if match["apart"] and whole[0] == "0":
        return None
    digits = re.sub("[^0-9]", "", whole)
    sign = "-" if match["sign"] in ("-", "\u2212") else ""
    return f"{sign}{digits}.{match['part']}" if match["part"] else f"{sign}{digits}"


def number_value(text: str, decimal: str) -> str | None:
    """Return how much a number is, without zeros at its end; None where it is none."""
    plain = plain_number(text, decimal)
    return plain if plain is None or "." not in plain else f"{Decimal(plain).normalize():f}"
