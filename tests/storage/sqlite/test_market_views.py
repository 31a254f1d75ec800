"""The views `offers` and `needs`: what the market lists, in SQL."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from commonweal.client import Member
from commonweal.client.exchange.offer_rows import ListedOffer
from tests.builders.commons import RULES, Commons
from tests.client.exchange.deals import take

COLUMNS = (
    *("id", "number", "intent", "member", "clock", "agent", "action", "quantity_n"),
    *("quantity_scale", "unit", "left_n", "left_scale", "met_n", "met_scale", "minimum_n"),
    *("minimum_scale", "specification", "resource", "tags", "scope", "place", "prices"),
    *("price_n", "price_scale", "price_unit", "unit_based", "begin", "end", "due", "state"),
    "final",
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    first = tmp_path_factory.mktemp("views")
    made = Commons(first)
    made.adopt(RULES, first)
    with Member(made.bo) as bo:
        bo.specify_resource("apples", unit="kilogram")
        bo.offer("Bike repair", 5, "hours", price=["10.50 EUR an hour"], tags=["bike", "home"])
        fruit = [("pears", "3", "kg")]
        bo.offer("apples", 2, "kg", more=fruit, spec="apples", price=["1 hour", "2 EUR"])
        bo.need("plumber", "1.5", "hours", due="in 2 weeks", minimum="1", place="yard")
        paused = bo.offer("paused", 1, "hour", since="in 1 week", until="in 2 weeks")
        bo.pause_offer(paused.id)
        bo.withdraw_offer(bo.offer("withdrawn", 1, "hour").id)
        bo.renew_offer(bo.offer("renewed", 1, "hour", until="in 2 weeks").id, until="in 3 weeks")
    made.meet()
    return made.copies(tmp_path_factory)


def rows(lanxi: Commons, view: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = lanxi.json(
        lanxi.bo, "sql", f"SELECT * FROM {view} ORDER BY clock, id, number"
    )["rows"]
    return told


def amount(row: dict[str, Any], name: str) -> Decimal:
    return Decimal(row[f"{name}_n"]).scaleb(-row[f"{name}_scale"])


@pytest.mark.parametrize(("view", "sort"), [("offers", "offer"), ("needs", "need")])
def test_the_views_have_what_the_market_lists(
    scene: Callable[[], Commons], view: str, sort: str
) -> None:
    lanxi = scene()
    with Member(lanxi.bo) as bo:
        listed = bo.market(sort=sort, state="all").offers
    told = rows(lanxi, view)
    assert sorted(told[0]) == sorted(COLUMNS)
    parts = {(offer.id.hex(), n): (offer, n) for offer in listed for n in range(len(offer.parts))}
    assert {(row["id"], row["number"] - 1) for row in told} == parts.keys()
    for row in told:
        same(row, *parts[row["id"], row["number"] - 1])


def same(row: dict[str, Any], offer: ListedOffer, number: int) -> None:
    """Assert that a row says what the market says of a part of an offer."""
    part = offer.parts[number]
    assert row["intent"] == part.intent.hex()
    assert (row["member"], row["agent"]) == (offer.member.hex(), offer.agent.hex())
    assert [amount(row, name) for name in ("quantity", "left", "met")] == [
        part.quantity,
        part.left,
        part.came,
    ]
    assert (row["minimum_n"] is None) is (part.minimum is None)
    assert (row["action"], row["unit"], row["specification"]) == (
        part.action,
        part.unit,
        part.what,
    )
    assert (row["state"], row["place"]) == (offer.state, offer.place)
    assert row["tags"] == ",".join(offer.tags)
    assert row["prices"] == len(offer.price)
    assert row["unit_based"] == (offer.price_units is not None)
    if offer.price:
        first = offer.price[0]
        assert (amount(row, "price"), row["price_unit"]) == (first.quantity, first.unit)
    for name, at_ms in (("begin", offer.begin_ms), ("end", offer.end_ms), ("due", offer.due_ms)):
        assert (row[name] is None) is (at_ms is None)


def test_a_row_follows_what_is_taken_and_becomes_final(scene: Callable[[], Commons]) -> None:
    lanxi = scene()
    with Member(lanxi.bo) as bo:
        made = bo.offer("advice", 4, "hours")
    take(lanxi, made.intents[0], 1)
    (row,) = [row for row in rows(lanxi, "offers") if row["id"] == made.id.hex()]
    assert (amount(row, "left"), row["state"], row["final"]) == (Decimal(3), "partly", 0)
    take(lanxi, made.intents[0], 3)
    lanxi.seal()
    (row,) = [row for row in rows(lanxi, "offers") if row["id"] == made.id.hex()]
    assert (amount(row, "left"), row["state"], row["final"]) == (Decimal(0), "met", 1)


def test_what_has_ended_is_found_by_its_end(scene: Callable[[], Commons]) -> None:
    lanxi = scene()
    lanxi.seal()
    query = 'SELECT count(*) AS n FROM needs WHERE "end" <= (SELECT max(time) FROM seals)'
    assert lanxi.json(lanxi.bo, "sql", query)["rows"] == [{"n": 0}]
    query = query.replace("<=", ">")
    assert lanxi.json(lanxi.bo, "sql", query)["rows"] == [{"n": 1}]
