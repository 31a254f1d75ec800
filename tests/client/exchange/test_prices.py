"""What is asked in return, as members type it."""

from __future__ import annotations

import pytest

from commonweal.client.exchange.prices import read_price
from commonweal.protocol.errors import (
    AmbiguousUnit,
    CommonwealError,
    UnfitOffer,
    UnreadableQuantity,
)


@pytest.mark.parametrize(
    ("typed", "n", "scale", "unit", "is_each", "what"),
    [
        ("10 EUR", 10, 0, "EUR", False, ""),
        ("10.50EUR", 1050, 2, "EUR", False, ""),
        ("30 EUR an hour", 30, 0, "EUR", True, ""),
        ("30 EUR per hour", 30, 0, "EUR", True, ""),
        ("30 EUR/hour", 30, 0, "EUR", True, ""),
        ("30 EUR each", 30, 0, "EUR", True, ""),
        ("３０ 元每小时", 30, 0, "CNY", True, ""),
        ("每小时30元", 30, 0, "CNY", True, ""),
        ("每个小时30元", 30, 0, "CNY", True, ""),
        ("2 hours", 2, 0, "hour", False, ""),
        ("10 l of cider", 10, 0, "litre", False, "cider"),
        ("10 l cider an hour", 10, 0, "litre", False, "cider an hour"),
    ],
)
def test_a_price_is_read(
    typed: str, n: int, scale: int, unit: str, is_each: bool, what: str
) -> None:
    price = read_price(typed, "hour")
    assert price.quantity == {"n": n, "scale": scale, "unit": unit}
    assert (price.is_each, price.what) == (is_each, what)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("", UnreadableQuantity),
        ("10", UnreadableQuantity),
        ("free", UnreadableQuantity),
        ("-1 EUR", UnreadableQuantity),
        ("0 EUR", UnfitOffer),
        ("1,5 EUR", UnreadableQuantity),
        ("10 EUR " + "x" * 200, UnreadableQuantity),
        ("9" * 30 + " EUR", UnreadableQuantity),
        ("30 EUR a day", UnfitOffer),
        ("30 EUR / kg", UnfitOffer),
    ],
)
def test_what_is_no_price_is_refused(typed: str, error: type[CommonwealError]) -> None:
    with pytest.raises(error) as refused:
        read_price(typed, "hour")
    assert type(refused.value) is error


def test_a_price_in_a_unit_that_is_two_is_asked_about() -> None:
    with pytest.raises(AmbiguousUnit):
        read_price("1 m an hour", "hour")
