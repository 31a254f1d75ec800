"""What comes late, back-dated or corrected, in a table of cases: no sealed number ever changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from commonweal.protocol.rules.split import CORRECTION
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.treasury import Treasury, balance, sealed
from tests.protocol.ledger.workshop import euros, paying
from tests.protocol.rules.payouts import is_explained


def bucket(name: str = "work", share: str = "100%", **over: Any) -> dict[str, Any]:
    return {"name": name, "share": share, "claim": "equity", **SAID, **over}


Act = Callable[[Treasury], object]

CASES: list[tuple[str, Act]] = []


def case(name: str) -> Callable[[Act], Act]:
    def note(act: Act) -> Act:
        CASES.append((name, act))
        return act

    return note


@case("back-dated work, attested late")
def _back_dated(shop: Treasury) -> None:
    data = {
        "action": "work",
        "provider": shop.id("Ana"),
        "effortQuantity": {"n": 9, "scale": 0, "unit": "hour"},
    }
    pen = shop.pens["Ana"]
    done = pen.write("event", data, claimed_at=1)
    shop.learn()
    shop.attest(done, "Jun")


@case("back-dated income")
def _back_dated_income(shop: Treasury) -> None:
    shop.earn(500)


@case("a record that was made before the cut and came after it")
def _late(shop: Treasury) -> None:
    shop.deliver()


@case("income corrected to nothing")
def _nothing(shop: Treasury) -> None:
    shop.correct_income(shop.came, -400)


@case("income corrected upwards")
def _upwards(shop: Treasury) -> None:
    shop.correct_income(shop.came, 123)


@case("work corrected, and attested anew")
def _work(shop: Treasury) -> None:
    data = {
        "action": "work",
        "corrects": shop.done.id,
        "effortQuantity": {"n": -2, "scale": 0, "unit": "hour"},
    }
    shop.write("Jun", "event", data)
    shop.write("Ana", "attest", {"event": shop.done.id, "say": "yes", "corrections": 1})


@case("who attested takes it back")
def _taken_back(shop: Treasury) -> None:
    shop.write("Jun", "attest", {"event": shop.came.id, "say": "withdraw"})
    shop.write("Jun", "attest", {"event": shop.came.id, "say": "no"})


@case("the income is disputed")
def _disputed(shop: Treasury) -> None:
    shop.write("Jun", "dispute", {"event": shop.came.id})


@case("the member left")
def _left(shop: Treasury) -> None:
    shop.write("Jun", "member.leave", {})


@case("the rules changed")
def _rules(shop: Treasury) -> None:
    proposal = shop.patch("Jun", {"value": {"work": {"points": "1"}}})
    shop.say(proposal, "yes", "Mei Jun Ana")
    shop.cut()
    shop.cut(25)
    shop.correct_income(shop.came, -10)


@pytest.mark.parametrize(("name", "act"), CASES, ids=[name for name, _ in CASES])
def test_no_sealed_number_changes(name: str, act: Act) -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.done = shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    shop.withhold(
        "Ana",
        "event",
        {"action": "work", "provider": shop.id("Ana")}
        | {"effortQuantity": {"n": 5, "scale": 0, "unit": "hour"}},
    )
    shop.came = shop.earn(400)
    shop.cut()
    before = sealed(shop, 1)
    act(shop)
    shop.earn(80)
    shop.cut()
    assert sealed(shop, 1) == before
    assert balance(shop.history.final, shop.community)
    assert shop.again().final.to_bytes() == shop.history.final.to_bytes(), (
        "it follows from the records"
    )


def test_a_removed_members_word_on_income_counts_for_nothing() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    came = shop.earn(400, writer="Jun", by="Ana")
    shop.cut()
    proposal = shop.remove("Ana", "Jun")
    shop.say(proposal, "yes", "Mei Ana")
    shop.cut()
    shop.cut(25)
    before = sealed(shop, 1)
    data = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(-400)}
    late = shop.write("Jun", "event", data)
    assert shop.history.verdict(late.id) == Reason.NOT_A_MEMBER
    shop.earn(40, by="Ana")
    shop.cut()
    assert sealed(shop, 1) == before
    # What they gave still has its share.
    assert shop.paid() == {"Jun": 440}


BUCKETS = [
    bucket(),
    bucket(claim="once"),
    bucket(claim="debt"),
    bucket(trace=True),
    bucket(divide="balanced"),
    bucket(divide="equal"),
    bucket(share="70%", of="whole"),
    bucket("keepers", "10%", to="community"),
    bucket("holders", "10%", to="role", role="producer"),
]
for one in BUCKETS[-2:]:
    del one["claim"]


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[tuple[str, int, int]], int]:
    """Return buckets, what happens, and a seed."""
    first = draw(st.sampled_from(BUCKETS))
    buckets = [first]
    if first["share"] == "70%" or draw(st.booleans()):
        buckets = [{**first, "share": "60%"}, *({**one} for one in BUCKETS[-2:])]
    deed = st.sampled_from(["work", "earn", "earn", "traced", "correct", "correct", "cut", "cut"])
    one = st.tuples(deed, st.integers(0, 2), st.integers(1, 997))
    shared = [("work", 0, 3), ("work", 1, 1), ("earn", 0, draw(st.integers(1, 997))), ("cut", 0, 1)]
    acts = draw(st.lists(one, min_size=4, max_size=18))
    return buckets, [*shared, *acts], draw(st.integers(0, 99))


MORE_THAN_THE_DEBTS = [
    *(("work", 0, 3), ("work", 1, 1), ("earn", 0, 1), ("cut", 0, 1)),
    *(("work", 0, 1), ("work", 0, 1), ("work", 0, 1), ("correct", 0, 81)),
]
"""An income that becomes more after a split that paid debts."""


@given(lives())
@example(([bucket("work", claim="debt")], MORE_THAN_THE_DEBTS, 0))
@settings(max_examples=60, deadline=None)
def test_sums_are_exact_and_no_share_is_negative(life: Any) -> None:
    buckets, acts, seed = life
    shop = Treasury(
        paying("event.effort / 100", buckets=buckets, every_hours=seed % 3), "Jun", "Ana"
    )
    names = ("Mei", "Jun", "Ana")
    works: list[Record] = []
    for act, who, n in acts:
        shop.act(act, names[who], n, works)
    shop.earn(1)
    shop.cut()
    state = shop.history.final
    assert balance(state, shop.community), "what came in is what is owed, kept and held"
    for one in pools.payouts(state):
        assert is_explained(one.line)
        assert one.line.amount >= 0 or one.line.sort == CORRECTION
    for found in claims.claims(state):
        assert found.row.amount >= 0
        row = found.row
        assert row.amount == max(0, row.earned + row.corrected - row.before)
    assert all(amount >= 0 for amount in pools.shares(state).values())
    assert shop.again(seed).final.to_bytes() == state.to_bytes()
