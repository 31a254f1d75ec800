"""What is really paid: from records and cuts, the same on every node, and explained."""

from __future__ import annotations

import random
from typing import Any

import pytest

from commonweal.protocol.ledger import distribution, membership
from commonweal.protocol.ledger.backtest import backtest, height_of
from commonweal.protocol.ledger.closing import last_cut
from commonweal.protocol.ledger.history import History
from commonweal.protocol.ledger.reasons import Reason
from commonweal.protocol.record import Record
from commonweal.protocol.rules.document import Ruleset, from_map
from commonweal.protocol.rules.split import explained
from tests.rules.council import SAID, Council, rules

CUSTOMER = b"c" * 16


def paying(points: str = "event.effort", **over: Any) -> dict[str, Any]:
    """Return rules that pay work out of income in EUR."""
    buckets = [{"name": "work", "share": "100%", "claim": "equity", **SAID}]
    table = {"unit": "EUR", "income": INCOME, "buckets": buckets, **SAID, **over}
    value = {"work": {"points": points, **SAID}}
    return rules(value=value, pools={"income": table})


INCOME = "event.action == 'transfer' && event.from_outside && event.to_community"


def hours(n: int) -> dict[str, Any]:
    return {"n": n, "scale": 0, "unit": "hour"}


def euros(n: int) -> dict[str, Any]:
    return {"n": n, "scale": 2, "unit": "EUR"}


class Workshop(Council):
    """A council that works and earns."""

    def work(self, name: str, n: int, by: str | None = None, **over: Any) -> Record:
        """Record work, attested by `by`."""
        data = {"action": "work", "provider": self.id(name), "effortQuantity": hours(n)} | over
        done = self.write(name, "event", data)
        if by:
            self.attest(done, by)
        return done

    def attest(self, event: Record, by: str) -> Record:
        """Say yes to an event."""
        return self.write(by, "attest", {"event": event.id, "say": "yes"})

    def earn(self, n: int, by: str = "Jun", **over: Any) -> Record:
        """Record income from outside, attested by `by`."""
        data = {
            "action": "transfer",
            "provider": CUSTOMER,
            "receiver": self.community,
            "resourceQuantity": euros(n),
            "newInventoriedResource": {},
        }
        came = self.write("Mei", "event", data | over)
        self.attest(came, by)
        return came

    def paid(self) -> dict[str, int]:
        """Return what each has been paid, by name."""
        names = {pen.owner.id: name for name, pen in self.pens.items()}
        names[self.community] = "community"  # type: ignore[index]
        found = distribution.shares(self.history.final)
        return {names[member]: amount for (member, _, _), amount in found.items()}  # type: ignore[index]


def test_income_is_shared_by_attested_work() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    shop.work("Mei", 5)
    shop.earn(40_000)
    assert shop.paid() == {}
    shop.cut()
    assert shop.paid() == {"Jun": 30_000, "Ana": 10_000}
    lines = distribution.payouts(shop.history.final)
    assert {one.height for one in lines} == {1}
    assert {one.ruleset for one in lines} == {shop.history.ruleset.id}
    assert all(explained(one.line) for one in lines)
    shop.earn(4)
    shop.cut()
    assert shop.paid() == {"Jun": 30_003, "Ana": 10_001}


def test_income_waits_for_somebody_whom_it_can_go_to() -> None:
    shop = Workshop(paying(), "Jun")
    shop.earn(100)
    shop.cut()
    assert distribution.pools(shop.history.final)["income"].carried == 100
    shop.work("Mei", 1, by="Jun")
    shop.cut()
    assert shop.paid() == {"Mei": 100}
    assert distribution.pools(shop.history.final)["income"].carried == 0


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
    failed = distribution.worth_of(shop.history.final, one.id)
    assert failed is not None
    assert (failed.points, "zero" in failed.reason) == (0, True)
    fine = distribution.worth_of(shop.history.final, two.id)
    assert fine is not None
    assert (fine.points, fine.reason) == (1000, "")
    assert shop.paid() == {"Mei": 100}


@pytest.mark.parametrize("points", ["0 - event.effort", "event.effort * 9223372036854775807"])
def test_a_value_outside_64_bits_or_below_nothing_is_nothing(points: str) -> None:
    shop = Workshop(paying(points), "Jun")
    one = shop.work("Jun", 1, by="Mei")
    shop.cut()
    found = distribution.worth_of(shop.history.final, one.id)
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
    row = distribution.pools(shop.history.final)["income"]
    assert shop.paid() == {}
    assert (row.carried, bool(row.error)) == (100, True)
    shop.earn(50)
    shop.cut()
    assert distribution.pools(shop.history.final)["income"].carried == 150


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
    shop.cut(49) if shop.history.next_cut(shop.now_ms) else None
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


def busy() -> Workshop:
    """Return a workshop with several cuts, a change of the rules and late records."""
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    shop.work("Jun", 3, by="Ana")
    late = shop.work("Ana", 2)
    shop.earn(1000)
    shop.cut()
    proposal = shop.patch("Jun", {"value": {"work": {"points": "event.effort * 2"}}})
    shop.say(proposal, "yes", "Mei Jun Ana")
    shop.cut()
    shop.attest(late, "Bo")
    shop.earn(777)
    shop.cut(25)
    shop.work("Bo", 7, by="Jun")
    shop.earn(55)
    shop.cut()
    shop.work("Mei", 1, by="Jun")
    return shop


def outcome(history: History, records: list[Record]) -> tuple[Any, ...]:
    verdicts = [history.verdict(one.id) for one in records]
    return history.final.to_bytes(), history.state.to_bytes(), history.cut, verdicts


@pytest.mark.parametrize("seed", range(40))
def test_the_order_of_arrival_changes_nothing_final_or_provisional(seed: int) -> None:
    shop = busy()
    expected = outcome(shop.history, shop.records)
    rng = random.Random(seed)
    records = [*shop.records]
    rng.shuffle(records)
    history = History(shop.community)
    places = sorted(rng.randint(0, len(records)) for _ in range(5))
    pieces = [records[a:b] for a, b in zip([0, *places], [*places, len(records)], strict=True)]
    documents = list(shop.documents.items())
    for piece in pieces:
        if rng.random() < 0.5 and documents:
            history.learn(dict([documents.pop()]))
        history.add(piece)
        if rng.random() < 0.5:
            history.settle()
    history.learn(dict(documents))
    assert outcome(history, shop.records) == expected


def test_who_was_away_has_the_same_rules_and_shares() -> None:
    shop = busy()
    away = History(shop.community)
    away.learn(shop.documents)
    away.add(shop.records[:10])
    away.add(shop.records[10:])
    assert away.ruleset.id == shop.history.ruleset.id
    assert distribution.shares(away.final) == distribution.shares(shop.history.final)


def test_a_record_that_comes_after_a_cut_changes_nothing_final() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    early = shop.pens["Ana"].log[-1]
    shop.work("Jun", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    final = shop.history.final.to_bytes()
    data = {"action": "work", "provider": shop.id("Ana"), "effortQuantity": hours(1)}
    late = shop.pens["Ana"].write("event", data)
    assert late.clock == early.clock + 1
    shop.learn()
    assert shop.history.final.to_bytes() == final
    assert not shop.history.is_final(late.id)
    shop.cut()
    assert distribution.booked_at(shop.history.final, late.id) == (2, shop.now_ms)


def test_only_the_device_that_founded_the_community_makes_cuts() -> None:
    shop = Workshop(paying(), "Jun")
    data = shop.history.next_cut(shop.now_ms)
    assert data is not None
    stranger = shop.write("Jun", "cut.single", data)
    assert shop.history.verdict(stranger.id) == Reason.NOT_THE_WITNESS
    assert shop.history.cut.height == 0
    again = shop.pens["Mei2"] = type(shop.mei)(shop, shop.founder, 1)
    again.enrol([shop.records[-1]], is_new=False)
    second = shop.write("Mei2", "cut.single", data)
    assert shop.history.verdict(second.id) == Reason.NOT_THE_WITNESS
    assert shop.history.cut.height == 0


@pytest.mark.parametrize(
    "over",
    [
        {"height": 2},
        {"height": 0},
        {"time": 0},
        {"logs": [[b"x" * 32, 1, b"y" * 16, None]]},
        {"logs": [[b"x", 1, b"y" * 16, None]]},
        {"logs": None},
    ],
)
def test_a_cut_without_its_form_or_its_records_decides_nothing(over: dict[str, Any]) -> None:
    shop = Workshop(paying(), "Jun")
    data = shop.history.next_cut(shop.now_ms)
    assert data is not None
    shop.write("Mei", "cut.single", data | over)
    assert shop.history.cut.height == 0
    shop.cut()
    assert shop.history.cut.height == 1


def test_a_cut_waits_for_what_it_covers() -> None:
    shop = Workshop(paying(), "Jun")
    shop.work("Jun", 1)
    shop.cut()
    history = History(shop.community)
    history.learn(shop.documents)
    missing = shop.pens["Jun"].log[-1]
    history.add(one for one in shop.records if one.id != missing.id)
    assert history.cut.height == 0
    history.add([missing])
    assert history.cut == shop.history.cut
    assert last_cut(history.final).height == 1


def test_a_log_that_a_proof_ends_is_cut_where_it_ends() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    bad = shop.work("Jun", 1)
    shop.history.freeze(shop.pens["Jun"].key, bad.seq)
    assert shop.history.verdict(bad.id) == Reason.LOG_FROZEN
    shop.cut()
    assert not shop.history.is_final(bad.id)
    assert membership.frozen_at(shop.history.final, shop.pens["Jun"].key) == bad.seq


def proposed(points: str) -> Ruleset:
    return from_map(paying(points))


def test_a_backtest_says_who_would_have_had_what() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.write("Jun", "role.claim", {"role": "consumer"})
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    shop.earn(4000)
    shop.cut()
    new = proposed("1000")
    found = backtest(shop.community, shop.records, shop.documents, new)
    table = {one.who: (one.had, one.would) for one in found.members}
    assert table == {shop.id("Jun"): (3000, 2000), shop.id("Ana"): (1000, 2000)}
    assert [(one.who, one.had, one.would) for one in found.roles] == [("consumer", 3000, 2000)]
    same = backtest(shop.community, shop.records, shop.documents, shop.history.ruleset)
    assert all(one.had == one.would for one in same.members)
    assert same.hash != found.hash


def test_any_voter_gets_the_same_backtest_at_its_height() -> None:
    shop = busy()
    new = proposed("event.effort * event.effort")
    height = shop.history.cut.height
    first = backtest(shop.community, shop.records, shop.documents, new)
    shop.work("Jun", 50, by="Ana")
    shop.earn(10_000)
    shop.cut()
    random.Random(1).shuffle(shop.records)
    again = backtest(shop.community, shop.records, shop.documents, new, height_of(first.name))
    assert height_of(first.name) == height
    assert again == first
    later = backtest(shop.community, shop.records, shop.documents, new)
    assert later.hash != first.hash


def test_a_proposal_carries_its_backtest() -> None:
    shop = busy()
    new = proposed("1")
    found = backtest(shop.community, shop.records, shop.documents, new)
    proposal = shop.propose("Jun", new.document, backtest=found.name)
    assert shop.row(proposal).backtest == found.name
