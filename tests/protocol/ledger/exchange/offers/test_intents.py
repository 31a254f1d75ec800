"""Offers and needs: what stands, what is refused, and what is still there to be taken."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange import commitments, open_records
from commonweal.protocol.ledger.exchange.deals import agreement_row
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.quantities import Quantity
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import HOUR
from tests.protocol.ledger.exchange.trading import Trading, amount


@pytest.fixture
def town() -> Trading:
    return Trading()


def euros(n: int) -> dict[str, Any]:
    return {"action": "transfer"} | amount(n, "EUR")


def publish(town: Trading, by: str, *given: Record, **over: Any) -> Record:
    data = {"purpose": "offer", "publishes": [intent.id for intent in given]}
    return town.write(by, "proposal.offer", data | over)


def test_an_offer_of_nothing_is_none(town: Trading) -> None:
    assert town.verdict(town.offers("Ana", 0)) is Reason.NO_EFFORT
    assert town.verdict(town.offers("Ana", 0, **euros(0))) is Reason.NO_QUANTITY
    assert town.verdict(town.offers("Ana", 1)) is None


def test_the_least_that_is_taken_is_no_more_than_there_is(town: Trading) -> None:
    hours_of = {n: amount(n)["effortQuantity"] for n in (2, 5, 6, 8)}
    too_much = town.offers("Ana", 5, minimumQuantity=hours_of[6])
    assert town.verdict(too_much) is Reason.UNDER_MINIMUM
    offer = town.offers("Ana", 5, minimumQuantity=hours_of[2])
    little = town.clause("Bo", 1, "Ana", "Bo", offer)
    assert town.verdict(little) is Reason.UNDER_MINIMUM
    assert town.verdict(town.clause("Bo", 2, "Ana", "Bo", offer)) is None
    more = town.offers("Ana", 5, minimumQuantity=hours_of[6], availableQuantity=hours_of[8])
    assert town.intent(more).limit == Quantity(8, 0, "hour")


def test_an_offer_that_ends_at_the_time_of_the_seal_has_ended(town: Trading) -> None:
    """The end is not part of the span: what ends when the seal is made is taken by nobody."""
    for later, status in ((0, agreement_row.VOID), (1, agreement_row.AGREED)):
        offer = town.offers("Ana", 5, hasEnd=town.now_ms + HOUR + later)
        deal = town.proposes("Bo", town.clause("Bo", 1, "Ana", "Bo", offer))
        town.answer("Ana", deal)
        assert town.deal(deal).status == agreement_row.AGREED, "not yet, as of the last seal"
        town.cut()
        cause = offer.id if status == agreement_row.VOID else None
        assert town.standing(deal) == (status, cause)


def test_a_new_offer_takes_the_place_of_one_of_which_nothing_is_taken(town: Trading) -> None:
    old = town.offers("Ana", 5)
    assert town.verdict(town.offers("Bo", 6, replaces=old.id)) is Reason.NOT_YOURS
    new = town.offers("Ana", 6, replaces=old.id)
    row = town.intent(old)
    assert (row.status, row.by) == (intents.REPLACED, new.id)
    again = town.offers("Ana", 7, replaces=old.id)
    assert town.verdict(again) is Reason.NOT_OPEN
    town.agreed(1, "Ana", "Bo", new)
    assert town.verdict(town.offers("Ana", 8, replaces=new.id)) is Reason.INTENT_TAKEN
    deal = town.proposes("Bo", town.clause("Bo", 1, "Ana", "Bo", old))
    town.answer("Ana", deal)
    assert town.standing(deal) == (agreement_row.VOID, old.id)


def test_only_its_member_pauses_and_withdraws_an_offer(town: Trading) -> None:
    offer = town.offers("Ana", 5)
    named = {"intent": offer.id}
    assert town.verdict(town.write("Bo", "intent.withdraw", named)) is Reason.NOT_YOURS
    pause = {"paused": True} | named
    assert town.verdict(town.write("Bo", "intent.pause", pause)) is Reason.NOT_YOURS
    assert town.verdict(town.write("Ana", "intent.pause", pause)) is None
    assert town.intent(offer).status == intents.PAUSED
    assert town.verdict(town.write("Ana", "intent.pause", pause)) is Reason.NOTHING_NEW
    gone = town.write("Ana", "intent.withdraw", named)
    assert (town.intent(offer).status, town.intent(offer).by) == (intents.WITHDRAWN, gone.id)
    for kind in ("intent.pause", "intent.withdraw"):
        assert town.verdict(town.write("Ana", kind, pause)) is Reason.NOT_OPEN


def test_tags_that_look_alike_are_one(town: Trading) -> None:
    for tags, reason in (
        (["bike", "repair"], None),
        (["repair", "bike"], Reason.SHAPE),
        (["Bike", "bike"], Reason.SHAPE),
        (["bike", "bіke"], Reason.SHAPE),
        (["bike "], Reason.SHAPE),
        ("bike", Reason.SHAPE),
    ):
        assert town.verdict(town.offers("Ana", 1, resourceClassifiedAs=tags)) is reason, tags


def test_what_is_left_goes_to_the_first_and_comes_back(town: Trading) -> None:
    offer = town.offers("Ana", 5)
    first, second = (
        town.proposes(name, town.clause(name, 3, "Ana", name, offer)) for name in ("Bo", "Jun")
    )
    town.answer("Ana", first)
    town.answer("Ana", second)
    assert town.standing(second) == (agreement_row.LOST, first.id)
    row = town.intent(offer)
    assert (row.taken, row.left, row.by) == ([3, 0, "hour"], Quantity(2, 0, "hour"), first.id)
    clause = town.clause("Bo", 6, "Ana", "Bo", offer)
    assert town.verdict(clause) is Reason.INTENT_TAKEN, "it never offered so much"
    both = [town.clause("Jun", 3, "Ana", "Jun", offer) for _ in range(2)]
    assert town.verdict(town.proposes("Jun", *both)) is Reason.INTENT_TAKEN
    town.ends("Bo", first)
    town.ends("Ana", first)
    assert town.intent(offer).left == Quantity(5, 0, "hour")
    last = town.proposes("Jun", town.clause("Jun", 5, "Ana", "Jun", offer))
    town.answer("Ana", last)
    assert town.standing(last) == (agreement_row.AGREED, None)


def test_quantities_of_other_scales_are_compared_exactly(town: Trading) -> None:
    offer = town.offers("Ana", 1)
    parts = [(333, 3), (3337, 4), (3333, 4)]
    deals = []
    for n, scale in parts:
        clause = town.clause("Bo", n, "Ana", "Bo", offer, **amount(n, scale=scale))
        deals.append(town.proposes("Bo", clause))
        town.answer("Ana", deals[-1])
    assert [town.deal(deal).status for deal in deals] == ["agreed"] * 3
    assert town.intent(offer).left == Quantity(0, 4, "hour")
    tiny = town.clause("Bo", 1, "Ana", "Bo", offer, **amount(1, scale=9))
    deal = town.proposes("Bo", tiny)
    town.answer("Ana", deal)
    assert town.standing(deal) == (agreement_row.LOST, deals[-1].id)


def test_sixteen_intents_are_published_together_and_no_more(town: Trading) -> None:
    given = [town.offers("Ana", 1) for _ in range(17)]
    assert town.verdict(publish(town, "Ana", *given)) is Reason.SHAPE
    assert town.verdict(publish(town, "Ana", *given[:16])) is None
    back = [town.needs("Ana", 1, **euros(5)) for _ in range(17)]
    for number, reason in ((17, Reason.SHAPE), (16, None)):
        offer = publish(town, "Ana", given[0], reciprocal=[wish.id for wish in back[:number]])
        assert town.verdict(offer) is reason


def test_an_offer_publishes_what_its_author_gives_and_a_request_what_they_need(
    town: Trading,
) -> None:
    given, wanted = town.offers("Ana", 1), town.needs("Ana", 1, **euros(5))
    of_bo = town.offers("Bo", 1)
    back = {"reciprocal": [wanted.id]}
    for by, intent, over, reason in (
        ("Ana", given, back, None),
        ("Ana", wanted, {}, Reason.DOES_NOT_FIT),
        ("Ana", wanted, {"purpose": "request"}, None),
        ("Ana", wanted, {"purpose": "request", "reciprocal": [given.id]}, None),
        ("Ana", given, {"purpose": "request"}, Reason.DOES_NOT_FIT),
        ("Ana", of_bo, {}, Reason.NOT_YOURS),
        ("Ana", given, {"reciprocal": [of_bo.id]}, Reason.NOT_YOURS),
    ):
        assert town.verdict(publish(town, by, intent, **over)) is reason, over
    town.write("Ana", "intent.withdraw", {"intent": given.id})
    assert town.verdict(publish(town, "Ana", given)) is Reason.NOT_OPEN


def test_an_offer_says_who_is_meant_and_is_replaced_by_its_author(town: Trading) -> None:
    given = town.offers("Ana", 1)
    meant: list[Any] = [town.id("Bo"), bytes(town.community), "producer"]
    first = publish(town, "Ana", given, proposedTo=meant, eligibleLocation="yard")
    row = town.offered(first)
    assert (row.proposed_to, row.location, row.status) == (meant, "yard", intents.OPEN)
    many = [f"role {number}" for number in range(17)]
    assert town.verdict(publish(town, "Ana", given, proposedTo=many)) is Reason.SHAPE
    assert town.verdict(publish(town, "Bo", given, replaces=first.id)) is Reason.NOT_YOURS
    of_bo = publish(town, "Bo", town.offers("Bo", 1), replaces=first.id)
    assert town.verdict(of_bo) is Reason.NOT_YOURS
    second = publish(town, "Ana", given, replaces=first.id)
    assert (town.offered(first).status, town.offered(first).by) == (intents.REPLACED, second.id)
    assert town.verdict(publish(town, "Ana", given, replaces=first.id)) is Reason.NOT_OPEN


def test_an_offer_is_withdrawn_by_its_author_and_its_intents_stay(town: Trading) -> None:
    given = town.offers("Ana", 1)
    offer = publish(town, "Ana", given)
    named = {"offer": offer.id}
    assert town.verdict(town.write("Bo", "proposal.withdraw", named)) is Reason.NOT_YOURS
    for data, reason in (
        ({}, Reason.SHAPE),
        ({"offer": given.id}, Reason.UNKNOWN_PLAN),
        (named, None),
        (named, Reason.NOT_OPEN),
    ):
        gone = town.write("Ana", "proposal.withdraw", data)
        assert town.verdict(gone) is reason, data
    assert town.offered(offer).status == intents.WITHDRAWN
    assert town.intent(given).status == intents.OPEN
    assert open_records.open_count(town.history.state, town.id("Ana")).intents == 1


def test_an_offer_of_which_all_has_come_counts_towards_no_limit(town: Trading) -> None:
    offer = town.offers("Ana", 2)
    promise = town.agreed(2, "Ana", "Bo", offer)
    town.done(promise, 1)
    assert open_records.open_count(town.history.state, town.id("Ana")).intents == 1
    last = town.done(promise, 1)
    assert open_records.open_count(town.history.state, town.id("Ana")).intents == 0
    less = town.write("Ana", "event", {"action": "work", "corrects": last.id} | amount(-1))
    town.write("Bo", "attest", {"event": less.id, "say": "yes"})
    again = town.done(promise, 1)
    assert town.verdict(again) is None
    assert open_records.open_count(town.history.state, town.id("Ana")).intents == 0


def test_a_used_bike_is_sold_or_given_away_and_then_it_is_gone(town: Trading) -> None:
    """Valueflows, proposals, "used bike": 15 USD first, then free; one intent in both."""
    bike = {"action": "transfer"} | amount(1, "one")
    offer = town.offers("Ana", 1, **bike)
    price = town.needs("Ana", 15, **{"action": "transfer"} | amount(15, "USD"))
    sold = publish(town, "Ana", offer, reciprocal=[price.id])
    free = publish(town, "Ana", offer)
    taken = town.clause("Bo", 1, "Ana", "Bo", offer, **bike)
    deal = town.proposes("Bo", taken)
    town.answer("Ana", deal)
    assert town.standing(deal) == (agreement_row.AGREED, None)
    for proposal in (sold, free):
        (published,) = town.offered(proposal).publishes
        row = intents.intent_row(town.history.state, published)
        assert row is not None
        assert (row.left.n, row.by) == (0, deal.id), "both show that it is gone"
    buying = town.clause("Jun", 1, "Ana", "Jun", offer, **bike)
    paying = town.clause("Jun", 15, "Jun", "Ana", price, **euros(15) | amount(15, "USD"))
    late = town.proposes("Jun", buying, back=(paying,))
    town.answer("Ana", late)
    assert town.standing(late) == (agreement_row.LOST, deal.id)


def test_work_is_offered_by_the_hour_with_a_least_and_a_price_a_unit(town: Trading) -> None:
    """Valueflows, proposals, "work": 1 h for 30, 16 h at least: 20 h come to 600."""
    least, most = (amount(n)["effortQuantity"] for n in (16, 40))
    offer = town.offers("Ana", 1, minimumQuantity=least, availableQuantity=most)
    price = town.needs("Ana", 30, **{"action": "transfer"} | amount(30, "USD"))
    proposal = publish(town, "Ana", offer, reciprocal=[price.id], unitBased=True)
    row, hour = town.offered(proposal), town.intent(offer)
    assert row.unit_based
    assert (hour.quantity, hour.limit) == ([1, 0, "hour"], Quantity(40, 0, "hour"))
    too_little = town.clause("Bo", 15, "Ana", "Bo", offer)
    assert town.verdict(too_little) is Reason.UNDER_MINIMUM
    work = town.clause("Bo", 20, "Ana", "Bo", offer)
    wage = 20 * town.intent(price).quantity[0]
    pay = town.clause("Bo", 0, "Bo", "Ana", **{"action": "transfer"} | amount(wage, "USD"))
    town.answer("Ana", town.proposes("Bo", work, back=(pay,)))
    assert town.commitment(pay).quantity == [600, 0, "USD"]
    assert town.intent(offer).left == Quantity(20, 0, "hour")


def test_an_event_satisfies_an_offer_without_a_promise(town: Trading) -> None:
    need = town.needs("Bo", 5)
    gift = {"action": "work", "provider": town.id("Ana"), "satisfies": need.id} | amount(2)
    to_bo = {"receiver": town.id("Bo")}
    assert town.verdict(town.write("Ana", "event", gift)) is Reason.DOES_NOT_FIT
    came = town.write("Ana", "event", gift | to_bo)
    row = town.intent(need)
    assert (row.taken, row.met, row.by) == ([2, 0, "hour"], [2, 0, "hour"], came.id)
    deal = town.proposes("Jun", town.clause("Jun", 4, "Jun", "Bo", need))
    town.answer("Bo", deal)
    assert town.standing(deal) == (agreement_row.LOST, came.id)
    less = town.write("Ana", "event", {"action": "work", "corrects": came.id} | amount(-1))
    town.write("Bo", "attest", {"event": less.id, "say": "yes"})
    row = town.intent(need)
    assert (row.taken, row.met, row.by) == ([1, 0, "hour"], [1, 0, "hour"], came.id)
    town.write("Bo", "intent.withdraw", {"intent": need.id})
    assert town.verdict(town.write("Ana", "event", gift | to_bo)) is Reason.NOT_OPEN


def test_what_was_done_for_a_need_that_ended_by_time_is_counted(town: Trading) -> None:
    need = town.needs("Bo", 5, hasEnd=town.now_ms)
    gift = {"action": "work", "provider": town.id("Ana"), "receiver": town.id("Bo")}
    came = town.write("Ana", "event", gift | {"satisfies": need.id} | amount(2))
    town.cut()
    assert town.verdict(came) is None
    assert town.intent(need).met == [2, 0, "hour"]


def test_a_thing_that_is_named_is_the_one_that_is_given(town: Trading) -> None:
    made = {"action": "raise", "provider": town.id("Ana"), "newInventoriedResource": {}}
    mine, other = (town.write("Ana", "event", made | amount(9, "kilogram")) for _ in range(2))
    give = {"action": "deliverService"} | amount(2, "kilogram")
    offer = town.offers("Ana", 0, **give, resourceInventoriedAs=mine.id)
    wrong = town.clause("Bo", 0, "Ana", "Bo", offer, **give, resourceInventoriedAs=other.id)
    assert town.verdict(wrong) is Reason.DOES_NOT_FIT
    promise = town.agreed(0, "Ana", "Bo", offer, **give)
    assert town.commitment(promise).resource == mine.id
    sides = {"provider": town.id("Ana"), "receiver": town.id("Bo"), "fulfills": promise.id}
    for resource, reason in ((other, Reason.DOES_NOT_FIT), (mine, None)):
        given = town.write("Ana", "event", give | sides | {"resourceInventoriedAs": resource.id})
        assert town.verdict(given) is reason


def test_a_member_has_so_many_open_offers_and_no_more(
    town: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_records, "OPEN_INTENTS_MAX", 3)
    mine = [town.offers("Ana", 1) for _ in range(3)]
    assert town.verdict(town.offers("Ana", 1)) is Reason.TOO_MANY_INTENTS
    assert town.verdict(publish(town, "Ana", mine[0])) is Reason.TOO_MANY_INTENTS
    assert town.verdict(town.offers("Bo", 1)) is None
    new = town.offers("Ana", 2, replaces=mine[0].id)
    assert town.verdict(new) is None, "one took the place of another"
    town.write("Ana", "intent.withdraw", {"intent": new.id})
    assert town.verdict(town.offers("Ana", 1)) is None
    count = open_records.open_count(town.history.state, town.id("Ana"))
    assert (count.intents, len(open_records.open_of(town.history.state, town.id("Ana")))) == (3, 3)


def test_a_promise_to_the_community_takes_what_the_plan_needs(town: Trading) -> None:
    need = town.write("Jun", "intent", town.flow(3, None, "all"))
    first = town.clause("Ana", 2, "Ana", "all", need)
    assert town.commitment(first).status == commitments.AGREED
    second = town.clause("Bo", 2, "Bo", "all", need)
    assert town.commitment(second).status == commitments.AGREED, "nobody keeps them from helping"
    row = town.intent(need)
    assert (row.taken, row.left.n) == ([4, 0, "hour"], 0)
    assert town.verdict(town.clause("Bo", 4, "Bo", "all", need)) is Reason.INTENT_TAKEN
    deal = town.proposes("Jun", town.clause("Jun", 1, "Jun", "all", need, clause=True))
    ours: dict[str, Any] = {"for": bytes(town.community)}
    town.answer("Mei", deal, **ours)
    assert town.standing(deal) == (agreement_row.LOST, second.id)
    less = town.clause("Ana", 1, "Ana", "all", need, replaces=first.id)
    assert town.commitment(first).status == commitments.ENDED
    assert town.commitment(less).status == commitments.AGREED
    assert town.intent(need).taken == [3, 0, "hour"]
    assert town.verdict(town.done(first, 1)) is Reason.NOT_AGREED
    assert town.verdict(town.done(less, 1, receiver=None)) is None
    again = town.clause("Ana", 2, "Ana", "all", replaces=less.id)
    assert town.verdict(again) is Reason.ALREADY_AGREED, "some of it was given"
    town.write("Jun", "intent.withdraw", {"intent": need.id})
    assert town.verdict(town.clause("Bo", 1, "Bo", "all", need)) is Reason.NOT_OPEN
