"""`weal offer`, `weal need` and `weal market`: what is typed, what is read, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from commonweal.commands.exchange.market.market import FIELDS
from commonweal.commands.exchange.market.offer_options import joined
from tests.builders.commons import Commons


def offers(lanxi: Commons, *typed: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = lanxi.json(lanxi.bo, "market", *typed)["offers"]
    return listed


def test_an_offer_is_typed_in_one_line(lanxi: Commons) -> None:
    typed = (
        "bike repair",
        "2",
        "hours",
        "--for",
        "10",
        "EUR",
        "--tag",
        "bike",
        "--until",
        "31.12.",
    )
    ran = lanxi.good(lanxi.bo, "offer", *typed)
    assert ran.out.startswith("Offered, as ")
    assert "bike repair 2 hour. All members can read it. It stands until" in ran.out
    (offer,) = offers(lanxi)
    assert (offer["title"], offer["tags"]) == ("bike repair", ["bike"])
    assert [price["quantity"] for price in offer["price"]] == ["10"]
    assert offer["end"].endswith("Z")


@pytest.mark.parametrize("title", ["{id} {0.__class__} {", "\x1b[2Jx", "\u202egnp.exe", "=1+1"])
def test_a_title_commands_neither_the_terminal_nor_a_sheet(lanxi: Commons, title: str) -> None:
    ran = lanxi.good(lanxi.bo, "offer", "new", title, "1", "hour")
    listed = lanxi.good(lanxi.bo, "market")
    for told in (ran.out, listed.out):
        assert "\x1b" not in told
        assert "\u202e" not in told
    if "{" in title:
        assert "{id} {0.__class__} {" in ran.out
    sheet = lanxi.good(lanxi.bo, "market", "-o", "csv").out
    assert ("'" + title in sheet) is title.startswith("=")
    assert offers(lanxi)[0]["title"] == " ".join(title.split())


def test_a_need_is_typed_in_one_line(lanxi: Commons) -> None:
    lanxi.good(lanxi.bo, "need", "plumber", "2", "hours", "--by", "friday")
    (need,) = offers(lanxi, "--needs")
    assert (need["sort"], need["due"]) == ("need", need["end"])
    assert offers(lanxi, "--offers") == []


def test_a_title_that_is_a_command_is_offered_by_new(lanxi: Commons) -> None:
    lanxi.good(lanxi.bo, "offer", "new", "renew", "1", "hour", "--for", "30 EUR an hour")
    lanxi.good(lanxi.bo, "offer", "--tag", "bike", "advice", "1", "hour")
    assert [offer["title"] for offer in offers(lanxi)] == ["advice", "renew"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("--for 10 EUR --tag x", ["--for", "10 EUR", "--tag", "x"]),
        ("--for 30 EUR an hour", ["--for", "30 EUR an hour"]),
        ("--for 30 EUR each", ["--for", "30 EUR each"]),
        ("--for 10EUR bread", ["--for", "10EUR", "bread"]),
        ("--for 10 EUR bread 1 kg", ["--for", "10 EUR", "bread", "1", "kg"]),
        ("--for 2.5 hours", ["--for", "2.5 hours"]),
        ("--for", ["--for"]),
        ("--for 10", ["--for", "10"]),
        ("--until in 2 weeks", ["--until", "in 2 weeks"]),
        ("--by 2 weeks", ["--by", "2 weeks"]),
        ("--by friday bread", ["--by", "friday", "bread"]),
        ("--from on friday", ["--from", "on friday"]),
        ("-- --for 10 EUR", ["--", "--for", "10", "EUR"]),
    ],
)
def test_prices_and_days_need_no_quotes(typed: str, words: list[str]) -> None:
    assert joined(typed.split()) == words


def test_a_sheet_has_one_row_for_each_offer(lanxi: Commons) -> None:
    lanxi.good(lanxi.bo, "offer", "apples", "5", "kg", "--also", "pears 3 kg", "--for", "2 hours")
    lines = lanxi.good(lanxi.bo, "market", "-o", "csv").out.splitlines()
    assert lines[0] == ",".join(FIELDS)
    cells = dict(
        zip(FIELDS, lines[1].replace('"apples, pears"', "apples & pears").split(","), strict=True)
    )
    assert (cells["title"], cells["left"], cells["unit"]) == ("apples & pears", "5", "kilogram")
    assert (cells["price"], cells["state"]) == ("2 hour", "open")


def test_the_list_says_as_of_when_it_stands(lanxi: Commons) -> None:
    lanxi.good(lanxi.bo, "offer", "advice", "1", "hour")
    assert "As of the last seal, #1 of " in lanxi.good(lanxi.bo, "market").out
    value = lanxi.json(lanxi.bo, "market")
    assert (value["height"], value["total"]) == (1, 1)
    assert value["at"].endswith("Z")


def test_an_empty_market_says_how_to_begin(lanxi: Commons) -> None:
    assert "To begin: weal offer" in lanxi.good(lanxi.bo, "market").out


def test_an_offer_is_paused_resumed_renewed_and_withdrawn(lanxi: Commons) -> None:
    id = lanxi.json(lanxi.bo, "offer", "advice", "1", "hour", "--until", "in 2 weeks")["id"]
    lanxi.good(lanxi.bo, "offer", "pause", id[:8])
    assert offers(lanxi) == []
    (mine,) = offers(lanxi, "--mine")
    assert mine["state"] == "paused"
    lanxi.good(lanxi.bo, "offer", "resume", id[:8])
    renewed = lanxi.json(lanxi.bo, "offer", "renew", id[:8], "--until", "in 3 weeks")
    assert renewed["replaces"] == id
    lanxi.refused(lanxi.bo, "offer", "renew", id[:8])
    withdrawn = lanxi.json(lanxi.bo, "offer", "withdraw", renewed["id"][:8])
    assert withdrawn["offer"] == renewed["id"]
    assert offers(lanxi, "--mine") == []


def test_a_need_is_paused_resumed_renewed_and_withdrawn(lanxi: Commons) -> None:
    id = lanxi.json(lanxi.bo, "need", "advice", "1", "hour", "--by", "in 2 weeks")["id"]
    lanxi.good(lanxi.bo, "need", "pause", id[:8])
    lanxi.good(lanxi.bo, "need", "resume", id[:8])
    id = lanxi.json(lanxi.bo, "need", "renew", id[:8])["id"]
    lanxi.good(lanxi.bo, "need", "withdraw", id[:8])
    assert offers(lanxi, "--mine") == []


REFUSED = {
    "nothing": (("offer", "x", "0", "hours"), "0 is nothing"),
    "least": (("offer", "x", "1", "hour", "--minimum", "2"), "name less"),
    "past": (("need", "x", "1", "hour", "--by", "2020-01-01"), "is past"),
    "order": (("offer", "x", "1", "hour", "--from", "in 2 weeks", "--until", "in 1 week"), "later"),
    "unit": (("offer", "x", "1", "blorp"), "weal unit new"),
    "member": (("offer", "x", "1", "hour", "--to", "Nobody"), "Nobody"),
    "role": (("offer", "x", "1", "hour", "--to", "Nobody"), "co-owner, producer"),
    "price": (("offer", "x", "1", "hour", "--for", "much"), "10 EUR"),
    "also": (("offer", "x", "1", "hour", "--also", "pears"), "--also"),
    "id": (("offer", "withdraw", "ffffffff"), "ffffffff"),
    "both": (("market", "--offers", "--needs"), "--needs"),
    "tag": (("market", "--tag", "bike"), "bike"),
    "few words": (("offer", "bread", "2"), "UNIT"),
    "17": (("offer", "x", "1", "hour", *("--also", "y 1 hour") * 16), "16"),
}


@pytest.fixture(scope="module")
def untouched(scene: Callable[[], Commons]) -> Commons:
    return scene()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said_and_nothing_is_written(untouched: Commons, name: str) -> None:
    typed, said = REFUSED[name]
    ran = untouched.refused(untouched.bo, *typed)
    assert said in ran.err, ran
    assert "Traceback" not in ran.err


def test_all_of_it_is_read_in_chinese(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    ran = lanxi.good(
        lanxi.bo, "offer", "修车", "2", "小时", "--for", "30元每小时", "--until", "12月31日"
    )
    assert "所有成员" in ran.out
    assert "每小时" in lanxi.good(lanxi.bo, "market").out
    assert "角色有" in lanxi.refused(lanxi.bo, "offer", "x", "1", "hour", "--to", "无名").err
