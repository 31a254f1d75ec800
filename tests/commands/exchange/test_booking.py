"""`weal thing`, `weal book`, `weal lend`, `weal return`: a bike, from its terms to its return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders.commons import RULES, Commons


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community in which Bo lends a bike."""
    first = tmp_path_factory.mktemp("lending")
    made = Commons(first)
    made.adopt(RULES, first)
    made.good(made.bo, "resource", "new", "bike", "1", "one")
    made.good(made.bo, "thing", "terms", "bike", "--max", "3d", "--late-fee", "2", "EUR", "1h")
    made.seal()
    return made.copies(tmp_path_factory)


def booked(lanxi: Commons, *when: str) -> str:
    """Let Ana book the bike; return the id of the booking."""
    (made,) = lanxi.json(lanxi.ana, "book", "bike", *when)["bookings"]
    lanxi.meet()
    id: str = made["id"]
    return id


def test_terms_are_set_shown_and_listed(lanxi: Commons) -> None:
    shown = lanxi.good(lanxi.ana, "thing", "terms", "bike").out
    assert shown.splitlines() == [
        "bike is lent by Bo.",
        "  Each booking is asked.",
        "  For 3 days at most.",
        "  Who brings it back late owes 2 EUR for each started hour.",
    ]
    typed = ["--places", "2", "--min", "1h", "--buffer", "30m", "--ahead", "90d"]
    typed += ["--fee", "5", "EUR", "1d", "--days", "5", "month", "--without", "late-fee"]
    said = lanxi.json(lanxi.bo, "thing", "terms", "bike", *typed, "--accept", "producer")
    terms = said["terms"]
    assert (terms["capacity"], terms["min_minutes"], terms["max_minutes"]) == (2, 60, 4_320)
    assert (terms["late_fee"], terms["days_max"], terms["per"]) == (None, 5, "month")
    assert terms["fee"] == {"quantity": "5", "unit": "EUR", "per_minutes": 1_440}
    assert terms["accepts"] == ["producer"]
    assert (
        lanxi.json(lanxi.bo, "thing", "terms", "bike", "--accept", "ask")["terms"]["accepts"] == []
    )
    (listed,) = lanxi.json(lanxi.bo, "thing", "list")["things"]
    assert (listed["name"], listed["lender_name"], listed["yours"]) == ("bike", "Bo", True)
    assert lanxi.good(lanxi.bo, "thing", "list", "-o", "csv").out.startswith("id,name,resource,")


@pytest.mark.parametrize(
    "typed",
    [
        ("--places", "0"),
        ("--places", "101"),
        ("--min", "4d"),
        ("--max", "93d"),
        ("--max", "soon"),
        ("--days", "some", "week"),
        ("--days", "2", "year"),
        ("--fee", "5", "furlongs", "1d"),
        ("--fee", "0", "EUR", "1d"),
        ("--accept", "driver"),
    ],
)
def test_terms_that_do_not_hold_are_refused(lanxi: Commons, typed: tuple[str, ...]) -> None:
    lanxi.refused(lanxi.bo, "thing", "terms", "bike", *typed)


def test_a_bike_is_booked_lent_and_brought_back(lanxi: Commons) -> None:
    asked = lanxi.good(lanxi.ana, "book", "bike", "tomorrow", "9:00-17:00").out
    assert asked.startswith("Asked, as ") and "09:00–17:00. It can be accepted until " in asked
    lanxi.meet()
    (row,) = lanxi.json(lanxi.bo, "book", "list")["bookings"]
    id = row["id"][:12]
    assert (row["state"], row["acts"]) == ("asked", ["accept", "decline"])
    accepted = lanxi.good(lanxi.bo, "book", "accept", id).out
    assert accepted.startswith("Accepted, by ") and "certain once it is final" in accepted
    assert "accepted, provisional" in lanxi.good(lanxi.bo, "book", "show", id).out
    lanxi.seal()
    assert "accepted, final at #3" in lanxi.good(lanxi.ana, "book", "list").out
    assert lanxi.good(lanxi.bo, "lend", id).out.startswith("Handed out, by ")
    lanxi.meet()
    assert lanxi.json(lanxi.ana, "return", id)["state"] == "back"
    lanxi.seal()
    shown = lanxi.good(lanxi.bo, "book", "show", id).out
    assert "back, final at #4" in shown and "from Bo to Ana" in shown and "back at " in shown
    assert "Nothing is booked." in lanxi.good(lanxi.mei, "book", "list").out


def test_what_is_taken_is_refused_with_who_has_it(lanxi: Commons) -> None:
    id = booked(lanxi, "tomorrow 9:00-17:00")
    lanxi.good(lanxi.bo, "book", "accept", id)
    lanxi.meet()
    refused = lanxi.refused(lanxi.mei, "book", "bike", "tomorrow 16:00-18:00")
    assert refused.code == 77
    assert "is taken: Ana has it" in refused.err and id[:8] in refused.err
    refused = lanxi.refused(lanxi.mei, "book", "bike", "in 2 weeks", "for 4 days")
    assert "longer than the terms" in refused.err
    refused = lanxi.refused(lanxi.mei, "book", "bike", "yesterday 9:00-10:00")
    assert refused.code


def test_a_booking_is_declined_and_cancelled(lanxi: Commons) -> None:
    one, two = booked(lanxi, "tomorrow 9:00-10:00"), booked(lanxi, "tomorrow 11:00-12:00")
    assert lanxi.good(lanxi.bo, "book", "decline", one).out.startswith("Declined, by ")
    assert lanxi.json(lanxi.ana, "book", "cancel", two)["state"] == "withdrawn"
    lanxi.meet()
    states = [row["state"] for row in lanxi.json(lanxi.bo, "book", "list", "--past")["bookings"]]
    assert states == ["declined", "withdrawn"]


def test_a_block_is_shown_and_lifted(lanxi: Commons) -> None:
    typed = ("thing", "block", "bike", "tomorrow", "--note", "new tyres")
    block = lanxi.json(lanxi.bo, *typed)
    lanxi.good(lanxi.bo, "thing", "block", "bike", "in 2 weeks", "--hint")
    lanxi.good(lanxi.bo, "thing", "block", "bike", "in 3 weeks", "--open")
    shown = lanxi.good(lanxi.bo, "thing", "terms", "bike").out
    assert ": new tyres (" in shown and "  Hint, " in shown and "  Not lent, from " in shown
    lanxi.meet()
    assert "out of use then" in lanxi.refused(lanxi.ana, "book", "bike", "tomorrow").err
    said = lanxi.good(lanxi.bo, "thing", "lift", block["id"][:8]).out
    assert said.startswith("Lent again: bike")
    lanxi.meet()
    assert booked(lanxi, "tomorrow")


def test_a_booking_as_a_table_and_as_json(lanxi: Commons) -> None:
    id = booked(lanxi, "tomorrow 9:00-17:00")
    sheet = lanxi.good(lanxi.ana, "book", "list", "-o", "csv").out.splitlines()
    assert sheet[0].startswith("id,clause,thing_id,name,lender,")
    assert sheet[1].startswith(id)
    shown: dict[str, Any] = lanxi.json(lanxi.ana, "book", "show", id)
    assert shown["begin"].endswith("Z") and shown["lapses"] == shown["end"]
    assert shown["final_at"] is None


def test_it_speaks_chinese(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    said = lanxi.good(lanxi.ana, "book", "bike", "明天 9:00-17:00").out
    assert said.startswith("已提出请求")
    assert "已请求，暂估" in lanxi.good(lanxi.ana, "book", "list").out
