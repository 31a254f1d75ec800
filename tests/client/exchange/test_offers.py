"""Offers and needs: written at once, refused before anything is written, renewed and withdrawn."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from commonweal.client.exchange.offer_terms import OfferTerms
from commonweal.client.home.submit import now_ms
from commonweal.client.language.days import read_until_ms
from commonweal.node.service.events import Wish
from commonweal.protocol.errors import (
    AmbiguousId,
    AmbiguousUnit,
    CommonwealError,
    UnfitDay,
    UnfitOffer,
    UnknownAction,
    UnknownId,
    UnreadableQuantity,
    UnreadableTime,
    UnusableText,
    WouldNotCount,
)
from commonweal.protocol.records.record import RecordId
from tests.builders import homes
from tests.builders.commons import Commons
from tests.client.exchange.deals import at, intent, take


def test_an_offer_is_its_intents_what_it_asks_and_itself(lanxi: Commons) -> None:
    before = lanxi.records(lanxi.bo)
    with at(lanxi.bo) as bo:
        made = bo.offer(
            "bike  repair",
            2,
            "hours",
            price=["10 EUR"],
            tags=["Bike", "#repair"],
            until="31.12.",
            note="bring the bike",
        )
        row = intent(bo, made.intents[0])
        assert (row.provider, row.receiver, row.action) == (bo.view.me, None, "work")
        assert row.quantity == [2, 0, "hour"]
        assert row.tags == ["bike", "repair"]
        assert row.end == made.end_ms == read_until_ms("31.12.", now_ms())
    assert lanxi.records(lanxi.bo) == before + 3
    lanxi.meet()
    with at(lanxi.ana) as ana:
        (offer,) = ana.market().offers
    assert (offer.id, offer.sort, offer.state) == (made.id, "offer", "open")
    assert (offer.title, offer.note) == ("bike repair", "bring the bike")
    assert (offer.agent_name, offer.is_mine, offer.is_to_me) == ("Bo", False, True)
    (price,) = offer.price
    assert (price.quantity, price.unit, offer.price_units) == (Decimal(10), "EUR", None)


def test_a_need_by_a_day_ends_with_it(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        made = bo.need("plumber", 90, "minutes", due="in 2 weeks")
        row = intent(bo, made.intents[0])
        assert (row.receiver, row.provider) == (bo.view.me, None)
        assert row.quantity == [15, 1, "hour"], "so that it meets offers in hours"
        assert row.due == row.end == read_until_ms("in 2 weeks", now_ms())
        later = bo.need("plumber", 1, "hour", due="in 1 week", until="in 2 weeks")
        row = intent(bo, later.intents[0])
        assert row.due is not None and row.end is not None and row.due < row.end
        offered = bo.offer("apples", 1, "hour", due="in 1 week")
        assert intent(bo, offered.intents[0]).end is None, "an offer stands until it is withdrawn"


def test_a_price_for_each_unit_is_that_of_one(lanxi: Commons) -> None:
    """Valueflows: 1 hour at 30, at least 16, unit based; 20 hours of work are 600."""
    with at(lanxi.bo) as bo:
        made = bo.offer("Work", 40, "hours", price=["30 EUR an hour"], minimum="16 hours")
        row = intent(bo, made.intents[0])
        assert (row.quantity, row.available) == ([1, 0, "hour"], [40, 0, "hour"])
        assert row.minimum == [16, 0, "hour"]
        offer = bo.offer_of(made.id)
        (price,) = offer.price
        asked = intent(bo, price.intent)
        assert (asked.quantity, asked.available) == ([30, 0, "EUR"], [1200, 0, "EUR"])
        assert asked.receiver == bo.view.me
        assert (offer.price_units, offer.parts[0].left) == (Decimal(1), Decimal(40))
        finer = bo.offer("Work", "0.5", "hours", price=["0.30 EUR an hour"])
        (price,) = bo.offer_of(finer.id).price
        assert intent(bo, price.intent).available == [15, 2, "EUR"]


def test_one_offer_holds_several_things(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        more = [("pears", "3", "kg"), ("plums", "1", "kg")]
        made = bo.offer("apples", 5, "kg", more=more, price=["2 hours"])
        offer = bo.offer_of(made.id)
    named = [(part.title, part.left, part.unit) for part in offer.parts]
    assert named == [
        ("apples", Decimal(5), "kilogram"),
        ("pears", Decimal(3), "kilogram"),
        ("plums", Decimal(1), "kilogram"),
    ]
    assert {part.action for part in offer.parts} == {"transfer"}


def test_the_kind_of_a_price_is_a_specification_or_a_word(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        bo.specify_resource("cider")
        made = bo.offer("apples", 1, "hour", price=["10 l of cider", "2 l juice"])
        offer = bo.offer_of(made.id)
        cider, juice = offer.price
        assert (cider.what, juice.what) == ("cider", "juice")
        assert intent(bo, cider.intent).spec is not None
        assert intent(bo, juice.intent).spec is None


BAD: dict[str, tuple[tuple[str, str, str], OfferTerms, type[CommonwealError], str]] = {
    "nothing": (("x", "0", "hours"), {}, UnfitOffer, "quantity"),
    "a comma": (("x", "1,5", "hours"), {}, UnreadableQuantity, "quantity"),
    "no unit": (("x", "1", "m"), {}, AmbiguousUnit, "quantity"),
    "unknown unit": (("x", "1", "blorp"), {}, WouldNotCount, ""),
    "no title": ((" ", "1", "hour"), {}, UnusableText, "what"),
    "long title": (("x" * 101, "1", "hour"), {}, UnusableText, "what"),
    "17 things": (("x", "1", "hour"), {"more": [("y", "1", "hour")] * 16}, UnfitOffer, "what"),
    "least above all": (("x", "1", "hour"), {"minimum": "2"}, UnfitOffer, "minimum"),
    "least of nothing": (("x", "1", "hour"), {"minimum": "0"}, UnfitOffer, "minimum"),
    "least of another unit": (("x", "1", "hour"), {"minimum": "1 kg"}, UnfitOffer, "minimum"),
    "end past": (("x", "1", "hour"), {"until": "2020-01-01"}, UnfitDay, "until"),
    "due past": (("x", "1", "hour"), {"due": "2020-01-01"}, UnfitDay, "due"),
    "end before begin": (
        ("x", "1", "hour"),
        {"since": "in 2 weeks", "until": "in 1 week"},
        UnfitDay,
        "until",
    ),
    "due after end": (
        ("x", "1", "hour"),
        {"due": "in 9 days", "until": "in 8 days"},
        UnfitDay,
        "until",
    ),
    "no day": (("x", "1", "hour"), {"until": "soon"}, UnreadableTime, "until"),
    "no begin": (("x", "1", "hour"), {"since": "12/31"}, UnreadableTime, "since"),
    "unknown member": (("x", "1", "hour"), {"to": ["Nobody"]}, UnknownId, "to"),
    "oneself": (("x", "1", "hour"), {"to": ["Bo"]}, UnfitOffer, "to"),
    "unknown kind": (("x", "1", "hour"), {"spec": "nope"}, UnknownId, "spec"),
    "unknown thing": (("x", "1", "hour"), {"resource": "nope"}, UnknownId, "resource"),
    "unknown action": (("x", "1", "hour"), {"action": "dance"}, UnknownAction, "action"),
    "long tag": (("x", "1", "hour"), {"tags": ["x" * 65]}, UnusableText, "tags"),
    "hidden tag": (("x", "1", "hour"), {"tags": ["\u202e"]}, UnusableText, "tags"),
    "9 tags": (("x", "1", "hour"), {"tags": list("abcdefghi")}, UnfitOffer, "tags"),
    "tags alike": (("x", "1", "hour"), {"tags": ["bike", "bіke"]}, UnfitOffer, "tags"),
    "long place": (("x", "1", "hour"), {"place": "x" * 33}, UnusableText, "place"),
    "price of nothing": (("x", "1", "hour"), {"price": ["0 EUR"]}, UnfitOffer, "price"),
    "price a day": (("x", "1", "hour"), {"price": ["1 EUR a day"]}, UnfitOffer, "price"),
    "two sorts of price": (
        ("x", "1", "hour"),
        {"price": ["1 EUR", "1 EUR an hour"]},
        UnfitOffer,
        "price",
    ),
    "price for each of several": (
        ("x", "1", "hour"),
        {"price": ["1 EUR an hour"], "more": [("y", "1", "hour")]},
        UnfitOffer,
        "price",
    ),
    "price beyond what is kept": (
        ("x", "9000000000000000000", "hours"),
        {"price": ["9000000000000000000 EUR an hour"]},
        UnreadableQuantity,
        "",
    ),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("sort", ["offer", "need"])
def test_what_cannot_be_published_is_refused_before_it_is_written(
    shared: Commons, name: str, sort: str
) -> None:
    part, terms, error, field = BAD[name]
    before = shared.records(shared.bo)
    with at(shared.bo) as bo:
        publish = bo.offer if sort == "offer" else bo.need
        with pytest.raises(error) as refused:
            publish(*part, **terms)
        assert type(refused.value) is error
        with pytest.raises(error):
            bo.preview_offer(sort, *part, **terms)
        assert bo.wrong_field(sort, *part, **terms) == field
    assert shared.records(shared.bo) == before


@pytest.fixture(scope="module")
def shared(trading_once: Any) -> Commons:
    """A community in which nothing is written by the tests that use it."""
    made: Commons = trading_once()
    return made


def test_an_offer_is_meant_for_so_many_at_most(
    shared: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commonweal.client.exchange.offer_terms.PROPOSED_TO_MAX", 2)
    with at(shared.bo) as bo:
        assert bo.preview_offer("offer", "x", 1, "hour", to=["Ana", "Mei"]).to == ("Ana", "Mei")
        with pytest.raises(UnfitOffer, match="2"):
            bo.preview_offer("offer", "x", 1, "hour", to=["Ana", "Mei", "producer"])


def test_a_preview_writes_nothing_and_says_what_becomes_public(lanxi: Commons) -> None:
    before = lanxi.records(lanxi.bo)
    with at(lanxi.bo) as bo:
        shown = bo.preview_offer(
            "need", "plumber", 2, "hours", price=["20 EUR an hour"], to=["Ana", "producer"]
        )
    assert shown.amounts == (("plumber", "2 hour"),)
    assert shown.price == "20 EUR per hour"
    assert (shown.to, shown.agent_name) == (("Ana", "producer"), "Bo")
    assert lanxi.records(lanxi.bo) == before


def test_a_tag_that_looks_like_one_in_use_is_asked_about(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        bo.offer("repair", 1, "hour", tags=["bike"])
    lanxi.meet()
    with at(lanxi.ana) as ana:
        with pytest.raises(UnfitOffer, match="bike"):
            ana.need("a bike", 1, "hour", tags=["bіke"])  # a Cyrillic i
        assert ana.need("a bike", 1, "hour", tags=["BIKE"]).title == "a bike"


def test_a_member_whose_name_looks_like_another_s_is_named_by_id(lanxi: Commons) -> None:
    homes.write(lanxi.ana, Wish("member.profile", {}, text=_text("Mеi")))  # a Cyrillic e
    lanxi.meet()
    with at(lanxi.bo) as bo:
        with pytest.raises(AmbiguousId, match="Mei"):
            bo.offer("repair", 1, "hour", to=["Mei"])
        mei = next(row.member for row in bo.members() if row.name == "Mei")
        made = bo.offer("repair", 1, "hour", to=[mei.hex()])
        assert bo.offer_of(made.id).to == ("Mei",)


def test_what_is_meant_for_some_is_listed_for_them_alone(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        bo.offer("repair", 1, "hour", to=["Ana"])
        bo.offer("advice", 1, "hour", to=["producer"])
    lanxi.meet()
    with at(lanxi.ana) as ana, at(lanxi.mei) as mei:
        assert [offer.title for offer in ana.market(mine=False).offers] == ["repair"]
        assert [offer.title for offer in mei.market(mine=False).offers] == []
        assert len(mei.market().offers) == 2, "it is no secret"
        ana.claim_role("producer")
    lanxi.meet()
    with at(lanxi.mei) as mei:
        mei.endorse_role("Ana", "producer")
    lanxi.seal()
    with at(lanxi.ana) as ana:
        titles = [offer.title for offer in ana.market(mine=False).offers]
    assert titles == ["advice", "repair"]


def test_a_thing_is_offered_by_whoever_has_it_and_is_theirs_no_more_when_it_left(
    lanxi: Commons,
) -> None:
    with at(lanxi.bo) as bo:
        bike = bo.add_resource("bike", 1, "piece").id
        made = bo.offer("a bike", 1, "piece", resource="bike", price=["15 EUR"])
        assert bo.offer_of(made.id).parts[0].resource == bike
    lanxi.meet()
    with at(lanxi.ana) as ana:
        with pytest.raises(UnfitOffer, match="Bo"):
            ana.offer("a bike", 1, "piece", resource="bike")
        needed = ana.need("a bike", 1, "piece", resource="bike")
        assert ana.offer_of(needed.id).parts[0].is_theirs, "whoever needs a thing need not own it"
    with at(lanxi.bo) as bo:
        bo.record("transfer", 1, "piece", resource="bike", receiver="Ana", new_resource="")
    lanxi.meet()
    with at(lanxi.mei) as mei:
        offer = mei.offer_of(made.id)
    assert (offer.state, offer.parts[0].is_theirs) == ("open", False)


def test_a_thing_that_is_lent_is_offered_for_use_by_who_has_it(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        bo.add_resource("ladder", 1, "piece")
        bo.lend("ladder", "Ana")
    lanxi.meet()
    with at(lanxi.ana) as ana:
        made = ana.offer("the ladder", 8, "hours", resource="ladder")
        part = ana.offer_of(made.id).parts[0]
        assert (part.action, part.is_theirs) == ("use", True)
        with pytest.raises(UnfitOffer):
            ana.offer("the ladder", 1, "piece", resource="ladder")


def test_two_offers_of_one_thing_are_met_together(lanxi: Commons) -> None:
    """Valueflows: a used bike for 15 USD, and later for nothing; one is taken, the other is met."""
    with at(lanxi.bo) as bo:
        bike = bo.add_resource("bike", 1, "piece").id
        made = bo.offer("a bike", 1, "piece", resource="bike", price=["15 EUR"])
    free = homes.write(
        lanxi.bo,
        Wish(
            "proposal.offer",
            {"purpose": "offer", "publishes": [bytes(made.intents[0])]},
            (RecordId(made.intents[0]),),
        ),
    )[0]["id"]
    lanxi.meet()
    with at(lanxi.ana) as ana:
        assert {offer.state for offer in ana.market().offers} == {"open"}
        assert len(ana.market().offers) == 2
    take(lanxi, made.intents[0], 1, "one", bike)
    with at(lanxi.ana) as ana:
        assert [ana.offer_of(id).state for id in (made.id, free)] == ["met", "met"]


def test_any_member_speaks_for_the_community_where_no_role_does(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        assert bo.may_speak_for_community()
        made = bo.need("gardener", 3, "hours", common=True)
        offer = bo.offer_of(made.id)
        assert (offer.agent, offer.agent_name) == (bo.view.community, "the community")
    lanxi.meet()
    with at(lanxi.ana) as ana:
        assert not ana.offer_of(made.id).is_mine


def _text(name: str) -> Any:
    from commonweal.node.service.events import Text

    return Text("text/plain", name.encode())


def test_a_need_is_due_with_the_command_that_meets_it(lanxi: Commons) -> None:
    with at(lanxi.ana) as ana:
        ana.need("Plumber", 2, "hours", due="in 2 weeks")
    lanxi.meet()
    due = {}
    for name in ("ana", "bo"):
        with at(getattr(lanxi, name)) as me:
            (due[name],) = (row for row in me.deadlines().deadlines if row.kind == "intent")
    title = "is wanted: Ana · Plumber · work 2 hour"
    assert (due["ana"].title, due["ana"].command) == (title, "")
    wanted = due["bo"].name.removeprefix("intent-")[:16]
    assert (due["bo"].title, due["bo"].command) == (title, f"weal deal propose {wanted}")
    lanxi.good(lanxi.bo, *due["bo"].command.split()[1:])
