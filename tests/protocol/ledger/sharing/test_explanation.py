"""Every number can be asked why."""

from __future__ import annotations

from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.sharing.explanation import (
    EventExplanation,
    explain_event,
    rule_sentence,
)
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.workshop import Workshop, hours, paying


def explained(shop: Workshop, event: Record) -> EventExplanation:
    """Return the explanation of an event that counts."""
    history = shop.history
    found = explain_event(
        history.state, history.final, event.id, active_ruleset.rules_of(history.ruleset)
    )
    assert found is not None
    return found


def test_an_event_says_who_attests_it_what_it_is_worth_and_what_it_brought() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    done = shop.work("Jun", 3)
    before = explained(shop, done)
    assert (before.booked, before.value, before.yes, before.is_attested) == (None, None, 0, False)
    shop.cut()
    assert explained(shop, done).booked == (1, shop.now_ms)
    shop.attest(done, "Ana")
    assert (explained(shop, done).yes, explained(shop, done).needed) == (1, 1)
    assert explained(shop, done).value is None, "only a cut gives it a value"
    shop.earn(100)
    shop.cut()
    after = explained(shop, done)
    assert after.value is not None
    assert (after.value.points, after.is_attested) == (3000, True)
    assert [payout.line.amount for _, payout in after.payouts] == [100]
    rules = active_ruleset.rules_of(shop.history.ruleset)
    assert explain_event(shop.history.state, shop.history.final, bytes(32), rules) is None


def test_an_event_without_a_rule_waits_for_one() -> None:
    shop = Workshop(paying(), "Jun")
    data = {"action": "deliverService", "provider": shop.id("Jun"), "receiver": shop.id("Mei")}
    done = shop.write("Jun", "event", data | {"resourceQuantity": hours(2)})
    shop.attest(done, "Mei")
    shop.cut()
    assert explained(shop, done).value is None
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
    sentences = [
        rule_sentence(shop.history.final, payout, "zh", shop.documents)
        for payout in pools.payouts(shop.history.final)
    ]
    assert sentences == [before.sentence("zh", "pools", "income", "buckets", 0)] * 2
    assert sentences[0] == SAID["zh"]
