"""What a contribution is written as: in the unit that the rules value, or refused with a reason."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member, create_home
from commonweal.protocol.errors import AmbiguousUnit, CommonwealError, WouldNotCount

BLIND = """
name = "Blind"
[value.work]
points = "event.effort"
en = "An hour is 1,000 points."
zh = "一小时一千点。"
[value.produce]
points = "event.unit == 'kilogram' ? event.quantity : 0"
en = "A kilo is 1,000 points."
zh = "一公斤一千点。"
"""
"""Rules of which one reads no unit."""


def founded(folder: Path, rules: str) -> Member:
    """Return the founder of a community with these rules: the name of a template, or a text."""
    if "\n" in rules:
        file = folder / "rules.toml"
        file.write_text(rules, "utf-8")
        rules = str(file)
    create_home(folder / "mei", "Mei")
    member = Member(folder / "mei")
    member.found("Lanxi", rules=rules)
    return member


def written(member: Member, *typed: Any, **details: Any) -> tuple[Decimal, str, int | None]:
    made = member.record(*typed, **details)
    return made.quantity, made.unit, made.forecast.points


@pytest.mark.parametrize(
    ("rules", "typed", "stored"),
    [
        ("time-bank", ("work", 90, "minutes"), ("1.5", "hour", 1_500)),
        ("time-bank", ("work", 5400, "s"), ("1.5", "hour", 1_500)),
        ("time-bank", ("deliverService", 1, "hour"), ("1", "hour", 1_000)),
        ("time-bank", ("deliverService", 45, "minutes"), ("0.75", "hour", 750)),
        ("value-network", ("work", 90, "minutes"), ("1.5", "hour", 1_500)),
        ("cooperative", ("work", 90, "minutes"), ("1.5", "hour", 1_500)),
        ("open-source", ("work", 6, "minutes"), ("0.1", "hour", 100)),
        (BLIND, ("work", 90, "minutes"), ("1.5", "hour", 1_500)),
        (BLIND, ("work", 2, "days"), ("2", "day", 2_000)),
        (BLIND, ("produce", 250, "g"), ("0.25", "kilogram", 250)),
        (BLIND, ("consume", 250, "g"), ("250", "gram", None)),
    ],
)
def test_a_unit_becomes_the_one_that_the_rules_value(
    tmp_path: Path,
    rules: str,
    typed: tuple[str, int, str],
    stored: tuple[str, str, int | None],
) -> None:
    with founded(tmp_path, rules) as member:
        assert written(member, *typed) == (Decimal(stored[0]), *stored[1:])


@pytest.mark.parametrize(
    ("rules", "typed", "reason"),
    [
        ("time-bank", ("work", 50, "minutes"), "about 0.833 hour"),
        ("value-network", ("work", 50, "minutes"), "about 0.833 hour"),
        (BLIND, ("work", 50, "minutes"), "about 0.833 hour"),
        ("time-bank", ("work", 13, "hours"), "at most 12 in one record"),
        ("time-bank", ("work", 780, "minutes"), "at most 12 in one record"),
        ("time-bank", ("work", 3, "huors"), "the nearest is hour"),
        ("time-bank", ("deliverService", 3, "pieces"), "Help is counted in hours"),
        ("time-bank", ("work", 3, "CHF"), ""),
        ("time-bank", ("work", 30, "kg"), "Work is counted in time"),
    ],
)
def test_what_would_count_for_nothing_says_why(
    tmp_path: Path, rules: str, typed: tuple[str, int, str], reason: str
) -> None:
    with founded(tmp_path, rules) as member:
        with pytest.raises(WouldNotCount) as refused:
            member.record(*typed)
        assert reason in str(refused.value)
        assert member.contributions().records == ()


def test_thirty_m_are_asked_for(tmp_path: Path) -> None:
    with founded(tmp_path, "time-bank") as member, pytest.raises(AmbiguousUnit):
        member.record("work", 30, "m")


def test_a_use_has_an_effort_beside_its_quantity(tmp_path: Path) -> None:
    with founded(tmp_path, "value-network") as member:
        saw = member.add_resource("saw", 1, "piece")
        made = member.record(
            *("use", 1, "piece"), effort=(90, "minutes"), resource="saw", factor="technology"
        )
        assert made.forecast.points == 300
        data = member.show(made.id).data
        assert data["resourceQuantity"] == {"n": 1, "scale": 0, "unit": "one"}
        assert data["effortQuantity"] == {"n": 15, "scale": 1, "unit": "hour"}
        assert data["resourceInventoriedAs"] == saw.id
        with pytest.raises(CommonwealError, match="the effort is given twice"):
            member.record("use", 2, "hours", effort=(1, "hour"))
        with pytest.raises(WouldNotCount, match="only `use` takes an effort"):
            member.record("cite", 1, "piece", effort=(1, "hour"))


def test_a_gram_is_taken_from_what_is_counted_in_kilos(tmp_path: Path) -> None:
    with founded(tmp_path, BLIND) as member:
        flour = member.add_resource("flour", 2, "kg")
        made = member.record("consume", 250, "g", resource=flour.id.hex()[:8])
        assert (made.quantity, made.unit) == (Decimal("0.25"), "kilogram")
        assert member.resource(flour.id).onhand == Decimal("1.75")


def test_income_that_no_pool_takes_is_said(tmp_path: Path) -> None:
    with founded(tmp_path, "time-bank") as member:
        assert member.income(90, "EUR").forecast.pool == "gifts"
        assert member.income(90, "USD").forecast.pool is None
        with pytest.raises(WouldNotCount, match="the unit is not known"):
            member.income(90, "CHF")


def test_a_thing_and_its_kind_are_written_at_once(tmp_path: Path) -> None:
    with founded(tmp_path, "value-network") as member:
        made = member.record("raise", 3, "kg", new_resource="pears")
        assert member.resource(made.id).name == "pears"
        with member.home.store(readonly=True) as store:
            written = store.counts().records
        with pytest.raises(WouldNotCount):
            member.record("consume", 3, "kg", new_resource="plums")
        with member.home.store(readonly=True) as store:
            assert store.counts().records == written
