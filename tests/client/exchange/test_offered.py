"""Deals from offers, needs and matches: how much, for what, and why one cannot be taken."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.client import Member
from commonweal.client.exchange.deals import rows
from commonweal.protocol.errors import UnreadableQuantity, UsageError, WouldNotCount
from commonweal.protocol.records.record import RecordId
from tests.builders.commons import Commons
from tests.client.exchange.dealing import at, deal, did, intent, write


def published(lanxi: Commons, n: int = 2, price: int = 30, **more: Any) -> RecordId:
    """Let Bo offer hours of work for money, and all hold it; return the offer."""
    given = intent(lanxi.bo, "work", n, "hour", **more)
    back = intent(lanxi.bo, "transfer", price, "EUR", needed=True)
    data = {"purpose": "offer", "publishes": [given], "reciprocal": [back], "unitBased": False}
    offer = write(lanxi.bo, "proposal.offer", data, given, back)
    lanxi.meet()
    return offer


def test_an_offer_is_taken_whole_or_in_part(lanxi: Commons) -> None:
    offer = published(lanxi)
    terms = at(lanxi.ana, lambda me: me.terms_from(offer))
    assert [(c.giver, c.taker, c.quantity, c.unit, c.in_return) for c in terms] == [
        ("Bo", "Ana", "2", "hour", False),
        ("Ana", "Bo", "30", "EUR", True),
    ]
    part = at(lanxi.ana, lambda me: me.terms_from(offer, "0.5"))
    assert [c.quantity for c in part] == ["0.5", "7.5"]
    third = at(lanxi.ana, lambda me: me.terms_from(offer, "0.7"))
    assert [c.quantity for c in third] == ["0.7", "10.5"]
    made = at(lanxi.ana, lambda me: me.propose_from(offer, 1, due="3d"))
    assert made.words == "work 1 hour · Bo → Ana, for: transfer 15 EUR · Ana → Bo"
    lanxi.meet()
    at(lanxi.bo, lambda me: me.accept_deal(made.id))
    lanxi.meet()
    left = at(lanxi.mei, lambda me: me.terms_from(offer))
    assert [c.quantity for c in left] == ["1", "15"]
    assert all(c.due_ms is not None for c in deal(lanxi.ana, made.id).terms)


def test_an_offer_by_the_unit_is_taken_by_a_number_of_units(lanxi: Commons) -> None:
    available = {"n": 40, "scale": 0, "unit": "hour"}
    least = {"n": 16, "scale": 0, "unit": "hour"}
    given = intent(lanxi.bo, "work", 1, "hour", availableQuantity=available, minimumQuantity=least)
    price = {"n": 1200, "scale": 0, "unit": "EUR"}
    back = intent(lanxi.bo, "transfer", 30, "EUR", needed=True, availableQuantity=price)
    data = {"purpose": "offer", "publishes": [given], "reciprocal": [back], "unitBased": True}
    offer = write(lanxi.bo, "proposal.offer", data, given, back)
    lanxi.meet()
    terms = at(lanxi.ana, lambda me: me.terms_from(offer, 20))
    assert [c.quantity for c in terms] == ["20", "600"]
    assert [c.satisfies for c in terms] == [(given.hex(),), (back.hex(),)]
    with pytest.raises(UsageError, match="offered for each 1 hour"):
        at(lanxi.ana, lambda me: me.terms_from(offer))
    with pytest.raises(WouldNotCount, match="from 16 hour on"):
        at(lanxi.ana, lambda me: me.terms_from(offer, 15))
    with pytest.raises(WouldNotCount, match="only 40 hour is left"):
        at(lanxi.ana, lambda me: me.terms_from(offer, 41))


def test_a_need_is_met_by_who_proposes(lanxi: Commons) -> None:
    need = intent(lanxi.bo, "work", 3, "hour", needed=True)
    lanxi.meet()
    made = at(lanxi.ana, lambda me: me.propose_from(need))
    assert made.words == "work 3 hour · Ana → Bo"


@pytest.mark.parametrize(
    ("quantity", "unit", "error", "says"),
    [
        ("3", None, WouldNotCount, "only 2 hour is left"),
        ("0", None, UnreadableQuantity, "more than nothing"),
        ("-1", None, UnreadableQuantity, "not negative"),
        ("1", "kg", UsageError, "counted in hour"),
        ("1,5", None, UnreadableQuantity, "1.5"),
    ],
)
def test_a_quantity_that_does_not_fit_is_refused(
    lanxi: Commons, quantity: str, unit: str | None, error: type[Exception], says: str
) -> None:
    offer = published(lanxi)
    before = lanxi.records(lanxi.ana)
    with pytest.raises(error, match=says):
        at(lanxi.ana, lambda me: me.propose_from(offer, quantity, unit))
    assert lanxi.records(lanxi.ana) == before


def test_what_is_taken_names_who_took_it(lanxi: Commons) -> None:
    offer = published(lanxi)
    asked = {home: at(home, lambda me: me.propose_from(offer)) for home in (lanxi.ana, lanxi.mei)}
    lanxi.meet()
    first, second = asked[lanxi.mei].id, asked[lanxi.ana].id
    at(lanxi.bo, lambda me: me.accept_deal(first))
    winner = f"the deal {first.hex()[:8]} of "
    with pytest.raises(WouldNotCount, match=f"lost to {winner}"):
        at(lanxi.bo, lambda me: me.accept_deal(second))
    lanxi.meet()
    with pytest.raises(WouldNotCount, match=f"nothing is left of it: it went to {winner}"):
        at(lanxi.ana, lambda me: me.propose_from(offer))


def test_own_paused_withdrawn_and_ended_offers_are_not_taken(lanxi: Commons) -> None:
    own = intent(lanxi.ana, "work", 1, "hour")
    with pytest.raises(UsageError, match="your own"):
        at(lanxi.ana, lambda me: me.propose_from(own))
    paused = intent(lanxi.bo, "work", 1, "hour")
    write(lanxi.bo, "intent.pause", {"intent": paused, "paused": True}, paused)
    gone = intent(lanxi.bo, "work", 1, "hour")
    write(lanxi.bo, "intent.withdraw", {"intent": gone}, gone)
    over = intent(lanxi.bo, "work", 1, "hour", hasEnd=1)
    lanxi.meet()
    for id, says in ((paused, "paused"), (gone, "any more"), (over, "has ended")):
        with pytest.raises(WouldNotCount, match=says):
            did(lanxi.ana, "propose_from", id)


def test_an_offer_that_is_proposed_to_others_is_not_taken(lanxi: Commons) -> None:
    given = intent(lanxi.bo, "work", 1, "hour")
    mei = at(lanxi.mei, lambda me: bytes(me.view.me))
    data = {"purpose": "offer", "publishes": [given], "proposedTo": [mei, "producer"]}
    offer = write(lanxi.bo, "proposal.offer", data, given)
    lanxi.meet()
    with pytest.raises(WouldNotCount, match="Bo proposes it to others"):
        at(lanxi.ana, lambda me: me.propose_from(offer))
    assert at(lanxi.mei, lambda me: me.propose_from(offer)).waits_for == ("Bo",)


def test_an_offer_of_several_things_is_taken_whole_or_by_one_of_them(lanxi: Commons) -> None:
    parts = [intent(lanxi.bo, "work", n, "hour") for n in (1, 2)]
    data = {"purpose": "offer", "publishes": parts}
    offer = write(lanxi.bo, "proposal.offer", data, *parts)
    lanxi.meet()
    assert len(at(lanxi.ana, lambda me: me.terms_from(offer))) == 2
    with pytest.raises(UsageError, match=parts[1].hex()[:8]):
        at(lanxi.ana, lambda me: me.terms_from(offer, 1))
    assert at(lanxi.ana, lambda me: me.terms_from(parts[1], 1))[0].quantity == "1"


def test_a_ring_is_made_of_matches(lanxi: Commons) -> None:
    """Each offers something that the next one needs."""
    given = (("transfer", 5, "kilogram"), ("work", 2, "hour"), ("deliverService", 1, "hour"))
    offers = [intent(home, *flow) for home, flow in zip(lanxi.all, given, strict=True)]
    takers = (*lanxi.all[1:], lanxi.all[0])
    needs = [
        intent(home, action, n + 1, unit, needed=True)
        for home, (action, n, unit) in zip(takers, given, strict=True)
    ]
    lanxi.meet()
    flows = list(zip(offers, needs, strict=True))
    made = at(lanxi.ana, lambda me: me.propose_flows(flows, answer_by="3d"))
    assert sorted(made.waits_for) == ["Bo", "Mei"]
    lanxi.meet()
    for home in (lanxi.mei, lanxi.bo):
        at(home, lambda me: me.accept_deal(made.id))
        lanxi.meet()
    ring = deal(lanxi.mei, made.id)
    assert (ring.sort, ring.state) == (rows.RING, rows.AGREED)
    assert [str(clause.quantity) for clause in ring.terms] == ["5", "2", "1"]
    assert [len(clause.satisfies) for clause in ring.terms] == [2, 2, 2]
    with pytest.raises(UsageError, match="what one offers, then what another needs"):
        at(lanxi.ana, lambda me: me.propose_flows([(needs[0], offers[0])]))
    with pytest.raises(UsageError, match="1 to 16"):
        at(lanxi.ana, lambda me: me.propose_flows([]))


def test_one_match_has_the_price_of_the_offer(lanxi: Commons) -> None:
    offered = intent(lanxi.bo, "work", 4, "hour")
    back = intent(lanxi.bo, "transfer", 40, "EUR", needed=True)
    data = {"purpose": "offer", "publishes": [offered], "reciprocal": [back]}
    write(lanxi.bo, "proposal.offer", data, offered, back)
    need = intent(lanxi.ana, "work", 1, "hour", needed=True)
    lanxi.meet()
    terms = at(lanxi.ana, lambda me: me.terms_of_flows([(offered, need)]))
    assert [(c.giver, c.quantity, c.in_return) for c in terms] == [
        ("Bo", "1", False),
        ("Ana", "10", True),
    ]
    same = at(lanxi.bo, lambda me: me.terms_of_flows([(offered, need)]))
    assert same == terms


def test_what_members_publish_is_taken_with_its_title_and_price(lanxi: Commons) -> None:
    with Member(lanxi.bo) as bo:
        offer = bo.offer("Bike repair", 2, "hours", price=["10 EUR an hour"])
        bo.refresh()
        need = bo.need("Plumber", 3, "hours", price=["60 EUR"])
    lanxi.meet()
    made = at(lanxi.ana, lambda me: me.propose_from(offer.id, 1))
    lanxi.meet()
    assert at(lanxi.bo, lambda me: me.accept_deal(made.id)).state == rows.AGREED
    lanxi.meet()
    taken = deal(lanxi.ana, made.id)
    assert [(clause.title, str(clause.quantity)) for clause in taken.terms] == [
        ("Bike repair", "1"),
        (None, "10"),
    ]
    assert "1 hour Bike repair · Bo → Ana, for: transfer 10 EUR · Ana → Bo" in taken.words
    helped = at(lanxi.ana, lambda me: me.propose_from(need.id))
    assert "3 hour Plumber · Ana → Bo, for: transfer 60 EUR · Bo → Ana" in helped.words
    lanxi.meet()
    assert at(lanxi.bo, lambda me: me.accept_deal(helped.id)).state == rows.AGREED
    lanxi.meet()
    with pytest.raises(WouldNotCount, match="nothing is left of it"):
        at(lanxi.mei, lambda me: me.propose_from(need.id))
