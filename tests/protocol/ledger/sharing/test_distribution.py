"""What is really paid: from records and cuts, and explained."""

from __future__ import annotations

import sys
from functools import partial
from types import FrameType
from typing import Any

import pytest

from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.claims.pools import PoolId, PoolRow
from commonweal.protocol.ledger.contributions import value
from commonweal.protocol.ledger.sharing import distribution, valuation
from commonweal.protocol.ledger.state.rejections import Reason
from tests.protocol.ledger.council import HOUR, SAID, process, rules
from tests.protocol.ledger.workshop import CUSTOMER, Workshop, euros, hours, paying
from tests.protocol.rules.payouts import is_explained

POOL = PoolId("income", "EUR", 2)


def test_income_is_shared_by_attested_work() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    shop.work("Mei", 5)
    shop.earn(40_000)
    assert shop.paid() == {}
    shop.cut()
    assert shop.paid() == {"Jun": 30_000, "Ana": 10_000}
    lines = pools.payouts(shop.history.final)
    assert {one.height for one in lines} == {1}
    assert {one.ruleset for one in lines} == {shop.history.ruleset.id}
    assert all(is_explained(one.line) for one in lines)
    shop.earn(4)
    shop.cut()
    assert shop.paid() == {"Jun": 30_003, "Ana": 10_001}


@pytest.mark.parametrize(
    ("condition", "reads"),
    [
        ({}, False),
        ({"within_hours": 100}, False),
        ({"claim": "debt", "points_in": "thousandths"}, False),
        ({"actions": ["work"]}, True),
        ({"scope": "garden"}, True),
        ({"factor": "labour"}, True),
        ({"specification": "Digging"}, True),
        ({"where": "event.effort == 2000"}, True),
    ],
)
def test_a_split_reads_of_events_what_its_conditions_ask(
    monkeypatch: pytest.MonkeyPatch, condition: dict[str, Any], reads: bool
) -> None:
    bucket = {"name": "work", "share": "100%", "claim": "equity", **SAID, **condition}
    shop = Workshop(paying(buckets=[bucket]), "Jun", "Ana")
    digging = shop.write("Ana", "spec.resource", {"name": "Digging", "unit": "one"})
    fields = {"inScopeOf": "garden", "factor": "labour", "resourceConformsTo": digging.id}
    shop.work("Jun", 2, by="Ana", **fields)
    shop.cut()
    read: list[bytes] = []
    plain = value.event_fields

    def event_fields(state: Any, community: Any, event: bytes, row: Any) -> Any:
        read.append(event)
        return plain(state, community, event, row)

    monkeypatch.setattr(distribution, "event_fields", event_fields)
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Jun": 100}, "the condition is met"
    assert bool(read) is reads


def test_income_waits_for_somebody_whom_it_can_go_to() -> None:
    shop = Workshop(paying(), "Jun")
    shop.earn(100)
    shop.cut()
    assert pools.pools(shop.history.final)[POOL].carried == 100
    shop.work("Mei", 1, by="Jun")
    shop.cut()
    assert shop.paid() == {"Mei": 100}
    assert pools.pools(shop.history.final)[POOL].carried == 0


def test_income_that_nobody_attests_is_none() -> None:
    shop = Workshop(paying(), "Jun")
    shop.work("Mei", 1, by="Jun")
    data: dict[str, Any] = {"action": "transfer", "provider": CUSTOMER}
    data |= {"receiver": shop.community}
    data |= {"resourceQuantity": euros(100), "newInventoriedResource": {}}
    shop.write("Mei", "event", data)
    shop.cut()
    assert shop.paid() == {}


def test_what_is_attested_late_is_paid_from_then_on() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.work("Jun", 1, by="Ana")
    late = shop.work("Ana", 1)
    shop.earn(100)
    shop.cut()
    shop.attest(late, "Jun")
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Jun": 150, "Ana": 50}


def test_what_is_late_catches_up_where_the_rules_say_so() -> None:
    shop = Workshop(paying(late="catch_up"), "Jun", "Ana")
    shop.work("Jun", 1, by="Ana")
    late = shop.work("Ana", 1)
    shop.earn(100)
    shop.cut()
    shop.attest(late, "Jun")
    shop.earn(100)
    shop.cut()
    # 50 that it missed, and half of the other 50.
    assert shop.paid() == {"Jun": 125, "Ana": 75}


def test_an_error_in_a_value_is_worth_nothing_and_says_why() -> None:
    shop = Workshop(paying("1000000 / (event.effort - 1000)"), "Jun")
    one, two = shop.work("Jun", 1, by="Mei"), shop.work("Mei", 2, by="Jun")
    shop.earn(100)
    shop.cut()
    failed = valuation.value_of(shop.history.final, one.id)
    assert failed is not None
    assert (failed.points, "zero" in failed.reason) == (0, True)
    fine = valuation.value_of(shop.history.final, two.id)
    assert fine is not None
    assert (fine.points, fine.reason) == (1000, "")
    assert shop.paid() == {"Mei": 100}


@pytest.mark.parametrize("points", ["0 - event.effort", "event.effort * 9223372036854775807"])
def test_a_value_outside_64_bits_or_below_nothing_is_nothing(points: str) -> None:
    shop = Workshop(paying(points), "Jun")
    one = shop.work("Jun", 1, by="Mei")
    shop.cut()
    found = valuation.value_of(shop.history.final, one.id)
    assert found is not None
    assert found.points == 0
    assert found.reason


def test_an_error_in_a_split_carries_the_pool_to_the_next_height() -> None:
    where = "100 / event.yes > 0 && 1 / (event.effort - 1000) >= 0"
    buckets = [{"name": "work", "share": "100%", "claim": "equity", "where": where, **SAID}]
    shop = Workshop(paying(buckets=buckets), "Jun")
    shop.work("Jun", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    row = pools.pools(shop.history.final)[POOL]
    assert shop.paid() == {}
    assert (row.carried, bool(row.error)) == (100, True)
    shop.earn(50)
    shop.cut()
    assert pools.pools(shop.history.final)[POOL].carried == 150


def test_a_corrected_event_is_valued_anew_once_it_is_attested_again() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    wrong = shop.work("Jun", 9, by="Ana")
    shop.work("Ana", 1, by="Jun")
    shop.cut()
    less = {"action": "work", "corrects": wrong.id, "effortQuantity": hours(-8)}
    shop.write("Jun", "event", less)
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Ana": 100}
    shop.write("Ana", "attest", {"event": wrong.id, "say": "yes", "corrections": 1})
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Ana": 150, "Jun": 50}


@pytest.mark.parametrize(
    "asked", [{"within_hours": 4}, {"divide": "recent", "recent_hours": 4}], ids=str
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_correction_makes_an_old_event_no_newer(asked: dict[str, Any], times: int) -> None:
    bucket = {"name": "work", "share": "100%", "claim": "equity", **asked, **SAID}
    shop = Workshop(paying(buckets=[bucket]), "Jun", "Ana")
    old = shop.work("Jun", 9, by="Ana")
    shop.cut()
    for number in range(times):
        shop.work("Mei", 1)
        shop.cut(3)
        same = {"action": "work", "corrects": old.id, "effortQuantity": hours(number)}
        shop.write("Jun", "event", same)
        again = {"event": old.id, "say": "yes", "corrections": number + 1}
        shop.write("Ana", "attest", again)
    shop.cut(3)
    shop.work("Ana", 1, by="Jun")
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Ana": 100}
    worth = valuation.value_of(shop.history.final, old.id)
    assert worth is not None and worth.points == 1000 * (9 + sum(range(times)))


def test_a_correction_makes_an_old_event_fade_no_less() -> None:
    fading = {"divide": "half_life", "half_life_hours": 1, "claim": "equity"}
    bucket = {"name": "work", "share": "100%", **fading, **SAID}
    shop = Workshop(paying(buckets=[bucket]), "Jun", "Ana")
    old = shop.work("Jun", 8, by="Ana")
    shop.cut()
    shop.write("Jun", "event", {"action": "work", "corrects": old.id, "effortQuantity": hours(0)})
    shop.write("Ana", "attest", {"event": old.id, "say": "yes", "corrections": 1})
    shop.cut(2)
    shop.work("Ana", 1, by="Jun")
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Jun": 50, "Ana": 50}, "8,000 points are 1,000 after three hours"


def test_what_many_incomes_of_a_cut_cost_grows_as_their_number() -> None:
    calls = []
    for count in (50, 200):
        shop = Workshop(paying(), "Jun")
        for _ in range(count):
            shop.earn(1)
        shop.learn()
        advance = shop.history.next_advance(shop.now_ms + HOUR)
        assert advance is not None
        covered = shop.history.covered(advance).records
        seen = [0]
        sys.setprofile(partial(_count, seen))
        try:
            shop.history.conclude(advance, covered)
        finally:
            sys.setprofile(None)
        calls.append(seen[0])
    assert calls[1] < 5 * calls[0], calls


def _count(seen: list[int], frame: FrameType, event: str, _: object) -> None:
    """Count each call, and each step of a sum, in the code of distribution."""
    seen[0] += event == "call" and frame.f_code.co_filename == distribution.__file__


def test_a_disputed_event_waits() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    done = shop.work("Jun", 1, by="Ana")
    shop.write("Mei", "dispute", {"event": done.id})
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {}
    shop.write("Mei", "dispute", {"event": done.id, "say": "withdraw"})
    shop.cut()
    assert shop.paid() == {"Jun": 100}


def test_work_of_an_outside_agent_is_paid_to_who_claimed_it() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    agent = b"a" * 16
    data = {"action": "work", "provider": agent, "effortQuantity": hours(1)}
    shop.attest(shop.write("Mei", "event", data), "Ana")
    shop.work("Ana", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Ana": 100}
    claim = shop.write("Jun", "agent.claim", {"agent": agent})
    shop.attest(claim, "Mei")
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Ana": 150, "Jun": 50}


def test_who_left_keeps_what_he_earned() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.work("Jun", 1, by="Ana")
    shop.write("Jun", "member.leave", {})
    shop.earn(100, by="Ana")
    shop.cut()
    assert shop.paid() == {"Jun": 100}


def test_a_referral_brings_a_commission_within_its_time() -> None:
    shop = Workshop(paying(commission=["10%"], commission_hours=48), "Jun", "Ana")
    shop.write("Jun", "referral", {"referrer": shop.id("Ana")})
    own = shop.write("Ana", "referral", {"referrer": shop.id("Ana")})
    circle = shop.write("Ana", "referral", {"referrer": shop.id("Jun")})
    assert shop.history.verdict(own.id) == Reason.CIRCLE
    assert shop.history.verdict(circle.id) == Reason.CIRCLE
    shop.work("Jun", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Jun": 90, "Ana": 10}
    shop.cut(49) if shop.history.next_advance(shop.now_ms) else None
    shop.earn(100)
    shop.cut(49)
    assert shop.paid() == {"Jun": 190, "Ana": 10}


def test_a_condition_of_the_rules_refuses_an_event() -> None:
    admit = {"short": {"actions": ["work"], "when": "event.effort <= 12000", **SAID}}
    shop = Workshop(rules(admit=admit), "Jun")
    assert shop.history.verdict(shop.work("Jun", 12).id) is None
    assert shop.history.verdict(shop.work("Jun", 13).id) == Reason.NOT_ADMITTED
    failing = {"odd": {"when": "1 / event.quantity > 0", **SAID}}
    shop = Workshop(rules(admit=failing), "Jun")
    assert shop.history.verdict(shop.work("Jun", 1).id) == Reason.RULE_FAILED


def test_a_refused_event_leaves_nothing_behind() -> None:
    admit = {"none": {"when": "false", **SAID}}
    shop = Workshop(rules(admit=admit), "Jun")
    before = shop.history.state.to_bytes()
    shop.work("Jun", 1)
    assert shop.history.state.to_bytes() == before


def test_rules_on_trial_pay_nothing() -> None:
    document = paying()
    document["governance"]["ordinary"] = process(early=True, trial_hours=48)
    shop = Workshop(document, "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    proposal = shop.patch("Jun", {"value": {"work": {"points": "1"}}})
    shop.say(proposal, "yes", "Mei Jun")
    shop.cut()
    assert shop.status(proposal) == "trial"
    shop.earn(4000)
    shop.cut()
    assert shop.paid() == {"Jun": 3000, "Ana": 1000}


def adopted(shop: Workshop, patch: dict[str, Any]) -> None:
    """Let a patch come into force."""
    proposal = shop.patch("Jun", patch)
    shop.say(proposal, "yes", list(shop.pens))
    shop.cut()
    shop.cut(25)
    assert shop.status(proposal) == "in force"


def test_money_keeps_its_unit_when_the_rules_of_its_pool_change() -> None:
    shop = Workshop(paying(), "Jun")
    shop.earn(1234)
    shop.cut()
    adopted(shop, {"pools": {"income": {"scale": 4}}})
    shop.work("Jun", 1, by="Mei")
    shop.earn(1)
    shop.cut()
    finer = PoolId("income", "EUR", 4)
    left = pools.pools(shop.history.final)
    assert {pool: row.carried for pool, row in left.items()} == {POOL: 1234, finer: 0}
    assert list(pools.shares(shop.history.final).items()) == [((shop.id("Jun"), "EUR", 4), 100)]
    adopted(shop, {"pools": {"income": {"scale": 2}}})
    shop.cut()
    assert pools.shares(shop.history.final)[shop.id("Jun"), "EUR", 2] == 1234


def test_a_pool_can_wait_between_splits_and_waits_only_after_one() -> None:
    shop = Workshop(paying(every_hours=24), "Jun")
    shop.earn(10)
    shop.cut()
    assert pools.pools(shop.history.final)[POOL] == PoolRow(10, 0, "")
    shop.work("Jun", 1, by="Mei")
    shop.cut()
    assert shop.paid() == {"Jun": 10}
    shop.earn(50)
    shop.cut(22)
    assert shop.paid() == {"Jun": 10}
    assert shop.history.next_advance(shop.now_ms + HOUR) is None
    # Nothing new is recorded, and the pool is due: that is reason enough for a seal.
    due = shop.history.next_advance(shop.now_ms + 2 * HOUR)
    assert due is not None and not due.delta.logs
    shop.cut(2)
    assert shop.paid() == {"Jun": 60}
