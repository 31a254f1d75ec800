"""The eight faults of plans that deals cannot stand on: each was so, and is so no more."""

from __future__ import annotations

import pytest

from commonweal.protocol.ledger.exchange import commitments
from commonweal.protocol.ledger.exchange.deals import agreement_row
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.state.rejections import Reason
from tests.protocol.ledger.exchange.trading import SUPPLIER, Trading, amount


@pytest.fixture
def town() -> Trading:
    return Trading()


def test_what_is_given_to_somebody_else_fulfils_no_promise(town: Trading) -> None:
    """1. Ana promises Bo 3 h and gives them to Jun: the promise to Bo is as open as before."""
    promise = town.agreed(3, "Ana", "Bo")
    astray = town.done(promise, 3, receiver=town.id("Jun"))
    assert town.verdict(astray) is Reason.DOES_NOT_FIT
    assert town.verdict(town.done(promise, 3, receiver=None)) is Reason.DOES_NOT_FIT
    assert town.commitment(promise).met == [0, 0, "hour"]
    assert town.verdict(town.done(promise, 3)) is None
    assert town.commitment(promise).met == [3, 0, "hour"]


def test_what_comes_to_an_agent_that_the_receiver_claimed_comes_to_them(town: Trading) -> None:
    promise = town.agreed(3, "Ana", "Bo")
    agent = b"b" * 16
    before = town.done(promise, 1, receiver=agent)
    assert town.verdict(before) is Reason.DOES_NOT_FIT
    town.attest(town.write("Bo", "agent.claim", {"agent": agent}), "Jun")
    assert town.verdict(town.done(promise, 1, receiver=agent)) is None
    assert town.commitment(promise).met == [1, 0, "hour"]


def test_pears_fulfil_no_promise_of_apples(town: Trading) -> None:
    """2. 5 kg pears are no 5 kg apples, and what does not say what it is is neither."""
    apples, pears = (
        town.write("Ana", "spec.resource", {"name": name, "unit": "kilogram"})
        for name in ("apples", "pears")
    )
    five = amount(5, "kilogram")
    service = {"action": "deliverService"} | five
    promise = town.agreed(0, "Ana", "Bo", **service, resourceConformsTo=apples.id)
    for spec, reason in (
        ({"resourceConformsTo": pears.id}, Reason.DOES_NOT_FIT),
        ({}, Reason.DOES_NOT_FIT),
        ({"resourceConformsTo": apples.id}, None),
    ):
        given = {"action": "deliverService", "fulfills": promise.id} | five | spec
        given |= {"provider": town.id("Ana"), "receiver": town.id("Bo")}
        assert town.verdict(town.write("Ana", "event", given)) is reason, spec
    anything = town.agreed(0, "Ana", "Bo", **service)
    given = {"action": "deliverService", "fulfills": anything.id} | five
    given |= {"provider": town.id("Ana"), "receiver": town.id("Bo")}
    assert town.verdict(town.write("Ana", "event", given)) is None, "it names no kind"


def test_nobody_promises_in_the_name_of_another(town: Trading) -> None:
    """3. "Bo promised me 100 h" counts for nothing until Bo says so."""
    claimed = town.clause("Ana", 100, "Bo", "Ana")
    assert town.commitment(claimed).status == commitments.ASKED
    done = town.done(claimed, 1)
    assert town.verdict(done) is Reason.NOT_AGREED
    deal = town.proposes("Ana", claimed)
    assert town.commitment(claimed).status == commitments.ASKED
    assert town.verdict(town.answer("Jun", deal)) is Reason.NOT_YOURS
    assert town.standing(deal) == (agreement_row.ASKED, None)
    town.answer("Bo", deal)
    assert town.standing(deal) == (agreement_row.AGREED, None)
    row = town.commitment(claimed)
    assert (row.status, row.agreement) == (commitments.AGREED, deal.id)
    assert town.verdict(town.done(claimed, 1)) is None


def test_one_promise_meets_an_offer_and_a_need(town: Trading) -> None:
    """4. "Any Commitment can result in satisfaction of the providing agent's Intent as well as
    the receiving agent's" (Valueflows, flows). Two offers are no such two.
    """
    offer, need = town.offers("Ana", 5), town.needs("Bo", 3)
    promise = town.agreed(2, "Ana", "Bo", offer, need)
    assert town.intent(offer).taken == town.intent(need).taken == [2, 0, "hour"]
    town.done(promise, 1)
    for wanted in (offer, need):
        row = town.intent(wanted)
        assert (row.taken, row.met) == ([2, 0, "hour"], [1, 0, "hour"])
    again = town.offers("Ana", 5)
    wrong = town.clause("Ana", 1, "Ana", "Bo", offer, again)
    assert town.verdict(wrong) is Reason.DOES_NOT_FIT
    three = town.clause("Ana", 1, "Ana", "Bo", offer, need, again)
    assert town.verdict(three) is Reason.SHAPE
    others = town.clause("Ana", 1, "Ana", "Jun", offer, need)
    assert town.verdict(others) is Reason.DOES_NOT_FIT, "the need is Bo's"


def test_an_offer_ends_is_paused_and_is_withdrawn(town: Trading) -> None:
    """5. Dead offers stand in every market (komunitin #387): here they are taken by nobody."""
    ended = town.offers("Ana", 5, hasEnd=town.now_ms)
    paused, withdrawn = town.offers("Ana", 5), town.offers("Ana", 5)
    town.write("Ana", "intent.pause", {"intent": paused.id, "paused": True})
    town.write("Ana", "intent.withdraw", {"intent": withdrawn.id})
    assert town.intent(withdrawn).status == intents.WITHDRAWN
    town.cut()
    for offer in (ended, paused, withdrawn):
        deal = town.proposes("Bo", town.clause("Bo", 1, "Ana", "Bo", offer))
        town.answer("Ana", deal)
        assert town.standing(deal) == (agreement_row.VOID, offer.id)
    town.write("Ana", "intent.pause", {"intent": paused.id, "paused": False})
    assert town.commitment(town.agreed(1, "Ana", "Bo", paused)).status == commitments.AGREED


def test_what_is_more_than_the_promise_is_free(town: Trading) -> None:
    """6. 4 h and 5 h meet a promise of 8 h; the ninth hour counts towards nothing."""
    need = town.needs("Bo", 8)
    promise = town.agreed(8, "Ana", "Bo", need)
    town.done(promise, 4)
    more = town.done(promise, 5)
    row = town.commitment(promise)
    assert (row.given, row.met) == ([9, 0, "hour"], [8, 0, "hour"])
    assert town.intent(need).met == [8, 0, "hour"]
    town.write("Ana", "event", {"action": "work", "corrects": more.id} | amount(-2))
    town.write("Bo", "attest", {"event": town.records[-1].id, "say": "yes"})
    row = town.commitment(promise)
    assert (row.given, row.met) == ([7, 0, "hour"], [7, 0, "hour"])
    assert town.intent(need).met == [7, 0, "hour"], "an hour is open again"


def test_a_deal_says_what_is_given_in_return(town: Trading) -> None:
    """7. Valueflows: an agreement stipulates, and stipulates reciprocally."""
    given, back = town.clause("Ana", 2, "Ana", "Bo"), town.clause("Ana", 3, "Bo", "Ana")
    deal = town.proposes("Ana", given, back=(back,))
    town.answer("Bo", deal)
    row = town.deal(deal)
    assert (row.stipulates, row.reciprocal) == ([given.id], [back.id])
    assert town.commitment(back).status == commitments.AGREED
    twice = town.clause("Ana", 1, "Ana", "Bo")
    assert town.verdict(town.proposes("Ana", twice, back=(twice,))) is Reason.SHAPE


def test_the_side_of_an_agent_outside_is_said_and_never_agreed(town: Trading) -> None:
    """8. A supplier cannot sign; what a member says that they promise is shown as said."""
    promise = town.clause("Ana", 3, SUPPLIER, "Ana")
    assert town.commitment(promise).status == commitments.SAID
    came = town.done(promise, 3)
    assert town.verdict(came) is None
    assert town.commitment(promise).met == [3, 0, "hour"]
    of_bo = town.clause("Ana", 3, SUPPLIER, "Bo")
    assert town.commitment(of_bo).status == commitments.ASKED, "Bo has said nothing"
    both = town.clause("Ana", 3, SUPPLIER, b"t" * 16)
    assert town.verdict(both) is Reason.NOT_YOURS
    within = town.clause("Ana", 3, SUPPLIER, "Bo"), town.clause("Ana", 1, "Ana", "Bo")
    deal = town.proposes("Ana", *within)
    assert town.deal(deal).parties == sorted((town.id("Ana"), town.id("Bo")))
    town.answer("Bo", deal)
    statuses = [town.commitment(clause).status for clause in within]
    assert statuses == [commitments.SAID, commitments.AGREED]
