"""The flow of money: what comes in goes out or stays, to the last cent, whatever is corrected."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from commonweal.client import Member
from commonweal.client.language.quantity import exact
from commonweal.client.reports.money_flow import Payment, PoolFlow, pool_flows
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.claims.pools import PoolId
from commonweal.protocol.ledger.state.state import State
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.workshop import Workshop, euros, paying

acts = st.lists(
    st.one_of(
        st.tuples(st.just("work"), st.sampled_from(["Jun", "Ana", "Bo"]), st.integers(1, 9)),
        st.tuples(st.just("earn"), st.just(""), st.integers(1, 10**7)),
        st.tuples(st.just("correct"), st.just(""), st.integers(-(10**7), 10**7)),
        st.tuples(st.just("seal"), st.just(""), st.just(0)),
    ),
    min_size=6,
    max_size=20,
)
BUCKETS = [
    {"name": "fund", "share": "10%", "to": "community", **SAID},
    {"name": "work", "share": "60%", "of": "remainder", "claim": "once", **SAID},
    {"name": "old", "share": "1/3", "of": "remainder", "claim": "equity", **SAID},
]


def flows(final: State) -> list[PoolFlow]:
    incomes = [(PoolId(*row[:3]), row[4]) for _, row in final.items(pools.INCOME)]
    payments = [
        Payment(PoolId(*paid[1:4]), paid.line.bucket, paid.line.member, paid.line.amount)
        for paid in pools.payouts(final)
    ]
    return list(pool_flows(pools.pools(final), incomes, payments, bytes.hex).values())


def balanced(pool: PoolFlow) -> bool:
    given = sum((bucket.given for bucket in pool.buckets), Decimal())
    shares = sum((share.amount for bucket in pool.buckets for share in bucket.shares), Decimal())
    return pool.came == pool.held + given and given == shares


@settings(max_examples=100, deadline=None)
@given(acts)
def test_what_comes_in_goes_out_or_stays(story: list[tuple[str, str, int]]) -> None:
    shop = Workshop(paying(buckets=BUCKETS), "Jun", "Ana", "Bo")
    shop.work("Jun", 3, by="Ana")
    sealed = 0
    came, left, times, all_left = shop.earn(10_001), 10_001, 0, 0
    for act, name, n in story:
        if act == "work":
            shop.work(name, n, by="Ana" if name != "Ana" else "Jun")
        elif act == "earn":
            all_left += left
            came, left, times = shop.earn(n), n, 0
        elif act == "correct":
            more, times = max(n, -left), times + 1
            left += more
            data = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(more)}
            shop.write("Mei", "event", data)
            said = {"event": came.id, "say": "yes", "corrections": times}
            shop.write("Jun", "attest", said)
        elif len(shop.records) > sealed:
            shop.cut()
            sealed = len(shop.records)
    if len(shop.records) > sealed:
        shop.cut()
    found = flows(shop.history.final)
    assert all(map(balanced, found))
    assert [pool.came for pool in found] == [exact(all_left + left, 2)]
    event(f"held below nothing: {any(pool.held < 0 for pool in found)}")
    event(f"corrected: {bool(times)}")


def test_a_pool_that_gave_more_than_came_is_below_nothing() -> None:
    pool = PoolId("income", "EUR", 2)
    rows = {pool: pools.PoolRow(-500)}
    lines = [Payment(pool, "work", b"m", 1500), Payment(pool, "work", b"m", -200)]
    lines += [Payment(pool, "fund", b"c", 200)]
    (flow,) = pool_flows(rows, [(pool, 1000)], lines, bytes.decode).values()
    assert (flow.came, flow.held) == (Decimal("10.00"), Decimal("-5.00"))
    assert [(bucket.bucket, bucket.given) for bucket in flow.buckets] == [
        *(("work", Decimal("13.00")), ("fund", Decimal("2.00"))),
    ]
    assert balanced(flow)


def test_the_flow_of_a_community_is_what_its_seals_say(mei: Path) -> None:
    with Member(mei) as member:
        flow = member.money_flow()
        paid = {share.member_name: share.amount for share in member.shares().shares}
    (pool,) = flow.pools
    assert flow.height == 5
    assert (pool.pool, pool.unit) == ("income", "EUR")
    assert (pool.came, pool.held) == (Decimal("90.00"), Decimal("0.00"))
    assert {bucket.bucket: bucket.given for bucket in pool.buckets} == {
        "work": Decimal("72.00"),
        "seed: fund": Decimal("18.00"),
    }
    (work,) = (bucket for bucket in pool.buckets if bucket.bucket == "work")
    assert [share.member_name for share in work.shares] == ["Bo", "Ana"]
    (fund,) = (bucket for bucket in pool.buckets if bucket.bucket != "work")
    assert [share.member_name for share in fund.shares] == ["the community"]
    got = {share.member_name: share.amount for share in (*work.shares, *fund.shares)}
    assert got == paid
