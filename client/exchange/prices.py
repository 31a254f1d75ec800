"""What an offer asks for in return, as members type it: 10 EUR, 30 EUR an hour, 10 l of cider.

It gives the quantity, and whether that is for each unit of what is offered; it decides nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from commonweal.client.language.digits import plain_digits
from commonweal.client.language.quantity import read_quantity, read_unit, shown_unit
from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol.errors import UnfitOffer, UnreadableQuantity

PRICE_CHARS_MAX = 200

_NUMBER = r"([0-9][0-9.,]*|[0-9])"
_UNIT = r"([^\s/每0-9][^\s/每]*)"
_EACH = re.compile(
    rf"{_NUMBER}\s*{_UNIT}(?:\s*(?:/|\ban?\b|\bper\b|\bfor an?\b|每个?)\s*{_UNIT}|\s+(each))?"
    r"(?:\s+(.*))?",
    re.IGNORECASE,
)
_EACH_FIRST = re.compile(rf"每个?\s*([^\s0-9]+)\s*{_NUMBER}\s*{_UNIT}")


@dataclass(frozen=True, slots=True)
class TypedPrice:
    """What is asked in return. quantity: {"n", "scale", "unit"}, as a record has it.

    is_each: for each unit of what is offered; else for all of it. what: of which kind, as typed.
    """

    quantity: dict[str, Any]
    is_each: bool
    what: str


def read_price(text: str, unit: str, words: Words = ENGLISH) -> TypedPrice:
    """Return what a text asks for. unit: the stored name of that in which the offer is counted.

    Raises UnreadableQuantity, AmbiguousUnit, UnusableText, and UnfitOffer for a price per another
    unit.
    """
    plain = " ".join(plain_digits(text[: PRICE_CHARS_MAX + 1]).split())
    if len(plain) <= PRICE_CHARS_MAX:
        if match := _EACH_FIRST.fullmatch(plain):
            per, number, of = match.groups()
            return _price(number, of, per, "", unit, words)
        if match := _EACH.fullmatch(plain):
            number, of, per, one_each, what = match.groups()
            return _price(number, of, per or (one_each and unit), what or "", unit, words)
    shown = text[:PRICE_CHARS_MAX]
    wanted = words('{text} is no price; write one like "10 EUR" or "30 EUR an hour"')
    raise UnreadableQuantity(wanted.format(text=shown))


def _price(number: str, of: str, per: str | None, what: str, unit: str, words: Words) -> TypedPrice:
    quantity: dict[str, Any] = dict(read_quantity(number, of, words))
    if not quantity["n"]:
        raise UnfitOffer(words("a price of 0 is none: leave it out, and it is free"))
    if per is not None and (per_unit := read_unit(per, words)) != unit:
        text = words("the price is for each {each}, and the offer is counted in {unit}")
        names = {"each": shown_unit(per_unit, words), "unit": shown_unit(unit, words)}
        raise UnfitOffer(text.format(**names))
    return TypedPrice(quantity, per is not None, what.removeprefix("of ").strip())
