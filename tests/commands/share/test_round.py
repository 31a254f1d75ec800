"""A giving round, typed: opened by a seal, given in, counted by a later one, and explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from commonweal.client import Member, inbox
from commonweal.client.home import reminders
from commonweal.client.home.submit import now_ms
from commonweal.client.sharing import points, seals
from commonweal.storage.home.home import Home
from tests.builders.commons import RULES, Commons

HOUR_MS = 3_600_000

CIRCLE = (
    RULES[: RULES.index("[[pools.income.buckets]]")]
    + """
[[pools.income.buckets]]
name = "thanks"
share = "100%"
to = "round"
round = "circle"
en = "By points."
zh = "按点数。"

[rounds.circle]
points = 100
most = 80
every_hours = 40
open_hours = 20
en = "Each member gives 100 points."
zh = "每人一百点。"
"""
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community whose round is open, and which earned 100 EUR."""
    first = tmp_path_factory.mktemp("round")
    made = Commons(first)
    made.adopt(CIRCLE, first)
    id: str = made.json(made.ana, "income", "100", "EUR")["id"]
    made.meet()
    made.good(made.mei, "attest", id[:12])
    made.seal()
    for home in made.all:
        reminders.remember_backup(home, now_ms())
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def seal_later(lanxi: Commons, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal as if so many hours had passed since now."""
    monkeypatch.setattr(seals, "now_ms", lambda: now_ms() + hours * HOUR_MS)
    lanxi.seal()


def the_round(lanxi: Commons, home: Home) -> dict[str, Any]:
    (found,) = lanxi.json(home, "round", "list")["rounds"]
    assert isinstance(found, dict)
    return found


def rows(home: Home) -> list[inbox.InboxRow]:
    with Member(home) as member:
        return [row for row in member.inbox().rows if row.kind == inbox.ROUND]


def test_points_are_given_changed_counted_paid_and_explained(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_now = the_round(lanxi, lanxi.mei)
    assert open_now["open"] and open_now["left"] == 100 and open_now["opens"] is None
    assert open_now["pools"] == ["income, thanks"]
    said = lanxi.good(lanxi.mei, "round", "give", "Bo", "50", "Ana", "10").out
    assert said.startswith("In the round circle you give:")
    assert "Ana 10" in said and "Bo 50" in said and "40 points are left, until" in said
    given = lanxi.json(lanxi.mei, "round", "give", "Ana", "30")
    assert given["left"] == 20
    assert {one["member_name"]: one["points"] for one in given["points"]} == {"Bo": 50, "Ana": 30}
    lanxi.good(lanxi.bo, "round", "give", "Ana", "20", "--round", "circle")
    taken_back = lanxi.json(lanxi.bo, "round", "give", "Ana", "0", "Mei", "20")
    assert [one["member_name"] for one in taken_back["points"]] == ["Mei"]
    lanxi.meet()
    shown = lanxi.good(lanxi.ana, "round", "show", "circle").out
    assert "100 of your 100 points are left" in shown and "provisional" in shown
    before = lanxi.json(lanxi.ana, "shares")
    assert before["shares"] == [] and before["pools"][0]["waits_for"] == ["circle"]
    assert "100.00 EUR, until somebody has points" in lanxi.good(lanxi.bo, "shares").out
    seal_later(lanxi, 21, monkeypatch)
    shares = lanxi.json(lanxi.ana, "shares")
    assert shares["pools"][0]["waits_for"] == []
    amounts = {one["member_name"]: one["amount"] for one in shares["shares"]}
    assert amounts == {"Bo": "50.00", "Ana": "30.00", "Mei": "20.00"}
    lines = lanxi.json(lanxi.ana, "shares", "--lines")["lines"]
    line = next(one["line"] for one in lines if one["member_name"] == "Ana")
    why = lanxi.good(lanxi.bo, "explain", line).out
    assert "30 of 100 of 100.00 EUR" in why
    assert "points of 1 member:" in why and "Mei gave 30 points" in why
    counted = the_round(lanxi, lanxi.ana)
    assert not counted["open"] and counted["left"] is None and counted["opens"]
    assert "again from" in lanxi.good(lanxi.ana, "round", "list").out
    late = lanxi.refused(lanxi.ana, "round", "give", "Bo", "10")
    assert late.code == 77 and "no such round is open" in late.err


def test_points_wait_for_income_and_are_listed(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanxi.good(lanxi.mei, "round", "give", "Bo", "50")
    seal_later(lanxi, 21, monkeypatch)
    assert "No points of it wait" in lanxi.good(lanxi.bo, "round", "show", "circle").out
    seal_later(lanxi, 41, monkeypatch)
    assert the_round(lanxi, lanxi.bo)["open"]
    lanxi.good(lanxi.bo, "round", "give", "Ana", "7")
    seal_later(lanxi, 62, monkeypatch)
    (waiting,) = lanxi.json(lanxi.mei, "round", "show", "circle")["waiting"]
    assert (waiting["member_name"], waiting["points"], waiting["bucket"]) == ("Ana", 7, "thanks")
    sheet = lanxi.good(lanxi.mei, "round", "show", "circle", "-o", "csv").out
    assert sheet.splitlines() == ["member,member_name,points", f"{waiting['member']},Ana,7"]
    assert lanxi.good(lanxi.mei, "round", "list", "-o", "csv").out.startswith("round,open,")


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [
        (("Bo",), 2, "a member and a number"),
        (("Bo", "1", "Ana"), 2, "a member and a number"),
        (("Bo", "x"), 2, "a whole number"),
        (("Bo", "-1"), 2, ""),
        (("Bo", "1.5"), 2, "a whole number"),
        (("Bo", "9" * 19), 2, "a whole number"),
        (("Bo", "1", "Bo", "2"), 2, "named twice"),
        (("Bo", "81"), 77, "to one other"),
        (("Bo", "60", "Ana", "41"), 77, "more points than a member has"),
        (("Mei", "1"), 77, "to themselves"),
        (("Nobody", "1"), 65, ""),
        (("Bo", "0"), 77, "said so already"),
        (("Bo", "1", "--round", "ring"), 65, "ring"),
    ],
)
def test_what_cannot_be_given_is_refused_and_nothing_is_written(
    lanxi: Commons, typed: tuple[str, ...], code: int, words: str
) -> None:
    refused = lanxi.refused(lanxi.mei, "round", "give", *typed)
    assert refused.code == code, refused
    assert words in refused.err


def test_so_many_receivers_and_no_more(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "RECEIVERS_MAX", 1)
    refused = lanxi.refused(lanxi.mei, "round", "give", "Bo", "1", "Ana", "1")
    assert refused.code == 2 and "to 1 others at most" in refused.err
    assert lanxi.json(lanxi.mei, "round", "give", "Bo", "1", "Ana", "0")["left"] == 99


def test_where_several_rounds_are_open_one_is_named(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("two")
    lanxi = Commons(folder)
    lanxi.adopt(f'{CIRCLE}\n[rounds.ring]\nen = "Another."\nzh = "另一轮。"\n', folder)
    refused = lanxi.refused(lanxi.mei, "round", "give", "Bo", "1")
    assert refused.code == 2 and "circle, ring" in refused.err
    assert lanxi.json(lanxi.mei, "round", "give", "Bo", "1", "--round", "ring")["left"] == 99
    assert len(rows(lanxi.mei)) == 1, "the inbox has the other one still"
    with Member(lanxi.mei) as mei:
        mei.told(mei.inbox_digest())
        assert not mei.inbox_digest().new


def test_the_inbox_says_that_points_can_be_given(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = rows(lanxi.bo)
    assert row.words == "you have 100 points to give to others in the round circle"
    assert row.command == "weal round give --round circle MEMBER POINTS"
    assert row.until_ms is not None and row.until_ms > now_ms()
    lanxi.good(lanxi.bo, "round", "give", "--round", "circle", "Ana", "5")
    assert not rows(lanxi.bo) and rows(lanxi.ana)
    seal_later(lanxi, 21, monkeypatch)
    assert not rows(lanxi.ana), "the round is counted"


def test_rounds_speak_chinese(lanxi: Commons) -> None:
    with Member(lanxi.bo, language="zh") as bo:
        (row,) = [row for row in bo.inbox().rows if row.kind == inbox.ROUND]
    assert "100" in row.words and "points" not in row.words


def test_a_community_without_rounds_lists_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    lanxi = Commons(tmp_path_factory.mktemp("none"))
    assert "No giving round was opened" in lanxi.good(lanxi.mei, "round", "list").out
    assert lanxi.refused(lanxi.mei, "round", "give", "Bo", "1").code == 77
    assert lanxi.refused(lanxi.mei, "round", "show", "circle").code == 65
