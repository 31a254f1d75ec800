"""Greed: members who want more than their share, or who want nobody else to get one."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest

from commonweal.protocol.errors import BadRuleset
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.contributions.value import value_points
from commonweal.protocol.ledger.governance.enactment import REST
from commonweal.protocol.ledger.sharing import distribution, valuation
from commonweal.protocol.ledger.sharing.flows import Flows, Heights
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.rules.document import from_map, read_toml
from commonweal.protocol.rules.environment import EMPTY_EVENT
from commonweal.protocol.rules.expression import evaluate
from commonweal.protocol.rules.split import PastSplit, split
from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.vocabulary.actions import ACTIONS
from tests.protocol.ledger.council import HOUR, SAID, Council, process, rules
from tests.protocol.ledger.workshop import Workshop, hours, paying
from tests.protocol.rules.pools import MEI, amounts, facts
from tests.protocol.rules.pools import bucket as some_bucket
from tests.protocol.rules.pools import pool as some_pool
from tests.protocol.rules.test_split import late


def bucket(**over: Any) -> dict[str, Any]:
    return {"name": "work", "share": "100%", "claim": "equity", **SAID, **over}


def counted_walks(patch: pytest.MonkeyPatch) -> list[bytes]:
    """Let walks be counted: return what each began at, as they are made."""
    begun: list[bytes] = []

    def noted(state: State, source: bytes, height_of: Heights) -> Flows:
        begun.append(source)
        return Flows(state, source, height_of)

    patch.setattr(valuation, "Flows", noted)
    return begun


def test_many_incomes_of_one_source_cost_one_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Workshop(paying(buckets=[bucket(trace=True)]), "Jun", "Ana")
    made = shop.work("Jun", 1, by="Ana")
    shop.work("Ana", 1, by="Jun")
    for _ in range(20):
        shop.earn(5, earnedBy=made.id)
    begun = counted_walks(monkeypatch)
    shop.cut()
    assert begun == [made.id]
    assert shop.paid() == {"Jun": 100}


def test_nobody_asks_what_income_was_earned_by_where_nothing_goes_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Workshop(paying(), "Jun")
    made = shop.work("Jun", 1, by="Mei")
    shop.earn(5, earnedBy=made.id)
    begun = counted_walks(monkeypatch)
    shop.cut()
    assert begun == []


def test_incomes_with_more_behind_them_than_a_cut_can_follow_wait_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(valuation, "STEPS_PER_CUT_MAX", 3)
    shop = Workshop(paying(buckets=[bucket(trace=True)]), "Jun", "Ana")
    made = [shop.work(name, 1, by="Mei") for name in 5 * ["Jun", "Ana"]]
    for one in made:
        shop.earn(10, earnedBy=one.id)
    shop.cut()
    assert sum(shop.paid().values()) == 30
    assert shop.history.deadline() == shop.now_ms + 1, "the next seal is due at once"
    shop.cut()
    assert sum(shop.paid().values()) == 60
    shop.cut()
    shop.cut()
    assert shop.paid() == {"Jun": 50, "Ana": 50}
    assert shop.history.deadline() is None


@pytest.mark.parametrize("how", ["removed", "left"])
def test_who_is_gone_disputes_nothing_any_more(how: str) -> None:
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    done, came = shop.work("Jun", 1, by="Ana"), shop.earn(100, by="Ana")
    for one in (done, came):
        shop.write("Bo", "dispute", {"event": one.id})
    shop.cut()
    assert shop.paid() == {}
    if how == "removed":
        shop.say(shop.remove("Mei", "Bo"), "yes", "Mei Jun Ana")
        shop.cut()
        shop.cut(25)
        assert shop.history.deadline() == shop.now_ms + 1, "the next seal pays"
        shop.cut()
    else:
        shop.write("Bo", "member.leave", {})
        shop.cut()
    assert shop.paid() == {"Jun": 100}


def test_another_dispute_stands_when_one_is_gone() -> None:
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    done = shop.work("Jun", 1, by="Mei")
    for name in ("Ana", "Bo"):
        shop.write(name, "dispute", {"event": done.id})
    shop.earn(100)
    shop.write("Bo", "member.leave", {})
    shop.cut()
    assert shop.paid() == {}
    shop.write("Ana", "dispute", {"event": done.id, "say": "withdraw"})
    shop.cut()
    assert shop.paid() == {"Jun": 100}


TEMPLATES = resources.files("commonweal.protocol.rules") / "templates"


@pytest.mark.parametrize("name", sorted(one.name for one in TEMPLATES.iterdir()))
def test_in_no_template_is_anything_worth_more_for_being_told_in_another_unit(name: str) -> None:
    rules = read_toml((TEMPLATES / name).read_text("utf-8"))
    for action in rules.values:
        told: dict[str, Any] = {"action": action, "to_community": True}
        told |= {"effort": 60_000, "effort_unit": "minute"}
        if ACTIONS[action].quantity != "effort":
            told |= {"quantity": 1_000_000, "unit": "JPY"}
        for factor in rules.factors:
            event: dict[str, Any] = {**EMPTY_EVENT, **told, "factor": factor}
            asked = [one for one in rules.admissions if action in (one.actions or (action,))]
            if all(evaluate(one.when, {"event": event}) for one in asked):
                given = value_points(rules, event)
                assert given is not None and not given.points, (action, factor)


COSTLY = f"{[1] * 40}.sum(a, {[1] * 40}.sum(b, a * b))"
"""A rule that costs most of what one evaluation may."""


def test_the_costliest_value_is_given_over_several_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valuation, "FUEL_PER_CUT_MAX", 20_000)
    shop = Workshop(paying(points=COSTLY), "Jun", "Ana")
    done = [shop.work("Jun", 1, by="Ana").id for _ in range(8)]
    # Of these nothing ever comes, and they keep nobody waiting.
    for _ in range(30):
        unvalued = {"action": "use", "provider": shop.id("Ana"), "effortQuantity": hours(1)}
        shop.attest(shop.write("Ana", "event", unvalued), "Jun")
    seals = 0
    shop.cut()
    while shop.history.deadline() is not None:
        shop.cut()
        seals += 1
    assert 2 <= seals <= 5
    worths = [valuation.value_of(shop.history.final, one) for one in done]
    assert [one and one.points for one in worths] == [1600] * 8


def using(patch: pytest.MonkeyPatch, events: int, looked_at: int) -> tuple[Workshop, list[bytes]]:
    """Return a workshop whose rules now value what waited under the ones before."""
    patch.setattr(distribution, "EVENTS_LOOKED_AT_MAX", looked_at)
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    waits = []
    for number in range(events):
        unvalued = {
            "action": "use",
            "provider": shop.id("Ana"),
            "effortQuantity": hours(number + 1),
        }
        waits.append(shop.write("Ana", "event", unvalued))
        shop.attest(waits[-1], "Jun")
    shop.cut()
    change = {"value": {"use": {"points": COSTLY, **SAID}}}
    shop.say(shop.patch("Jun", change), "yes", "Mei Jun Ana")
    shop.cut()
    shop.cut(25)
    return shop, sorted(event.id for event in waits)


@pytest.mark.parametrize(
    ("events", "looked_at", "seals"), [(8, 3, 3), (9, 3, 3), (3, 3, 1), (10, 3, 4), (8, 50, 1)]
)
def test_what_waits_for_new_rules_is_looked_at_over_several_seals(
    monkeypatch: pytest.MonkeyPatch, events: int, looked_at: int, seals: int
) -> None:
    shop, waits = using(monkeypatch, events, looked_at)
    valued, steps = list[bytes](), list[int]()
    while shop.history.deadline() == shop.history.cut.time_ms + 1:
        shop.cut()
        final = shop.history.final
        known = [event for event in waits if valuation.value_of(final, event) is not None]
        steps.append(len(known) - len(valued))
        valued = known
    rest = events % looked_at
    assert steps == [looked_at] * (events // looked_at) + [rest] * bool(rest)
    assert valued == waits and len(steps) == seals


def test_what_the_fuel_leaves_comes_before_what_was_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(valuation, "FUEL_PER_CUT_MAX", 20_000)
    shop, waits = using(monkeypatch, 20, 7)
    while shop.history.deadline() == shop.history.cut.time_ms + 1:
        shop.cut()
        rest = shop.history.final.get(REST)
        values = [valuation.value_of(shop.history.final, event) for event in waits]
        done = values.index(None) if None in values else len(waits)
        assert values[done:] == [None] * (len(waits) - done), "in order, and none is passed over"
        assert rest == (waits[done] if done < len(waits) else None)
    assert valuation.value_of(shop.history.final, waits[-1]) is not None


def test_seals_of_fold_1_look_at_all_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, waits = using(monkeypatch, 8, 3)
    advance = shop.history.advance(Delta((), ()), shop.now_ms + HOUR, fold=1)
    outcome = shop.history.conclude(advance, [])
    assert {key[1:] for key, _ in outcome.changes if key[:1] == valuation.WORTH} == {*waits}
    assert REST not in dict(outcome.changes)


def test_the_costliest_conditions_of_buckets_end_in_an_error_and_not_in_hours() -> None:
    where = f"{COSTLY} > 0"
    buckets = [bucket(name=str(number), share="1%", where=where) for number in range(32)]
    shop = Workshop(paying(buckets=buckets), "Jun")
    for _ in range(10):
        shop.work("Jun", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {}
    (row,) = pools.pools(shop.history.final).values()
    assert (row.carried, row.error) == (100, "the steps of this evaluation are used up")


def test_all_conditions_of_an_event_share_their_steps() -> None:
    some = f"{[1] * 25}.sum(a, {[1] * 10}.sum(b, a * b)) > 0"
    admit = {str(number): {"when": some, **SAID} for number in range(3)}
    one = Workshop(paying() | {"admit": {"0": admit["0"]}}, "Jun")
    assert one.history.verdict(one.work("Jun", 1).id) is None
    shop = Workshop(paying() | {"admit": admit}, "Jun")
    assert shop.history.verdict(shop.work("Jun", 1).id) == Reason.RULE_FAILED


def test_who_is_late_gets_no_more_by_giving_one_thing_as_ten() -> None:
    rules = some_pool(some_bucket(claim="once"), late="catch_up")
    past = {"0 work": (PastSplit(4, 1000, 100),)}
    whole = split(rules, facts(1000, late(1, MEI, 100, booked=4), past=past))
    ten = [late(number, MEI, 10, booked=4) for number in range(1, 11)]
    assert amounts(whole) == amounts(split(rules, facts(1000, *ten, past=past))) == {MEI: 500}
    # One by one, at ten cuts, it is not more either.
    got = 0
    for one in ten:
        done = split(rules, facts(1000, one, past=past))
        got += amounts(done)[MEI]
        past = {"0 work": (done.past["0 work", 4],)}
    assert past == {"0 work": (PastSplit(4, 1000, 200),)}
    assert got <= 700, "the first ones had more, since the others were not there"


def brief() -> Council:
    """Return a council with values that silence can pass, and a constitution for a day."""
    document = rules()
    document["governance"]["lazy"] = {**process(period_hours=1), "covers": ["value"]}
    document["governance"]["constitution"] = process(threshold="2/3", early=True)
    document["governance"]["ordinary"] = process(early=True)
    council = Council(document, "Jun", "Ana")
    council.say(council.patch("Jun", {"name": "For a day"}, sunset=24), "yes", "Mei Jun Ana")
    council.cut()
    assert council.history.ruleset.name == "For a day"
    return council


VALUE = {"value": {"work": {"points": "event.effort", **SAID}}}
PLAIN = {"contributions": {"attestations": 2, **SAID}}
"""What silence does not pass, so that it can pass early."""


def test_what_is_for_a_day_does_not_stay_by_a_lesser_vote() -> None:
    council = brief()
    silent = council.patch("Jun", VALUE)
    council.cut()
    assert council.row(silent).kind == "constitution"
    later = council.now_ms + 2 * HOUR
    assert council.history.next_advance(later) is None, "silence is no consent to it"
    council.cut(23)
    assert council.history.ruleset.name == "Lanxi"
    assert council.status(silent) == "stale"


def test_what_comes_back_has_what_is_left_of_its_time() -> None:
    council = brief()
    inner = council.patch("Jun", PLAIN, sunset=2)
    council.say(inner, "yes", "Mei Jun Ana")
    council.cut()
    assert council.status(inner) == "in force"
    council.cut(2)
    assert (council.status(inner), council.history.ruleset.name) == ("sunset", "For a day")
    council.cut(23)
    assert council.history.ruleset.name == "Lanxi"
    assert council.history.deadline() is None


def test_what_would_come_back_and_is_over_too_does_not() -> None:
    council = brief()
    longer = council.patch("Jun", PLAIN, sunset=48)
    council.say(longer, "yes", "Mei Jun Ana")
    council.cut()
    council.cut(48)  # one more would be a jump, which ends nothing
    assert (council.status(longer), council.history.ruleset.name) == ("sunset", "Lanxi")


@pytest.mark.parametrize("key", ["period_hours", "trial_hours"])
def test_no_rule_makes_the_next_one_wait_a_lifetime(key: str) -> None:
    document = rules()
    document["governance"]["constitution"][key] = 24 * 366
    from_map(document)
    document["governance"]["constitution"][key] += 1
    with pytest.raises(BadRuleset, match=key):
        from_map(document)


def test_no_vote_ends_as_it_begins() -> None:
    document = rules()
    document["governance"]["constitution"] = process(period_hours=0, early=True)
    with pytest.raises(BadRuleset, match="as it begins"):
        from_map(document)
