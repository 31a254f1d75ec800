"""A step line: one step for each amount, all in the drawing."""

from __future__ import annotations

import re
from decimal import Decimal

from commonweal.client.language.words import ENGLISH
from commonweal.web.pictures import Legend, LineStep, step_line
from commonweal.web.pictures.step_line import STEPS_MAX
from tests.web.pictures.drawings import drawings, size, texts

INCOME = Legend("Income by month", "EUR", "month", ("income",))


def of(*amounts: int) -> list[LineStep]:
    return [LineStep(f"month {n}", Decimal(amount)) for n, amount in enumerate(amounts)]


def levels(path: str) -> list[float]:
    return [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)H", path)]


def test_each_amount_is_a_step_at_its_height() -> None:
    picture = step_line(INCOME, of(0, 10, 5), ENGLISH)
    for root in drawings(picture):
        (curve,) = [path for path in root.iter("path") if path.get("class") == "curve"]
        low, high, middle = levels(curve.attrib["d"])
        assert low > middle > high and middle == (low + high) / 2
        assert texts(root) == ["10", "0", "5", "month 0", "month 2"]
    assert [row[1].text for row in picture.rows] == ["0", "10", "5"]


def test_a_line_below_nothing_has_nothing_on_its_scale() -> None:
    for root in drawings(step_line(INCOME, of(10, -10), ENGLISH)):
        assert texts(root)[:3] == ["10", "-10", "0"]
        (curve,) = [path for path in root.iter("path") if path.get("class") == "curve"]
        assert all(0 < y < size(root, "height") for y in levels(curve.attrib["d"]))


def test_a_scale_does_not_write_over_itself() -> None:
    for root in drawings(step_line(INCOME, of(1000, -1), ENGLISH)):
        assert texts(root)[:2] == ["1,000", "-1"] and "0" not in texts(root)


def test_equal_amounts_and_none_are_drawn() -> None:
    for root in drawings(step_line(INCOME, of(7, 7), ENGLISH)):
        (curve,) = [path for path in root.iter("path") if path.get("class") == "curve"]
        assert len(set(levels(curve.attrib["d"]))) == 1
    assert step_line(INCOME, of(0), ENGLISH).rows[0][1].text == "0"
    for root in drawings(step_line(INCOME, [], ENGLISH)):
        assert texts(root) == []


def test_the_last_steps_are_shown() -> None:
    picture = step_line(INCOME, of(*range(STEPS_MAX + 1)), ENGLISH)
    assert len(picture.rows) == STEPS_MAX
    assert picture.rows[0][0].text == "month 1"
