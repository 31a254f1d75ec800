"""Claims and what pays them: said, confirmed, corrected; queries; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.claims import claims, settlement
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import rules
from tests.protocol.ledger.treasury import Treasury
from tests.protocol.ledger.workshop import euros, hours, paying


@pytest.fixture
def shop() -> Treasury:
    """Jun is owed 30.00 EUR and Ana 10.00, at height 1."""
    made = Treasury(paying(), "Jun", "Ana")
    made.work("Jun", 3, by="Ana")
    made.work("Ana", 1, by="Mei")
    made.earn(4000)
    made.cut()
    return made


def test_a_payment_is_said_until_the_claimant_confirms_it(shop: Treasury) -> None:
    assert shop.claim("Jun", 1).status == "open"
    paid = shop.pay(1000, "Jun", shop.claim("Jun", 1))
    found = shop.claim("Jun", 1)
    assert (found.status, found.said, found.settled, found.open) == ("open", 1000, 0, 3000)
    shop.confirm(paid, "Ana")
    assert shop.claim("Jun", 1).status == "open", "another's word is not the claimant's"
    shop.confirm(paid, "Jun")
    found = shop.claim("Jun", 1)
    assert (found.status, found.said, found.settled, found.open) == ("partly", 0, 1000, 2000)
    shop.confirm(shop.pay(2000, "Jun", found), "Jun")
    found = shop.claim("Jun", 1)
    assert (found.status, found.settled, found.open, found.over) == ("settled", 3000, 0, 0)
    assert shop.claim("Ana", 1).status == "open"


def test_rights_alone_can_be_paid_with(shop: Treasury) -> None:
    paid = shop.pay(3000, "Jun", shop.claim("Jun", 1), action="transferAllRights")
    shop.confirm(paid, "Jun")
    assert shop.claim("Jun", 1).status == "settled"


def test_what_is_settled_is_final_only_with_a_cut(shop: Treasury) -> None:
    shop.confirm(shop.pay(3000, "Jun", shop.claim("Jun", 1)), "Jun")
    (final,) = claims.claims(shop.history.final, 1, shop.id("Jun"))
    assert (final.status, shop.claim("Jun", 1).status) == ("open", "settled")
    shop.cut()
    (final,) = claims.claims(shop.history.final, 1, shop.id("Jun"))
    assert final.status == "settled"


def test_the_claimant_can_say_no_and_change_his_mind(shop: Treasury) -> None:
    first = shop.pay(3000, "Jun", shop.claim("Jun", 1))
    shop.confirm(first, "Jun", "no")
    found = shop.claim("Jun", 1)
    assert (found.said, found.settled) == (0, 0)
    assert settlement.payments(shop.history.state, found.id) == [(first.id, 3000, "denied")]
    shop.confirm(shop.pay(3000, "Jun", found), "Jun")
    shop.confirm(first, "Jun")
    found = shop.claim("Jun", 1)
    assert (found.status, found.settled, found.over) == ("settled", 3000, 3000)
    shop.confirm(first, "Jun", "withdraw")
    found = shop.claim("Jun", 1)
    assert (found.settled, found.over, found.said) == (3000, 0, 3000)


def test_one_payment_pays_several_claims_in_the_order_written(shop: Treasury) -> None:
    shop.earn(400)
    shop.cut()
    one, two = shop.claim("Jun", 1), shop.claim("Jun", 2)
    paid = shop.pay(3100, "Jun", one, two)
    shop.confirm(paid, "Jun")
    assert (shop.claim("Jun", 1).open, shop.claim("Jun", 2).open) == (0, 200)
    assert shop.claim("Jun", 2).status == "partly"


def test_a_correction_takes_from_the_last_claim_and_asks_the_claimant_again(
    shop: Treasury,
) -> None:
    shop.earn(400)
    shop.cut()
    paid = shop.pay(3300, "Jun", shop.claim("Jun", 1), shop.claim("Jun", 2))
    shop.confirm(paid, "Jun")
    assert shop.claim("Jun", 2).status == "settled"
    some = shop.write("Mei", "event", {"action": "transfer", "corrects": paid.id, **less(-800)})
    assert shop.claim("Jun", 2).status == "settled"
    shop.confirm(some, "Jun")
    assert (shop.claim("Jun", 1).settled, shop.claim("Jun", 2).settled) == (2500, 0)
    shop.confirm(paid, "Jun", "withdraw", corrections=1)
    one, two = shop.claim("Jun", 1), shop.claim("Jun", 2)
    assert (one.said, one.settled, two.said, two.settled) == (2500, 0, 0, 0)
    rest = shop.write("Mei", "event", {"action": "transfer", "corrects": paid.id, **less(-2500)})
    shop.confirm(rest, "Jun", corrections=1)
    one = shop.claim("Jun", 1)
    assert one.status == "open"
    assert settlement.payments(shop.history.state, one.id) == []


def less(n: int) -> dict[str, Any]:
    return {"resourceQuantity": euros(n)}


def test_a_correction_upwards_pays_no_more_than_is_open(shop: Treasury) -> None:
    paid = shop.pay(1000, "Jun", shop.claim("Jun", 1))
    data = {"action": "transfer", "corrects": paid.id}
    more = shop.write("Mei", "event", data | less(2000))
    assert shop.history.verdict(more.id) is None
    assert shop.claim("Jun", 1).said == 3000
    over = shop.write("Mei", "event", data | less(1))
    assert shop.history.verdict(over.id) == Reason.OVER_SETTLED
    assert shop.claim("Jun", 1).said == 3000


def test_who_left_is_spoken_for_by_as_many_others_as_the_rules_ask(shop: Treasury) -> None:
    paid = shop.pay(3000, "Jun", shop.claim("Jun", 1))
    shop.write("Jun", "member.leave", {})
    shop.confirm(paid, "Ana")
    assert shop.claim("Jun", 1).status == "settled"
    shop.confirm(paid, "Ana", "withdraw")
    assert shop.claim("Jun", 1).status == "open"


def test_who_says_that_he_paid_one_who_left_does_not_settle_it_himself(shop: Treasury) -> None:
    shop.write("Jun", "member.leave", {})
    paid = shop.pay(3000, "Jun", shop.claim("Jun", 1))
    shop.confirm(paid, "Mei")
    assert shop.claim("Jun", 1).status == "open"
    shop.confirm(paid, "Ana")
    assert shop.claim("Jun", 1).status == "settled"


def test_a_payment_that_never_came_to_one_who_left_is_denied_by_others(shop: Treasury) -> None:
    shop.write("Jun", "member.leave", {})
    never = shop.pay(3000, "Jun", shop.claim("Jun", 1))
    shop.confirm(never, "Mei", "no")
    assert shop.claim("Jun", 1).said == 3000, "its author does not say whether it came"
    shop.confirm(never, "Ana", "no")
    assert shop.claim("Jun", 1).said == 0
    paid = shop.pay(3000, "Jun", shop.claim("Jun", 1))
    shop.confirm(paid, "Ana")
    assert shop.claim("Jun", 1).status == "settled"


def test_an_agent_whom_the_claimant_claimed_receives_for_him(shop: Treasury) -> None:
    bank = b"b" * 16
    claim = shop.write("Jun", "agent.claim", {"agent": bank})
    shop.attest(claim, "Ana")
    paid = shop.pay(3000, "Jun", shop.claim("Jun", 1), receiver=bank)
    shop.confirm(paid, "Jun")
    assert shop.claim("Jun", 1).status == "settled"


def test_hours_can_be_owed_and_paid_too() -> None:
    income = "event.action == 'transfer' && event.to_community"
    document = paying(unit="hour", scale=1, income=income)
    shop = Treasury(document, "Jun", "Ana")
    shop.work("Jun", 1, by="Ana")
    came: dict[str, Any] = {"action": "transfer", "provider": b"o" * 16}
    came |= {"receiver": shop.community, "resourceQuantity": hours(2), "newInventoriedResource": {}}
    shop.attest(shop.write("Mei", "event", came), "Jun")
    shop.cut()
    claim = shop.claim("Jun", 1)
    assert (claim.row.amount, claim.row.pool.scale, claim.row.pool.unit) == (20, 1, "hour")
    quantity = {"n": 150, "scale": 2, "unit": "hour"}
    paid = shop.pay(0, "Jun", claim, resourceQuantity=quantity)
    shop.confirm(paid, "Jun")
    assert shop.claim("Jun", 1).open == 5


REFUSALS: list[tuple[str, Any, dict[str, Any], Reason]] = [
    ("no list", None, {"settles": b"x" * 32}, Reason.SHAPE),
    ("none", None, {"settles": []}, Reason.SHAPE),
    ("no id", None, {"settles": [b"x"]}, Reason.SHAPE),
    ("too many", None, {"settles": [bytes([n]) * 32 for n in range(17)]}, Reason.SHAPE),
    ("nobody's claim", None, {"settles": [b"x" * 32]}, Reason.UNKNOWN_CLAIM),
    ("another's claim", "Ana", {}, Reason.NOT_THE_CLAIMANT),
    ("custody only", None, {"action": "transferCustody"}, Reason.NOT_A_PAYMENT),
    ("work", None, {"action": "deliverService"}, Reason.NOT_A_PAYMENT),
    ("to nobody", None, {"action": "deliverService", "receiver": None}, Reason.NOT_A_PAYMENT),
    ("another unit", None, {"resourceQuantity": {"n": 1, "scale": 0, "unit": "USD"}},
     Reason.OTHER_UNIT),
    ("half a cent", None, {"resourceQuantity": {"n": 1005, "scale": 3, "unit": "EUR"}},
     Reason.TOO_FINE),
    ("too much", None, {"resourceQuantity": euros(3001)}, Reason.OVER_SETTLED),
]  # fmt: skip


@pytest.mark.parametrize(("receiver", "over", "reason"), [one[1:] for one in REFUSALS],
                         ids=[one[0] for one in REFUSALS])  # fmt: skip
def test_what_does_not_fit_a_claim_pays_nothing(
    shop: Treasury, receiver: str | None, over: dict[str, Any], reason: Reason
) -> None:
    before = shop.history.state.to_bytes()
    more = {key: value for key, value in over.items() if value is not None}
    paid = shop.pay(1000, receiver or "Jun", shop.claim("Jun", 1), **more)
    assert shop.history.verdict(paid.id) == reason
    assert shop.history.state.to_bytes() == before


def test_nobody_pays_himself(shop: Treasury) -> None:
    paid = shop.pay(1000, "Jun", shop.claim("Jun", 1), provider=shop.id("Jun"))
    assert shop.history.verdict(paid.id) == Reason.SELF_PAID


def test_a_claim_is_named_once_in_a_payment(shop: Treasury) -> None:
    claim = shop.claim("Jun", 1)
    paid = shop.pay(1000, "Jun", claim, claim)
    assert shop.history.verdict(paid.id) == Reason.SHAPE


def test_what_is_said_to_be_paid_is_not_paid_again(shop: Treasury) -> None:
    shop.pay(2500, "Jun", shop.claim("Jun", 1))
    again = shop.pay(2500, "Jun", shop.claim("Jun", 1))
    assert shop.history.verdict(again.id) == Reason.OVER_SETTLED
    rest = shop.pay(500, "Jun", shop.claim("Jun", 1))
    assert shop.history.verdict(rest.id) is None


def test_a_claim_is_not_known_before_the_cut_that_makes_it() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.earn(100)
    (early,) = [key for key, _ in shop.outcome().changes if key.startswith(claims.CLAIM)]
    paid = shop.settle(100, "Jun", early[len(claims.CLAIM) :])
    assert shop.history.verdict(paid.id) == Reason.UNKNOWN_CLAIM
    shop.cut()
    assert shop.claim("Jun", 1).id == early[len(claims.CLAIM) :], (
        "the same claim, now that it is sealed"
    )
    assert shop.history.verdict(paid.id) == Reason.UNKNOWN_CLAIM, "decided once"


def test_a_community_without_pools_has_no_claims() -> None:
    shop = Treasury(rules(), "Jun")
    shop.earn(100)
    shop.cut()
    assert claims.claims(shop.history.final) == []


@st.composite
def payments(draw: st.DrawFn) -> list[tuple[str, int, int, int]]:
    deed = st.sampled_from(["pay", "pay", "yes", "no", "withdraw", "correct", "cut"])
    one = st.tuples(deed, st.integers(0, 9), st.integers(0, 9), st.integers(1, 4000))
    return draw(st.lists(one, max_size=25))


def do(shop: Treasury, paid: list[Record], deed: tuple[str, int, int, int]) -> None:
    """Do one of the things by which claims are paid."""
    act, a, b, n = deed
    name = ("Jun", "Ana")[a % 2]
    match act:
        case "pay":
            found = claims.claims(shop.history.state, member=shop.id(name))
            some = [found[b % len(found)], *found][: 1 + n % 2]
            paid.append(shop.pay(n, name, *some))
        case "yes" | "no" | "withdraw" if paid:
            record = paid[b % len(paid)]
            shop.confirm(record, name, act, corrections=n % 2)
        case "correct" if paid:
            data = {"action": "transfer", "corrects": paid[b % len(paid)].id}
            shop.write("Mei", "event", data | less(-(n % 300) if n % 2 else n % 300))
        case "cut":
            shop.earn(400)
            shop.cut()


@given(payments(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_sums_are_those_of_the_payments_in_any_order_of_arrival(
    deeds: list[tuple[str, int, int, int]], seed: int
) -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    shop.earn(4000)
    shop.cut()
    paid: list[Record] = []
    for deed in deeds:
        do(shop, paid, deed)
    state = shop.history.state
    for one in claims.claims(state):
        found = settlement.payments(state, one.id)
        confirmed = sum(amount for _, amount, status in found if status == "confirmed")
        said = sum(amount for _, amount, status in found if status == "said")
        assert (one.paid.confirmed, one.said) == (confirmed, said)
        assert 0 <= one.settled <= one.row.amount
        assert one.open + one.settled == one.row.amount
    other = shop.again(seed)
    assert other.state.to_bytes() == state.to_bytes()
    assert other.final.to_bytes() == shop.history.final.to_bytes()


def test_payments_beyond_64_bits_are_refused_and_every_seal_can_be_made() -> None:
    shop = Treasury(paying(), "Jun")
    shop.work("Jun", 1, by="Mei")
    shop.earn(INT_MAX)
    shop.cut()
    owed = shop.claim("Jun", 1)
    one = shop.pay(INT_MAX, "Jun", owed)
    shop.confirm(one, "Jun", "no")
    two = shop.pay(INT_MAX, "Jun", owed)
    shop.confirm(two, "Jun")
    again = shop.confirm(one, "Jun")
    assert shop.history.verdict(again.id) == Reason.TOO_LARGE
    shop.cut()
    assert shop.claim("Jun", 1).paid == (INT_MAX, INT_MAX)
    assert settlement.payments(shop.history.final, owed.id) == sorted(
        [(one.id, INT_MAX, "denied"), (two.id, INT_MAX, "confirmed")]
    )


def test_income_beyond_64_bits_that_never_came_lets_every_seal_be_made() -> None:
    shop = Treasury(paying(), "Jun")
    shop.work("Jun", 1, by="Mei")
    came = []
    for _ in range(3):
        came.append(shop.earn(INT_MAX))
        shop.cut()
    for one in came:
        shop.correct_income(one, -INT_MAX)
    shop.cut()
    assert shop.paid() == {"Jun": 0}
    assert shop.too_much() == {"Jun": INT_MAX}
