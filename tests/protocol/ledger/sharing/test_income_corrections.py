"""Income that was split and is corrected: deltas at a later height, and nothing sealed moves."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.ledger.claims.claims import Claim
from commonweal.protocol.ledger.claims.pools import PoolId
from commonweal.protocol.ledger.sharing.income_corrections import _within
from commonweal.protocol.rules.split import CORRECTION
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.treasury import Treasury, balance, sealed
from tests.protocol.ledger.workshop import euros, paying
from tests.protocol.rules.payouts import is_explained

POOL = PoolId("income", "EUR", 2)


def bucket(name: str = "work", share: str = "100%", **over: Any) -> dict[str, Any]:
    return {"name": name, "share": share, "claim": "equity", **SAID, **over}


def test_less_income_is_taken_off_the_next_payout_of_those_who_had_it() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    came = shop.earn(4000)
    shop.cut()
    before = sealed(shop, 1)
    shop.correct_income(came, -1000)
    shop.cut()
    assert shop.owed() == {("Jun", 1): 3000, ("Ana", 1): 1000}
    assert shop.too_much() == {"Jun": 750, "Ana": 250}
    shop.earn(1000)
    shop.cut()
    # Of 750 and 250 nothing is left; the shares themselves are what they always were.
    assert shop.owed() == {("Jun", 1): 3000, ("Ana", 1): 1000}
    split = [one.line.amount for one in pools.payouts(shop.history.final, 3)]
    assert sorted(split) == [250, 750]
    assert shop.too_much() == {}
    shop.earn(400)
    shop.cut()
    assert shop.owed()["Jun", 4] == 300
    assert sealed(shop, 1) == before
    assert shop.paid() == {"Jun": 3300, "Ana": 1100}


def test_more_income_goes_where_the_rest_of_it_went() -> None:
    shop = Treasury(paying(buckets=[bucket(claim="once")]), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    came = shop.earn(100)
    shop.cut()
    shop.work("Ana", 1, by="Mei")
    shop.correct_income(came, 900)
    shop.earn(50)
    shop.cut()
    assert shop.owed() == {("Jun", 1): 100, ("Jun", 2): 900, ("Ana", 2): 50}
    (line,) = [one.line for one in pools.payouts(shop.history.final) if one.line.corrects]
    assert (line.sort, line.corrects, line.income) == (CORRECTION, 1, came.id)
    assert is_explained(line)


def test_there_and_back_is_nothing() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 2, by="Ana")
    shop.work("Ana", 1, by="Mei")
    came = shop.earn(100)
    shop.cut()
    before = shop.paid()
    for more in (-100, 100, 33, -33):
        shop.correct_income(came, more)
        shop.cut()
    after = shop.paid()
    assert sum(after.values()) == sum(before.values())
    assert all(abs(after[name] - before[name]) <= 1 for name in before)
    shop.correct_income(came, -100)
    shop.cut()
    assert shop.paid() == {"Jun": 0, "Ana": 0}


def test_a_correction_waits_until_it_is_attested_like_any_income() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    came = shop.earn(100)
    shop.cut()
    shop.write("Mei", "event", {"action": "transfer", "corrects": came.id, **less(-40)})
    shop.cut()
    assert shop.paid() == {"Jun": 100}
    shop.write("Ana", "attest", {"event": came.id, "say": "yes", "corrections": 1})
    shop.cut()
    assert shop.paid() == {"Jun": 60}
    assert shop.too_much() == {"Jun": 40}


def test_a_disputed_correction_waits_too() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    came = shop.earn(100)
    shop.cut()
    shop.correct_income(came, -40)
    shop.write("Ana", "dispute", {"event": came.id})
    shop.cut()
    assert shop.too_much() == {}
    shop.write("Ana", "dispute", {"event": came.id, "say": "withdraw"})
    shop.cut()
    assert shop.too_much() == {"Jun": 40}


def less(n: int) -> dict[str, Any]:
    return {"resourceQuantity": euros(n)}


def test_what_stayed_in_the_pool_is_followed_to_the_split_that_gave_it_out() -> None:
    shop = Treasury(paying(), "Jun")
    came = shop.earn(100)
    shop.cut()  # nobody worked yet: all of it stays
    shop.work("Mei", 1, by="Jun")
    shop.earn(50)
    shop.cut()
    assert shop.paid() == {"Mei": 150}
    shop.correct_income(came, -30)
    shop.cut()
    assert shop.too_much() == {"Mei": 30}
    assert pools.pools(shop.history.final)[POOL].carried == 0


def test_what_is_still_in_the_pool_is_taken_from_the_pool() -> None:
    shop = Treasury(paying(), "Jun")
    came = shop.earn(100)
    shop.cut()
    shop.correct_income(came, -30)
    shop.cut()
    assert pools.pools(shop.history.final)[POOL].carried == 70
    shop.work("Mei", 1, by="Jun")
    shop.cut()
    assert shop.paid() == {"Mei": 70}


def test_a_debt_that_was_paid_by_income_that_never_came_is_owed_again() -> None:
    rules = paying("event.effort / 10", buckets=[bucket(claim="debt")])
    shop = Treasury(rules, "Jun")
    shop.work("Mei", 1, by="Jun")  # 100 points: a debt of 1.00 EUR
    came = shop.earn(60)
    shop.cut()
    shop.correct_income(came, -50)
    shop.cut()
    assert (shop.paid(), shop.too_much()) == ({"Mei": 10}, {"Mei": 50})
    shop.earn(1000)
    shop.cut()
    # 90 of the debt were open; 50 of them were paid already.
    assert shop.paid() == {"Mei": 100}
    assert shop.owed() == {("Mei", 1): 60, ("Mei", 3): 40}
    assert pools.pools(shop.history.final)[POOL].carried == 910


def test_of_several_debts_no_more_is_owed_again_than_was_taken_back() -> None:
    rules = paying("event.effort / 10", buckets=[bucket(claim="debt")])
    shop = Treasury(rules, "Jun")
    for _ in range(2):
        shop.work("Mei", 1, by="Jun")
    came = shop.earn(200)
    shop.cut()
    shop.correct_income(came, -50)
    shop.earn(1000)
    shop.cut()
    assert shop.paid() == {"Mei": 200}


def test_more_income_pays_no_debt_twice_but_stays_in_the_pool() -> None:
    rules = paying("event.effort / 10", buckets=[bucket(claim="debt")])
    shop = Treasury(rules, "Jun")
    shop.work("Mei", 1, by="Jun")
    came = shop.earn(60)
    shop.cut()
    shop.correct_income(came, 100)
    shop.cut()
    assert shop.paid() == {"Mei": 100}
    assert pools.pools(shop.history.final)[POOL].carried == 60


def test_cents_that_are_taken_back_one_by_one_leave_nobody_below_nothing() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    for name, by in (("Mei", "Jun"), ("Jun", "Ana"), ("Ana", "Mei")):
        shop.work(name, 1, by=by)
    cents = [shop.earn(1) for _ in range(9)]
    shop.cut()
    for cent in cents:
        shop.correct_income(cent, -1)
        shop.cut()
        assert min(shop.paid().values()) >= 0
    assert shop.paid() == {"Mei": 0, "Jun": 0, "Ana": 0}
    assert shop.too_much() == {"Mei": 3, "Jun": 3, "Ana": 3}


def test_what_a_split_left_in_the_pool_bears_its_part() -> None:
    shop = Treasury(paying(buckets=[bucket(share="50%")]), "Jun")
    shop.work("Mei", 1, by="Jun")
    came = shop.earn(100)
    shop.cut()
    shop.decide("Mei")
    shop.cut()  # half of the other half
    assert shop.paid() == {"Mei": 75}
    shop.correct_income(came, -40)
    shop.cut()
    # 20 of the first split, and 10 of the second; of what stayed, half is paid now.
    assert [one.line.amount for one in pools.payouts(shop.history.final, 3)] == [-20, -10, 7]
    assert pools.pools(shop.history.final)[POOL].carried == 8


def test_of_two_traced_incomes_each_bears_its_own_correction() -> None:
    buckets = [bucket("all", "50%"), bucket("makers", "50%", trace=True)]
    shop = Treasury(paying(buckets=buckets), "Jun", "Ana")
    juns, anas = shop.work("Jun", 1, by="Ana"), shop.work("Ana", 1, by="Mei")
    one = shop.earn(300, earnedBy=juns.id)
    two = shop.earn(100, earnedBy=anas.id)
    shop.cut()
    assert shop.paid() == {"Jun": 250, "Ana": 150}
    shop.correct_income(one, -300)
    shop.cut()
    assert shop.paid() == {"Jun": 25, "Ana": 75}
    shop.correct_income(two, -100)
    shop.cut()
    assert shop.paid() == {"Jun": 0, "Ana": 0}
    assert pools.pools(shop.history.final)[POOL].carried == 0


def test_nobody_gives_back_more_than_is_left_and_the_others_bear_it() -> None:
    assert _within([67, 33], [50, 50], [b"a", b"b"]) == [50, 50]
    assert _within([67, 33], [50, 40], [b"a", b"b"]) == [50, 40]
    assert _within([6, 3, 1], [5, 9, 9], [b"a", b"b", b"c"]) in ([5, 4, 1], [5, 3, 2])
    assert _within([0, 3], [0, 4], [b"a", b"b"]) == [0, 3]


def test_what_was_taken_back_counts_as_not_paid_where_who_had_least_comes_first() -> None:
    shop = Treasury(paying(buckets=[bucket(divide="balanced")]), "Jun", "Ana")
    shop.work("Jun", 1, by="Ana")
    came = shop.earn(100)
    shop.cut()
    shop.work("Ana", 1, by="Mei")
    shop.correct_income(came, -100)
    shop.earn(60)
    shop.cut()
    assert shop.paid() == {"Jun": 30, "Ana": 30}


def test_who_is_late_catches_up_with_what_an_income_really_was() -> None:
    shop = Treasury(paying(late="catch_up"), "Jun", "Ana")
    shop.work("Jun", 1, by="Ana")
    late = shop.work("Ana", 1)
    came = shop.earn(100)
    shop.cut()
    shop.correct_income(came, -60)
    shop.cut()
    shop.attest(late, "Jun")
    shop.earn(100)
    shop.cut()
    # 20 of the 40 that it missed, and half of the other 80.
    assert shop.paid() == {"Jun": 80, "Ana": 60}


def test_a_pool_below_nothing_is_filled_first_and_is_no_reason_to_seal() -> None:
    shop = Treasury(paying(buckets=[bucket(trace=True)], every_hours=24), "Jun")
    done = shop.work("Jun", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    pools.put_pool(shop.history.final, POOL, pools.PoolRow(-30, shop.now_ms))
    shop.history.final.commit()
    assert shop.history.deadline() is None
    shop.earn(20)
    shop.cut(25)
    assert pools.pools(shop.history.final)[POOL].carried == -10
    shop.earn(50, earnedBy=done.id)
    shop.cut()
    assert shop.paid() == {"Jun": 140}
    assert pools.pools(shop.history.final)[POOL].carried == 0


def test_who_took_part_in_a_split_of_nothing_has_his_turn_again() -> None:
    shop = Treasury(paying(buckets=[bucket(claim="once")]), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    twice = shop.earn(100)
    shop.cut()
    shop.correct_income(twice, -100)  # it was written down twice
    shop.cut()
    assert (shop.paid(), shop.too_much()) == ({"Jun": 0}, {"Jun": 100})
    shop.work("Ana", 1, by="Mei")
    shop.earn(80)
    shop.cut()
    assert shop.paid() == {"Jun": 60, "Ana": 20}
    # Part of it had come after all: it goes on to the split in which they had their turn.
    shop.correct_income(twice, 40)
    shop.work("Mei", 1, by="Jun")
    shop.cut()
    assert shop.paid() == {"Jun": 90, "Ana": 30}
    assert balance(shop.history.final, shop.community)


def test_less_income_gives_no_second_turn_while_something_is_left() -> None:
    shop = Treasury(paying(buckets=[bucket(claim="once")]), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    came = shop.earn(100)
    shop.cut()
    shop.correct_income(came, -99)
    shop.work("Ana", 1, by="Mei")
    shop.earn(80)
    shop.cut()
    assert shop.paid() == {"Jun": 1, "Ana": 80}


def test_what_went_to_the_pool_and_not_to_a_debt_comes_from_the_pool_again() -> None:
    rules = paying("event.effort / 10", buckets=[bucket(claim="debt")])
    shop = Treasury(rules, "Jun")
    shop.work("Mei", 1, by="Jun")
    came = shop.earn(60)
    shop.cut()
    for more in (100, -160):
        shop.correct_income(came, more)
        shop.cut()
        assert min(shop.paid().values()) >= 0
        assert balance(shop.history.final, shop.community)
    assert shop.paid() == {"Mei": 0}


def test_a_traced_income_is_corrected_for_those_who_earned_it() -> None:
    shop = Treasury(paying(buckets=[bucket(trace=True)]), "Jun", "Ana")
    juns, anas = shop.work("Jun", 3, by="Ana"), shop.work("Ana", 1, by="Mei")
    came = shop.earn(100, earnedBy=juns.id)
    shop.earn(80, earnedBy=anas.id)
    shop.cut()
    assert shop.paid() == {"Jun": 100, "Ana": 80}
    shop.correct_income(came, -40)
    shop.cut()
    assert shop.paid() == {"Jun": 60, "Ana": 80}


def test_commissions_and_what_the_community_keeps_are_corrected_too() -> None:
    buckets = [bucket(share="50%"), {"name": "house", "share": "50%", "to": "community", **SAID}]
    shop = Treasury(paying(buckets=buckets, commission=["10%"]), "Jun", "Ana")
    shop.write("Jun", "referral", {"referrer": shop.id("Ana")})
    shop.work("Jun", 1, by="Mei")
    came = shop.earn(200)
    shop.cut()
    assert shop.paid() == {"Jun": 90, "Ana": 10, "community": 100}
    assert shop.owed() == {("Jun", 1): 90, ("Ana", 1): 10}
    shop.correct_income(came, -100)
    shop.cut()
    assert shop.paid() == {"Jun": 45, "Ana": 5, "community": 50}
    assert shop.too_much() == {"Jun": 45, "Ana": 5}


def test_an_income_beyond_what_a_pool_can_hold_waits_to_be_corrected() -> None:
    shop = Treasury(paying(), "Jun")
    shop.work("Mei", 1, by="Jun")
    huge: dict[str, Any] = {"resourceQuantity": {"n": INT_MAX, "scale": 0, "unit": "EUR"}}
    first, second = shop.earn(0, **huge), shop.earn(0, **huge)
    small = shop.earn(7)
    shop.cut()
    shop.history.final.to_bytes()
    assert shop.paid() == {"Mei": 7}
    shop.correct_income(first, 0, n=INT_MAX // 100, was=huge["resourceQuantity"])
    shop.correct_income(small, INT_MAX // 2)
    shop.correct_income(second, 0, n=INT_MAX // 100, was=huge["resourceQuantity"])
    shop.cut()
    state = shop.history.final
    state.to_bytes()
    assert balance(state, shop.community)


def test_weights_beyond_64_bits_are_kept_cut_alike() -> None:
    buckets = [bucket(divide="recent", recent_hours=2160)]
    shop = Treasury(paying("event.effort * 100000000000000", buckets=buckets), "Jun", "Ana")
    shop.work("Jun", 2, by="Ana")
    shop.work("Ana", 1, by="Mei")
    shop.earn(300)
    shop.cut()
    shop.history.final.to_bytes()
    assert shop.paid() == {"Jun": 200, "Ana": 100}
    one, two = sorted(pools.payouts(shop.history.final), key=lambda one: one.line.amount)
    assert abs(two.line.weight - 2 * one.line.weight) <= 2


def test_each_claim_has_its_own_name() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    for _ in range(3):
        shop.earn(100)
        shop.cut()
    found: list[Claim] = claims.claims(shop.history.final)
    assert len({one.id for one in found}) == len(found) == 6
    assert all(one.id == claims.name(shop.community, one.row) for one in found)
    assert [one.row.height for one in found] == [1, 1, 2, 2, 3, 3]
