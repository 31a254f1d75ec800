"""The pools of projects and their end: what came, what is left, and who shares it."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.offers.intents import intent_row
from commonweal.protocol.ledger.governance.enactment import enact
from commonweal.protocol.ledger.sharing.valuation import points_of
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.projects.pools_of_projects import UNITS_MAX, pool_of
from commonweal.protocol.ledger.ventures.projects.projects import project_row
from tests.protocol.ledger.council import HOUR
from tests.protocol.ledger.fellowship import Fellowship
from tests.protocol.ledger.workshop import CUSTOMER, euros


def a_press(split: str = "equal", *, hours: int | None = None, **about: object) -> Fellowship:
    """Return a fellowship whose project press has Jun, Ana and Bo, and ends in so many hours."""
    shop = Fellowship(**about)
    over: dict[str, Any] = {} if hours is None else {"end": shop.history.cut.time_ms + hours * HOUR}
    shop.press = shop.open("Jun", split=split, **over)
    shop.enter(shop.press, "Ana", "Bo")
    shop.cut()
    return shop


def closed(shop: Fellowship, names: str = "Jun Ana Bo") -> None:
    """Close the project by the vote of its members."""
    vote = shop.end(shop.press, "Jun")
    shop.cut()
    shop.say(vote, "yes", names)
    shop.cut()


def test_the_pool_is_what_came_with_the_scope_less_what_left_with_it() -> None:
    shop = a_press()
    shop.earn(10_000, inScopeOf="press")
    shop.earn(3_000)
    shop.work("Ana", 1, by="Bo")
    shop.spend(2_550, "Bo")
    shop.cut()
    assert shop.held() == 7_450
    assert shop.paid() == {"Ana": 3_000}, "what came without the scope is split as ever"
    shop.spend(9_000, "Ana")
    shop.cut()
    assert shop.held() == -1_550, "more may leave than came"


def test_what_is_not_attested_is_in_no_pool() -> None:
    shop = a_press()
    came = shop.write(
        "Mei",
        "event",
        {
            "action": "transfer",
            "provider": CUSTOMER,
            "receiver": shop.community,
            "resourceQuantity": euros(500),
            "newInventoriedResource": {},
            "inScopeOf": "press",
        },
    )
    shop.cut()
    assert shop.held() == 0
    shop.attest(came, "Ana")
    shop.cut()
    assert shop.held() == 500


def test_equal_parts_go_to_who_is_in_it_at_the_close_by_largest_remainder() -> None:
    shop = a_press()
    shop.earn(10_000, inScopeOf="press")
    closed(shop)
    assert shop.project(shop.press).cause == "vote"
    owed = shop.owed()
    assert sorted(owed.values()) == [3_333, 3_333, 3_334]
    assert {*owed} == {"Jun", "Ana", "Bo"}, "Mei is in the community, not in the project"
    assert shop.held() == 0
    assert shop.paid() == owed


def test_points_go_by_what_was_given_in_the_scope() -> None:
    shop = a_press("points")
    shop.work("Ana", 3, by="Bo", inScopeOf="press")
    shop.work("Mei", 1, by="Bo", inScopeOf="press")
    shop.work("Bo", 50, by="Ana")
    shop.work("Jun", 7, inScopeOf="press")
    shop.earn(10_001, inScopeOf="press")
    shop.leave(shop.press, "Ana")
    closed(shop, "Jun Bo")
    assert shop.owed() == {"Ana": 7_501, "Mei": 2_500}, "also who left, also who never joined"
    (line,) = [one.line for one in pools.payouts(shop.history.final) if one.line.amount == 7_501]
    assert (line.weight, line.weights, line.of, len(line.inputs)) == (3_000, 4_000, 10_001, 1)


def test_the_rest_may_stay_with_the_community() -> None:
    shop = a_press("community")
    shop.earn(10_000, inScopeOf="press")
    closed(shop)
    assert (shop.owed(), shop.held()) == ({}, 0)
    assert shop.paid() == {"community": 10_000}


def test_points_without_any_stay_with_the_community() -> None:
    shop = a_press("points")
    shop.earn(10_000, inScopeOf="press")
    closed(shop)
    assert shop.paid() == {"community": 10_000}


def test_a_project_in_debt_leaves_nobody_anything_and_owes_nobody() -> None:
    shop = a_press()
    shop.spend(300, "Bo")
    closed(shop)
    assert (shop.paid(), shop.held(), shop.project(shop.press).status) == ({}, -300, "closed")


def test_the_first_seal_at_its_end_closes_a_project_and_what_that_covers_counts() -> None:
    shop = a_press(hours=3)
    end = shop.project(shop.press).end_ms
    assert end is not None
    assert shop.history.deadline() == end
    shop.earn(900, inScopeOf="press")
    shop.now_ms = end - HOUR - 1
    shop.cut()
    assert shop.project(shop.press).status == "open", "a millisecond before"
    shop.earn(90, inScopeOf="press")
    shop.now_ms = end - HOUR
    shop.cut()
    assert (shop.project(shop.press).status, shop.project(shop.press).cause) == ("closed", "end")
    assert sum(shop.owed().values()) == 990


def test_a_project_that_everybody_left_closes() -> None:
    shop = a_press()
    shop.earn(900, inScopeOf="press")
    for name in ("Jun", "Ana", "Bo"):
        shop.leave(shop.press, name)
    shop.cut()
    assert shop.project(shop.press).cause == "nobody"
    assert shop.paid() == {"community": 900}


def test_who_left_the_community_shares_by_points_and_not_in_equal_parts() -> None:
    for split, whole in (("equal", {"Jun": 450, "Ana": 450}), ("points", {"Bo": 900})):
        shop = a_press(split)
        shop.work("Bo", 2, by="Ana", inScopeOf="press")
        shop.earn(900, inScopeOf="press")
        shop.cut()
        shop.write("Bo", "member.leave", {})
        closed(shop, "Jun Ana")
        assert shop.owed() == whole


def test_who_joins_while_it_is_voted_to_close_takes_no_part() -> None:
    shop = a_press()
    shop.earn(900, inScopeOf="press")
    vote = shop.end(shop.press, "Jun")
    shop.cut()
    shop.enter(shop.press, "Mei")
    assert shop.verdict(shop.say(vote, "yes", ["Mei"])[0]) is Reason.NO_VOTE
    shop.say(vote, "yes", "Jun Ana")
    shop.cut()
    assert shop.owed() == {"Jun": 300, "Ana": 300, "Bo": 300}


def test_rules_may_ask_how_long_one_must_have_been_in_it() -> None:
    shop = a_press(hours=30, settled_hours=28)
    shop.earn(900, inScopeOf="press")
    shop.cut(6)
    shop.enter(shop.press, "Mei")
    shop.cut()
    shop.cut(24)
    assert shop.project(shop.press).status == "closed"
    assert {*shop.owed()} == {"Jun", "Ana", "Bo"}


def test_only_its_members_vote_and_more_than_half_of_them_close_it() -> None:
    shop = a_press()
    assert shop.verdict(shop.end(shop.press, "Mei")) is Reason.NOT_IN_PROJECT
    vote = shop.end(shop.press, "Jun")
    shop.cut()
    assert shop.row(vote).electorate == 3
    assert shop.verdict(shop.say(vote, "yes", ["Mei"])[0]) is Reason.NO_VOTE
    shop.say(vote, "yes", "Jun")
    shop.cut()
    assert shop.status(vote) == "open"
    shop.say(vote, "yes", "Bo")
    shop.cut()
    assert (shop.status(vote), shop.project(shop.press).cause) == ("passed", "vote")


def test_a_vote_that_fails_leaves_it_open() -> None:
    shop = a_press(period_hours=5)
    vote = shop.end(shop.press, "Jun")
    shop.cut()
    shop.say(vote, "no", "Ana Bo")
    shop.cut()
    assert (shop.status(vote), shop.project(shop.press).status) == ("failed", "open")
    silent = shop.end(shop.press, "Jun")
    shop.cut()
    shop.cut(5)
    assert (shop.status(silent), shop.project(shop.press).status) == ("failed", "open")


@pytest.mark.parametrize("project", [None, b"x", 5])
def test_a_vote_names_a_project(project: object) -> None:
    shop = a_press()
    data = {"subject": "project", "project": project}
    assert shop.verdict(shop.write("Jun", "rules.propose", data)) is Reason.SHAPE
    data = {"subject": "project", "project": shop.community}
    assert shop.verdict(shop.write("Jun", "rules.propose", data)) is Reason.UNKNOWN_PROJECT


def test_a_vote_on_what_closed_meanwhile_comes_to_nothing() -> None:
    shop = a_press(hours=3)
    vote = shop.end(shop.press, "Jun")
    shop.cut()
    shop.cut(3)
    assert (shop.status(vote), shop.project(shop.press).cause) == ("stale", "end")
    assert shop.verdict(shop.end(shop.press, "Ana")) is Reason.PROJECT_CLOSED


def test_income_after_the_close_is_that_of_all() -> None:
    shop = a_press()
    closed(shop)
    shop.work("Mei", 1, by="Jun")
    shop.earn(700, inScopeOf="press")
    shop.cut()
    assert shop.owed() == {"Mei": 700}


def test_a_correction_follows_the_money_after_the_close() -> None:
    """0010: no sealed number changes; the difference is written at a later height."""
    shop = a_press()
    came = shop.earn(9_000, inScopeOf="press")
    closed(shop)
    shop.less(came, -3_000)
    shop.cut()
    assert shop.paid() == {"Jun": 2_000, "Ana": 2_000, "Bo": 2_000}
    first = [one for one in claims.claims(shop.history.final) if one.row.height == 4]
    assert {one.row.amount for one in first} == {3_000}
    overpaid = claims.all_overpaid(shop.history.final)
    assert {*overpaid.values()} == {1_000}


def test_a_correction_while_it_is_open_only_moves_the_pool() -> None:
    shop = a_press()
    came = shop.earn(9_000, inScopeOf="press")
    gone = shop.spend(500, "Bo")
    shop.cut()
    shop.less(came, -3_000)
    shop.cut()
    assert (shop.held(), shop.paid()) == (5_500, {})
    data = {"action": "transfer", "corrects": gone.id, "resourceQuantity": euros(-200)}
    less = shop.write("Mei", "event", data)
    shop.write("Bo", "attest", {"event": less.id, "say": "yes", "corrections": 0})
    shop.write("Jun", "attest", {"event": gone.id, "say": "yes", "corrections": 1})
    shop.cut()
    assert shop.held() == 5_700, "what left is less"


def test_income_in_two_units_makes_two_pools_and_two_claims_each() -> None:
    shop = a_press()
    shop.earn(900, inScopeOf="press")
    shop.earn(0, inScopeOf="press", resourceQuantity={"n": 100, "scale": 0, "unit": "JPY"})
    shop.cut()
    assert (shop.held(), shop.held(unit="JPY")) == (900, 100)
    closed(shop)
    found = {(one.row.pool.unit, one.row.amount) for one in claims.claims(shop.history.final)}
    assert found == {("EUR", 300), ("JPY", 33), ("JPY", 34)}


def test_a_project_has_pools_in_so_many_units() -> None:
    shop = a_press()
    for number in range(UNITS_MAX + 1):
        unit = f"unit-{number:02}"
        shop.write("Mei", "unit.define", {"unit": unit})
        shop.earn(0, inScopeOf="press", resourceQuantity={"n": 1, "scale": 0, "unit": unit})
    shop.cut()
    named = [one for one in pools.pools(shop.history.final) if one.name == "project press"]
    assert len(named) == UNITS_MAX


def test_paying_a_claim_takes_nothing_from_a_project() -> None:
    shop = a_press()
    shop.work("Ana", 1, by="Bo")
    shop.earn(1_000)
    shop.cut()
    (owed,) = claims.claims(shop.history.final)
    data: dict[str, Any] = {"action": "transfer", "provider": shop.community}
    data |= {"receiver": shop.id("Ana")}
    data |= {"resourceQuantity": euros(1_000), "settles": [owed.id], "inScopeOf": "press"}
    shop.attest(shop.write("Mei", "event", data), "Ana")
    shop.cut()
    assert pool_of("press", "EUR") not in pools.pools(shop.history.final)


def test_its_open_tasks_end_with_it_and_what_was_taken_stands() -> None:
    shop = a_press()
    taken, left, other = shop.task("Jun"), shop.task("Ana"), shop.task("Ana", scope="garden")
    promise = shop.take(taken, "Mei")
    shop.cut()
    closed(shop)
    state = shop.history.final
    rows = [intent_row(state, one.id) for one in (taken, left, other)]
    assert [row and row.status for row in rows] == ["withdrawn", "withdrawn", "open"]
    row = commitment_row(state, promise.id)
    assert row is not None and row.status == "agreed"
    assert shop.verdict(shop.take(left, "Mei")) is Reason.NOT_OPEN


def test_a_full_cut_closes_none() -> None:
    shop = a_press(hours=3)
    shop.now_ms += 3 * HOUR
    advance = shop.history.next_advance(shop.now_ms)
    assert advance is not None
    over = shop.history.final.above()
    enact(over, advance.cut, shop.history.documents, value_of=points_of, is_full=True)
    row = project_row(over, shop.press.id)
    assert row is not None and row.status == "open"
