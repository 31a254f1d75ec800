"""Giving rounds: which member gives how much to which, when, and what the points pay."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.claims.pools import PoolId
from commonweal.protocol.ledger.finality.backtest import backtest
from commonweal.protocol.ledger.governance import giving_rounds
from commonweal.protocol.ledger.governance.giving_rounds import RECEIVERS_MAX
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.rules.document import from_map
from tests.protocol.ledger.circle import NAME, Circle, circle
from tests.protocol.ledger.council import HOUR, SAID
from tests.protocol.ledger.workshop import euros

POOL = PoolId("income", "EUR", 2)


def a_circle(*names: str, **over: Any) -> Circle:
    """Return a circle with its first round open."""
    made = Circle(circle(**over), *(names or ("Jun", "Ana", "Bo")))
    made.cut()
    assert made.is_open()
    return made


def waiting(shop: Circle) -> int:
    return pools.pool_row(shop.history.final, POOL).carried


def rows(shop: Circle, prefix: bytes) -> int:
    return len([*shop.history.final.items(prefix)])


def test_points_that_members_received_divide_the_income() -> None:
    shop = a_circle()
    shop.give("Mei", Jun=60, Ana=40)
    shop.give("Jun", Ana=30)
    shop.give("Bo", Ana=20, Mei=50)
    shop.earn(100_000)
    shop.cut(2)
    assert shop.paid() == {}, "the round is open"
    assert waiting(shop) == 100_000
    shop.cut(24)
    assert shop.paid() == {"Jun": 30_000, "Ana": 45_000, "Mei": 25_000}
    line = next(one.line for one in pools.payouts(shop.history.final) if one.line.weight == 90)
    assert (line.sort, line.weight, line.weights, len(line.inputs)) == ("given", 90, 200, 3)


COORDINAPE = (
    # Its documentation: Joe has 75 of 1,500 GET of 50,000 USDC; Sarina 100 of 1,000.
    (50_000_00, {"Jun": 75, "Ana": 1_425}, {"Jun": 2_500_00, "Ana": 47_500_00}),
    (50_000_00, {"Jun": 100, "Ana": 900}, {"Jun": 5_000_00, "Ana": 45_000_00}),
    # PoolTogether: 500 POOL by 900 GIVE that were allocated of 1,000; none is for those left over.
    (
        500_00,
        {"Mei": 200, "Jun": 250, "Ana": 150, "Bo": 100, "Cy": 200},
        {"Mei": 111_11, "Jun": 138_89, "Ana": 83_33, "Bo": 55_56, "Cy": 111_11},
    ),
)


@pytest.mark.parametrize(("income", "received", "paid"), COORDINAPE)
def test_the_shares_are_those_of_coordinape(
    income: int, received: dict[str, int], paid: dict[str, int]
) -> None:
    shop = a_circle("Jun", "Ana", "Bo", "Cy", "Dan", points=2_000)
    shop.give("Dan", **received)
    shop.earn(income)
    shop.cut(25)
    assert shop.paid() == paid


def test_who_gives_again_gives_instead() -> None:
    shop = a_circle()
    shop.give("Mei", Jun=100)
    shop.cut()
    shop.give("Mei", Ana=10, Bo=30)
    shop.give("Jun", Bo=60)
    assert shop.verdict(shop.give("Jun")) is None, "and may take all of it back"
    shop.earn(400)
    shop.cut(25)
    assert shop.paid() == {"Ana": 100, "Bo": 300}


def test_nobody_gives_more_than_they_have() -> None:
    shop = a_circle(most=60)
    assert shop.verdict(shop.give("Mei", Jun=60, Ana=41)) is Reason.OVER_GIVEN
    assert shop.verdict(shop.give("Mei", Jun=61)) is Reason.TOO_MUCH_FOR_ONE
    assert shop.verdict(shop.give("Mei", Jun=60, Ana=40)) is None
    assert shop.verdict(shop.give("Mei", Jun=60, Ana=40)) is Reason.NOTHING_NEW
    assert shop.verdict(shop.give("Bo")) is Reason.NOTHING_NEW


def test_nobody_gives_to_themselves_or_to_outsiders() -> None:
    shop = a_circle()
    assert shop.verdict(shop.give("Mei", Mei=1)) is Reason.SELF_GIVEN
    shop.write("Bo", "member.leave", {})
    assert shop.verdict(shop.give("Mei", Bo=1)) is Reason.NO_RECEIVER
    assert shop.verdict(shop.give("Bo", Mei=1)) is Reason.NOT_A_MEMBER
    shop.earn(100)
    shop.cut(25)
    assert waiting(shop) == 100


def test_only_the_roles_of_the_round_take_part() -> None:
    shop = a_circle(givers="consumer", receivers="witness")
    assert shop.verdict(shop.give("Jun", Mei=5)) is Reason.NO_GIVER
    shop.write("Jun", "role.claim", {"role": "consumer"})
    assert shop.verdict(shop.give("Jun", Ana=5)) is Reason.NO_RECEIVER
    given = shop.give("Jun", Mei=5)
    assert shop.verdict(given) is None
    shop.earn(100)
    shop.write("Jun", "role.resign", {"role": "consumer"})
    shop.cut(25)
    assert shop.paid() == {}, "who gave does not take part any more"


def test_who_is_gone_when_the_round_is_counted_neither_gives_nor_receives() -> None:
    shop = a_circle()
    shop.give("Bo", Jun=100)
    shop.give("Mei", Bo=50, Ana=10)
    shop.cut()
    shop.write("Bo", "member.leave", {})
    shop.earn(100)
    shop.cut(25)
    assert shop.paid() == {"Ana": 100}


def test_newcomers_receive_and_do_not_give_before_they_may_attest() -> None:
    member = {"founding_circle": 2, "delay_hours": 12, "growth_per_week": 9, **SAID}
    shop = Circle({**circle(), "membership": member}, "Jun", "Ana", "Bo")
    shop.cut()
    assert shop.verdict(shop.give("Ana", Bo=100)) is Reason.NO_WORD_YET
    assert shop.verdict(shop.give("Jun", Bo=10)) is None
    shop.cut(13)
    assert shop.verdict(shop.give("Ana", Bo=30)) is None
    shop.earn(100)
    shop.cut(12)
    assert shop.paid() == {"Bo": 100}


def test_a_full_cut_counts_no_round() -> None:
    shop = a_circle()
    shop.give("Mei", Jun=10)
    shop.cut(2)
    for is_full in (True, False):
        over = State(shop.history.final)
        later = shop.now_ms + 30 * HOUR
        giving_rounds.close_rounds(over, later, shop.history.ruleset, is_full=is_full)
        row = giving_rounds.round_row(over, NAME)
        assert row is not None and row.is_open == is_full


def test_what_the_counting_seal_covers_still_counts_and_what_comes_later_does_not() -> None:
    shop = a_circle()
    row = giving_rounds.round_row(shop.history.final, NAME)
    assert row is not None
    shop.give("Jun", Ana=10)
    shop.earn(100)
    shop.cut(30)
    assert shop.paid() == {"Ana": 100}
    late = shop.give("Mei", opened=row.height, Jun=100)
    assert shop.verdict(late) is Reason.ROUND_CLOSED
    shop.cut(48)
    assert shop.is_open(), "the next round"
    assert shop.verdict(shop.give("Mei", opened=row.height, Jun=100)) is Reason.ROUND_CLOSED
    assert shop.verdict(shop.give("Mei", Jun=100)) is None


def test_a_round_is_opened_and_counted_although_nobody_writes() -> None:
    shop = a_circle()
    shop.give("Jun", Ana=10)
    shop.cut()
    ends = shop.history.deadline()
    row = giving_rounds.round_row(shop.history.final, NAME)
    assert row is not None and ends == row.closes_ms == row.opened_ms + 24 * HOUR
    shop.now_ms = ends - HOUR
    shop.cut()
    assert not shop.is_open()
    assert shop.history.deadline() == row.opened_ms + 48 * HOUR
    shop.now_ms = row.opened_ms + 47 * HOUR
    shop.cut()
    assert shop.is_open()


def test_points_wait_for_money_and_are_paid_once() -> None:
    shop = a_circle()
    for number in range(3):
        shop.give("Mei", Jun=10 + number)
        shop.give("Jun", Ana=30)
        shop.cut(25)
        assert not shop.is_open() and rows(shop, giving_rounds.GIFT) == 0
        shop.cut(24)
    assert rows(shop, giving_rounds.POINTS) == 2
    shop.earn(123)
    shop.cut()
    assert shop.paid() == {"Jun": 33, "Ana": 90}
    assert rows(shop, giving_rounds.POINTS) == 0, "rows go once they are paid"
    shop.earn(50)
    shop.cut()
    assert waiting(shop) == 50, "the pool waits for the next round"


def test_other_buckets_wait_for_the_round_too() -> None:
    reserve = {"name": "reserve", "share": "20%", "to": "community", **SAID}
    fed = {"name": "given", "share": "100%", "of": "remainder", "to": "round", **SAID}
    shop = Circle(circle([reserve, fed | {"round": NAME}]), "Jun", "Ana")
    shop.cut()
    shop.earn(1000)
    shop.cut()
    shop.earn(1000)
    shop.cut()
    assert shop.paid() == {}
    shop.give("Jun", Ana=1)
    shop.cut(25)
    assert shop.paid() == {"community": 400, "Ana": 1600}


def test_an_income_that_never_came_gives_the_points_back() -> None:
    shop = a_circle()
    shop.give("Mei", Jun=10, Ana=30)
    came = shop.earn(400)
    shop.cut(25)
    assert shop.paid() == {"Jun": 100, "Ana": 300}
    less = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(-400)}
    shop.write("Mei", "event", less)
    shop.write("Jun", "attest", {"event": came.id, "say": "yes", "corrections": 1})
    shop.cut()
    assert shop.paid() == {"Jun": 0, "Ana": 0}
    assert rows(shop, giving_rounds.POINTS) == 2
    shop.earn(40)
    shop.cut()
    assert shop.paid() == {"Jun": 10, "Ana": 30}


def test_a_backtest_divides_by_the_points_that_were_given() -> None:
    shop = a_circle()
    shop.give("Mei", Jun=10, Ana=30)
    shop.earn(400)
    shop.cut(25)
    half = {"name": "half", "share": "50%", "to": "community", **SAID}
    for name, would in ((NAME, {"Jun": 50, "Ana": 150, "community": 200}), ("other", {})):
        fed = {"name": "rest", "share": "100%", "of": "remainder", "to": "round", **SAID}
        document = circle([half, fed | {"round": name}])
        document["rounds"]["other"] = SAID
        past = (shop.records, shop.documents, shop.history.past)
        made = backtest(shop.community, *past, from_map(document))
        names: dict[Any, str] = {pen.owner.id: name for name, pen in shop.pens.items()}
        names[shop.community] = "community"
        assert {names[row.who]: row.would for row in made.members if row.would} == would


def test_what_a_round_asks_is_fixed_when_it_opens() -> None:
    shop = a_circle()
    proposal = shop.patch("Jun", {"rounds": {NAME: {"points": 10, "open_hours": 2}}})
    shop.say(proposal, "yes", "Mei Jun Ana")
    shop.cut()
    shop.cut(24)
    row = giving_rounds.round_row(shop.history.final, NAME)
    assert row is not None and row.points == 100
    shop.cut(24)
    row = giving_rounds.round_row(shop.history.final, NAME)
    assert row is not None and row.points == 10
    assert row.closes_ms == row.opened_ms + 2 * HOUR


def test_a_round_that_the_rules_drop_is_forgotten() -> None:
    shop = a_circle()
    shop.give("Mei", Jun=10)
    fed = {"name": "all", "share": "100%", "to": "community", **SAID}
    proposal = shop.patch("Jun", {"rounds": None, "pools": {"income": {"buckets": [fed]}}})
    shop.say(proposal, "yes", "Mei Jun Ana")
    shop.cut()
    shop.give("Ana", Jun=10)
    shop.cut(24)
    assert [rows(shop, prefix) for prefix in (giving_rounds.ROUND, giving_rounds.GIFT)] == [0, 0]
    assert shop.verdict(shop.give("Ana", opened=1, Jun=10)) is Reason.ROUND_CLOSED


def test_a_time_that_jumps_counts_no_round() -> None:
    shop = a_circle()
    shop.give("Mei", Jun=10)
    shop.cut(24 * 9)
    assert rows(shop, giving_rounds.GIFT) == 1
    shop.work("Mei", 1)
    shop.cut(2)
    assert rows(shop, giving_rounds.GIFT) == 0, "seals went on for an hour"
    assert rows(shop, giving_rounds.POINTS) == 1


def test_a_round_that_was_opened_at_a_wrong_time_ends_in_time() -> None:
    shop = a_circle()
    shop.cut(25)
    before_ms = shop.now_ms
    shop.work("Mei", 1)
    shop.cut(24 * 20)
    shop.work("Mei", 1)
    shop.cut(2)
    row = giving_rounds.round_row(shop.history.final, NAME)
    assert row is not None and row.opened_ms == shop.now_ms and row.is_open
    shop.work("Mei", 1)
    shop.now_ms = before_ms
    shop.cut()
    row = giving_rounds.round_row(shop.history.final, NAME)
    assert row is not None
    assert (row.opened_ms, row.closes_ms) == (shop.now_ms, shop.now_ms + 24 * HOUR)


BAD: tuple[Any, ...] = (
    None,
    0,
    {},
    [["Jun", 1, 2]],
    [["Jun"]],
    [["Jun", 0]],
    [["Jun", -1]],
    [["Jun", True]],
    [["Jun", "1"]],
    [[b"short", 1]],
    [["Jun", 1], ["Jun", 2]],
    [[bytes([0, number]) + bytes(30), 1] for number in range(RECEIVERS_MAX + 1)],
)


@pytest.mark.parametrize("points", BAD)
def test_points_have_one_form(points: Any) -> None:
    shop = a_circle(points=1000)
    if type(points) is list:
        points = [[shop.id(part) if part == "Jun" else part for part in pair] for pair in points]
    data = {"round": NAME, "opened": 1} | ({} if points is None else {"points": points})
    assert shop.verdict(shop.write("Mei", "round.give", data)) is Reason.SHAPE


def test_receivers_are_listed_in_order() -> None:
    shop = a_circle()
    listed = sorted([[shop.id("Jun"), 1], [shop.id("Ana"), 2]], reverse=True)
    wrong = {"round": NAME, "opened": 1, "points": listed}
    assert shop.verdict(shop.write("Mei", "round.give", wrong)) is Reason.SHAPE
    most = [[bytes([number]) * 32, 1] for number in range(RECEIVERS_MAX)]
    full = {"round": NAME, "opened": 1, "points": most}
    assert shop.verdict(shop.write("Mei", "round.give", full)) is Reason.NO_RECEIVER
    for key, value in (("round", "other"), ("opened", 0)):
        data = {**wrong, "points": listed[::-1], key: value}
        assert shop.verdict(shop.write("Mei", "round.give", data)) is Reason.ROUND_CLOSED
