"""Requests sell nothing: no income names one, and none in the place of an offer ends the fold."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.exchange.trading import SUPPLIER, Trading
from tests.protocol.ledger.ventures.projects.test_second_reader import reads_alike
from tests.protocol.ledger.workshop import euros


def asked(town: Trading, **over: Any) -> Record:
    """Let Ana ask for three hours of work, perhaps in the place of an offer."""
    need = town.needs("Ana", 3)
    data = {"purpose": "request", "publishes": [need.id]}
    request = town.write("Ana", "proposal.offer", data | over)
    assert town.verdict(request) is None
    return request


def in_its_place(town: Promoting) -> Record:
    """Let a request of Ana take the place of the offer that is promoted."""
    return asked(town, replaces=town.sale.id)


def test_an_income_that_names_a_request_is_refused() -> None:
    """Without promotion in the rules: any member could write it."""
    town = Trading()
    data = {"action": "transfer", "provider": SUPPLIER, "receiver": town.id("Ana")}
    said = data | {"resourceQuantity": euros(500)}
    came = town.write("Ana", "event", said | {"offer": asked(town).id})
    assert town.verdict(came) is Reason.DOES_NOT_FIT
    given = town.write("Ana", "intent", town.flow(3, "Bo", "Ana"))
    request = town.write("Ana", "proposal.offer", {"purpose": "request", "publishes": [given.id]})
    came = town.write("Ana", "event", said | {"offer": request.id, "receiver": town.id("Bo")})
    assert town.verdict(came) is Reason.DOES_NOT_FIT, "also if it says who is to give it"
    for _ in range(3):
        town.work("Mei", 1)
        town.cut()
    reads_alike(town)


def test_nobody_is_brought_to_a_request_that_took_the_place_of_an_offer() -> None:
    town = Promoting()
    request = in_its_place(town)
    assert town.verdict(town.refer("Bo", "Jun")) is Reason.NOT_OPEN
    assert town.verdict(town.refer("Ana", "Jun", buyer=SUPPLIER)) is Reason.NOT_OPEN
    again = town.publish("Ana", town.honey, town.price, replaces=request.id)
    assert town.verdict(again) is None
    assert town.verdict(town.refer("Bo", "Jun")) is None, "an offer took its place again"
    paid = town.sell("Bo", 1000)
    assert town.cents(paid) == 50
    town.seal_after(1)
    reads_alike(town)


def test_who_was_brought_before_a_request_took_the_place_pays_and_their_promoter_is_paid() -> None:
    """A seller takes back no commission by asking for something in the place of the offer."""
    town = Promoting()
    town.refer("Bo", "Jun")
    promise = town.deal("Bo", 1000)
    request = in_its_place(town)
    assert town.cents(town.pay("Bo", 1000, promise)) == 50
    named = town.income(1000, by="", offer=request.id)
    assert town.verdict(named) is Reason.DOES_NOT_FIT
    town.seal_after(1)
    reads_alike(town)


def test_what_the_request_asks_for_is_no_income_of_the_offer() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    need = town.needs("Ana", 3)
    asked(town, publishes=[need.id], replaces=town.sale.id)
    sold = town.clause("Bo", 1, "Bo", "Ana", need)
    pays = town.clause("Bo", 0, "Bo", "Ana", resourceQuantity=euros(700))
    town.answer("Ana", town.proposes("Bo", sold, back=(pays,)))
    paid = town.pay("Bo", 700, pays)
    assert town.verdict(paid) is None
    assert town.cents(paid) is None
    town.seal_after(1)
    reads_alike(town)
