"""Every number can be asked why."""

from __future__ import annotations

from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.sharing import explanation
from commonweal.protocol.ledger.sharing.explanation import BucketPayment, PendingReason
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.workshop import Workshop, hours, paying


def test_an_event_says_what_it_waits_for_and_what_it_got() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    done = shop.work("Jun", 3)
    rule = shop.history.ruleset

    def waiting() -> PendingReason | None:
        story = explanation.explain_event(shop.history.state, done.id, shop.history.ruleset)
        assert story is not None
        return story.waiting

    assert waiting() == PendingReason.NOT_BOOKED
    shop.cut()
    assert waiting() == PendingReason.NOT_ATTESTED
    shop.attest(done, "Ana")
    shop.write("Mei", "dispute", {"event": done.id})
    assert waiting() == PendingReason.DISPUTED
    shop.write("Mei", "dispute", {"event": done.id, "say": "withdraw"})
    came = shop.earn(100)
    shop.cut()
    story = explanation.explain_event(shop.history.final, done.id, rule)
    assert story is not None
    assert story.waiting is None
    assert story.worth is not None
    assert (story.worth.points, story.booked, story.yes) == (3000, (1, story.booked[1]), 1)  # type: ignore[index]
    assert story.got == (BucketPayment("income", "work", 0),)
    assert [one.line.amount for one in story.lines] == [100]
    income = explanation.explain_event(shop.history.final, came.id, rule)
    assert income is not None
    assert income.waiting == PendingReason.INCOME
    assert explanation.explain_event(shop.history.final, bytes(32), rule) is None


def test_an_event_without_a_rule_waits_for_one() -> None:
    shop = Workshop(paying(), "Jun")
    data = {"action": "deliverService", "provider": shop.id("Jun"), "receiver": shop.id("Mei")}
    done = shop.write("Jun", "event", data | {"resourceQuantity": hours(2)})
    shop.attest(done, "Mei")
    shop.cut()
    story = explanation.explain_event(shop.history.final, done.id, shop.history.ruleset)
    assert story is not None
    assert story.waiting == PendingReason.NO_RULE
    points = {"value": {"deliverService": {"points": "event.quantity", **SAID}}}
    proposal = shop.patch("Jun", points)
    shop.say(proposal, "yes", "Jun Mei")
    shop.cut()
    shop.cut(25)
    shop.earn(10)
    shop.cut()
    assert shop.paid() == {"Jun": 10}


def test_a_line_names_the_rule_it_was_paid_by_also_when_that_is_superseded() -> None:
    shop = Workshop(paying(commission=["10%"]), "Jun", "Ana")
    shop.write("Jun", "referral", {"referrer": shop.id("Ana")})
    shop.work("Jun", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    before = shop.history.ruleset
    proposal = shop.patch("Jun", {"pools": None})
    shop.say(proposal, "yes", "Jun Mei Ana")
    shop.cut()
    shop.cut(25)
    assert shop.history.ruleset.pools == ()
    found = [
        explanation.rule_of(shop.history.final, one, shop.documents)
        for one in pools.payouts(shop.history.final)
    ]
    assert found == [
        (before, ("pools", "income", "buckets", 0)),
        (before, ("pools", "income")),
    ]
    assert before.sentence("zh", *found[0][1]) == SAID["zh"]
