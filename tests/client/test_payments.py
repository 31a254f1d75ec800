"""Payments: which member they ask for their word, and what claims come to."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from commonweal.client import Member
from commonweal.storage.home.home import Home
from tests.client.conftest import Accounts


def asked(home: Home) -> list[str]:
    with Member(home) as member:
        return [payment.id.hex() for payment in member.payments() if payment.asks_me]


def test_a_payment_asks_its_claimant_alone(accounts: Callable[[], Accounts]) -> None:
    lanxi, _income, payments = accounts()
    assert asked(lanxi.bo) == [payments.said]
    assert asked(lanxi.mei) == asked(lanxi.ana) == []
    with Member(lanxi.bo) as bo:
        first, *rest = bo.payments()
        assert first.asks_me and (first.status, first.final) == ("said", True)
        assert {(row.amount, row.status, row.final) for row in rest} == {
            (Decimal(30), "confirmed", True),
            (Decimal(10), "confirmed", True),
        }
        assert {row.payer_name for row in rest} == {"the community", "Ana"}
        bo.attest(first.id, say="no")
        (denied,) = (row for row in bo.payments() if row.id == first.id)
    assert (denied.status, denied.final, denied.asks_me) == ("denied", False, False)


def test_a_payment_that_its_claimant_wrote_asks_the_others(
    accounts: Callable[[], Accounts],
) -> None:
    lanxi, _income, payments = accounts()
    with Member(lanxi.bo) as bo:
        claim = next(row for row in bo.claims().claims if row.member_name == "Bo")
        own = bo.record("transfer", 1, "EUR", settles=(claim.claim.hex(),)).id.hex()
    lanxi.meet()
    assert asked(lanxi.bo) == [payments.said]
    assert asked(lanxi.mei) == asked(lanxi.ana) == [own]


def test_what_is_paid_of_claims_sums_up(accounts: Callable[[], Accounts]) -> None:
    lanxi = accounts().lanxi
    with Member(lanxi.mei) as mei:
        listed = mei.claims()
        (total,) = listed.totals()
    whole = sum((claim.amount for claim in listed.claims), Decimal())
    assert total.settled + total.said + total.unpaid == whole
    assert (total.unit, total.settled, total.said) == ("EUR", Decimal(40), Decimal(5))


def test_an_income_that_was_corrected_counts_as_it_is_now(
    accounts: Callable[[], Accounts],
) -> None:
    lanxi, income, _payments = accounts()
    with Member(lanxi.ana) as ana:
        ana.income(7, "EUR")
        later, first = ana.incomes().incomes
        assert ana.incomes(limit=1).incomes == (later,)
        assert ana.incomes(limit=1).total == 2
    assert (first.id.hex(), first.amount, first.height) == (income, Decimal(90), 2)
    assert (later.amount, later.height, later.attestations_missing) == (Decimal(7), None, 1)
