"""Bookings whose deals say more than one thing for one time."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.node.service.events import Wish
from commonweal.protocol.errors import WouldNotCount
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.records.record import RecordId
from tests.builders import homes
from tests.builders.commons import Commons
from tests.client.exchange.deals import at
from tests.client.exchange.test_bookings import ahead, book, lend_bike, seen


def test_a_yes_to_a_booking_promises_nothing_else_of_its_deal(lanxi: Commons) -> None:
    lend_bike(lanxi)
    made = book(lanxi.ana, ahead(30, 2))
    clause = seen(lanxi.ana, made).clause
    with at(lanxi.ana) as ana:
        lender, borrower = (bytes(ana.booking(clause).lender), bytes(ana.view.me))
    data: dict[str, Any] = {
        "action": "transfer",
        "provider": lender,
        "receiver": borrower,
        "resourceQuantity": {"n": 1000, "scale": 0, "unit": "EUR"},
        "clause": True,
    }
    beside = homes.write(lanxi.ana, Wish("commitment", data, ()))[0]["id"]
    named = RecordId(clause), RecordId(beside)
    wish = Wish("agreement", {"stipulates": [bytes(id) for id in named]}, named)
    deal = homes.write(lanxi.ana, wish)[0]["id"]
    lanxi.meet()
    with at(lanxi.bo) as bo:
        with pytest.raises(WouldNotCount, match=f"weal deal show {deal.hex()[:8]}"):
            bo.accept_booking(clause)
        promised = commitment_row(bo.view.state, beside)
        assert promised is not None
        assert promised.status == "asked"
        assert bo.accept_deal(deal).state == "agreed"


def test_terms_of_the_custodian_before_let_nobody_book_without_asking(lanxi: Commons) -> None:
    lend_bike(lanxi, accepts=["witness"], capacity=2)
    with at(lanxi.bo) as bo, at(lanxi.ana) as ana:
        receiver = ana.view.me.hex()
        assert bo.lent_thing("bike").accepts == ("witness",)
        bo.lend("bike", receiver)
    lanxi.seal()
    with at(lanxi.ana) as ana:
        assert ana.lent_thing("bike").accepts == ()
        assert ana.lent_thing("bike").words[0] == "Each booking is asked."
    assert book(lanxi.mei, ahead(30)).state == "asked"
    with at(lanxi.ana) as ana:
        ana.set_terms("bike", capacity=3)
        assert ana.lent_thing("bike").accepts == ()


def test_a_booking_of_several_places_is_one_by_the_id_that_was_told(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        bo.add_resource("chair", 3, "one")
        bo.set_terms("chair", capacity=3)
    lanxi.seal()
    with at(lanxi.ana) as ana:
        (made,) = ana.book("chair", [ahead(30, 2)], places=2).bookings
    lanxi.meet()
    with at(lanxi.bo) as bo:
        assert bo.booking(made.id).state == "asked"
        bo.accept_booking(made.id)
        assert [row.state for row in bo.bookings("chair")] == ["accepted"] * 2
        bo.hand_out(made.id)
        assert [row.state for row in bo.bookings("chair")] == ["out"] * 2
        with pytest.raises(WouldNotCount, match="it stands so: out"):
            bo.hand_out(made.id)
    lanxi.meet()
    with at(lanxi.ana) as ana:
        one, _ = ana.bookings("chair")
        ana.take_back(one.clause)
        assert {row.state for row in ana.bookings("chair")} == {"out", "back"}
        ana.take_back(made.id)
        assert [row.state for row in ana.bookings("chair")] == ["back"] * 2
        with pytest.raises(WouldNotCount, match="it stands so: back"):
            ana.take_back(made.id)


def test_of_two_that_are_alike_the_name_means_the_one_that_is_lent(lanxi: Commons) -> None:
    lend_bike(lanxi)
    with at(lanxi.bo) as bo:
        (lent,) = bo.lent_things()
        bo.add_resource("bike", 1, "one")
    lanxi.seal()
    made = book(lanxi.ana, ahead(30))
    assert seen(lanxi.ana, made).thing_id == lent.id
