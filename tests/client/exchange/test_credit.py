"""Payments between members: what a balance is, what of it is certain, and what a seal refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from decimal import Decimal

import pytest

from commonweal.client import Member
from commonweal.client.exchange.credit import notices as credit_notices
from commonweal.client.exchange.credit.balances import PAID_SINCE, CreditBalance
from commonweal.client.home.submit import now_ms
from commonweal.protocol.errors import UnknownId, UnreadableQuantity, WouldNotCount
from commonweal.protocol.ledger.exchange import credit
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.state.state_db import StateDb
from tests.builders.commons import RULES, Commons
from tests.builders.credit_rules import CREDIT_RULES


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community whose members have balances in hours."""
    first = tmp_path_factory.mktemp("credit")
    made = Commons(first)
    made.adopt(CREDIT_RULES, first)
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


ZERO = Decimal(0)


def pays(home: Home, member: str, hours: str, unit: str = "hours") -> None:
    with Member(home) as payer:
        payer.pay(member, hours, unit)


def balance(home: Home, name: str) -> CreditBalance:
    with Member(home) as member:
        (row,) = member.balances(name).balances
    return row


def told(home: Home) -> list[tuple[str, str, str]]:
    with Member(home) as member:
        return [(row.kind, row.words, row.command) for row in member.inbox().rows]


def test_a_payment_is_in_the_balance_at_once_and_final_with_the_seal(lanxi: Commons) -> None:
    with Member(lanxi.bo) as bo:
        made = bo.pay("Ana", "1.5", "小时", note="the fence")
    assert made.balance is not None
    assert (made.member_name, made.amount, made.unit) == ("Ana", Decimal("1.5"), "hour")
    assert (made.balance.balance, made.balance.final) == (Decimal("-1.5"), Decimal(0))
    assert (made.balance.can_pay, made.balance.waits) == (Decimal("3.5"), Decimal("1.5"))
    lanxi.seal()
    row = balance(lanxi.ana, "Bo")
    assert (row.balance, row.final, row.waits) == (Decimal("-1.5"), Decimal("-1.5"), ZERO)
    assert (row.lowest, row.highest, row.flag) == (Decimal(-5), Decimal(3), "")
    assert balance(lanxi.ana, "Ana").balance == Decimal("1.5")
    assert balance(lanxi.ana, "Ana").can_receive == Decimal("1.5")


@pytest.mark.parametrize(
    ("typed", "hours"),
    [(("90", "minutes"), "1.5"), (("30", "分钟"), "0.5"), (("9000", "s"), "2.5")],
)
def test_time_is_paid_in_the_unit_that_has_credit(
    lanxi: Commons, typed: tuple[str, str], hours: str
) -> None:
    pays(lanxi.bo, "Ana", *typed)
    assert balance(lanxi.bo, "Ana").balance == Decimal(hours)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (("Ana", "5.01", "hours"), "the payer's balance would go below"),
        (("Ana", "3.01", "hours"), "the payee's balance would go above"),
        (("Bo", "1", "hour"), "members cannot pay themselves"),
        (("Ana", "1", "EUR"), "no balances in EUR; they have them in hour"),
        (("Ana", "20", "minutes"), "the rules count hour, and 20 minute is about 0.333 hour"),
        (("Ana", "0.125", "hour"), "more decimals"),
    ],
)
def test_what_would_not_count_is_refused_before_it_is_written(
    lanxi: Commons, typed: tuple[str, str, str], why: str
) -> None:
    before = lanxi.records(lanxi.bo)
    with Member(lanxi.bo) as bo, pytest.raises(WouldNotCount) as refused:
        bo.pay(*typed)
    assert why in str(refused.value)
    assert lanxi.records(lanxi.bo) == before


def test_who_and_how_much_must_be_known(lanxi: Commons) -> None:
    with Member(lanxi.bo) as bo:
        with pytest.raises(UnknownId):
            bo.pay("Nobody", 1, "hour")
        with pytest.raises(UnreadableQuantity):
            bo.pay("Ana", 0, "hour")
        with pytest.raises(UnreadableQuantity):
            bo.pay("Ana", -1, "hour")


def test_without_credit_in_the_rules_nobody_pays(
    lanxi: Commons, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pays(lanxi.bo, "Ana", "1")
    lanxi.seal()
    lanxi.adopt(RULES, tmp_path_factory.mktemp("without"))
    with Member(lanxi.bo) as bo, pytest.raises(WouldNotCount) as refused:
        bo.pay("Ana", 1, "hour")
    assert "no balances between members" in str(refused.value)
    row = balance(lanxi.bo, "Bo")
    assert (row.balance, row.lowest, row.highest) == (Decimal(-1), None, None)
    assert (row.can_pay, row.can_receive, row.certain, row.flag) == (ZERO, ZERO, True, "")


def test_what_stands_on_money_that_is_not_sealed_is_not_certain(lanxi: Commons) -> None:
    pays(lanxi.mei, "Bo", "2")
    lanxi.meet()
    pays(lanxi.bo, "Ana", "3")
    assert balance(lanxi.bo, "Bo").certain
    pays(lanxi.bo, "Mei", "3")
    row = balance(lanxi.bo, "Bo")
    assert (row.waits, row.final, row.balance) == (Decimal(6), ZERO, Decimal(-4))
    assert not row.certain
    lanxi.seal()
    row = balance(lanxi.bo, "Bo")
    assert (row.waits, row.final, row.certain) == (ZERO, Decimal(-4), True)
    assert row.flag == "low"


def test_all_balances_sum_to_zero_and_former_members_are_told_apart(lanxi: Commons) -> None:
    pays(lanxi.bo, "Ana", "3")
    pays(lanxi.mei, "Bo", "1")
    lanxi.seal()
    with Member(lanxi.bo) as bo:
        bo.leave()
    lanxi.seal()
    with Member(lanxi.mei) as mei:
        listed = mei.balances()
        assert [(row.member_name, row.balance, row.active) for row in listed.balances] == [
            ("Ana", Decimal(3), True),
            ("Bo", Decimal(-2), False),
            ("Mei", Decimal(-1), True),
        ]
        assert listed.former == {"hour": Decimal(-2)}
        assert mei.balances("Bo").balances[0].can_receive == 2
        mei.pay("Bo", 2, "hour")
        with pytest.raises(WouldNotCount):
            mei.pay("Bo", "0.5", "hour")


def overdrawn(lanxi: Commons) -> tuple[Home, Home]:
    """Let Mei and Bo pay Ana more than Ana may have; return whose payment counts, and whose not."""
    pays(lanxi.mei, "Ana", "2")
    pays(lanxi.bo, "Ana", "2")
    lanxi.seal()
    by = {name: balance(lanxi.ana, name).balance for name in ("Mei", "Bo")}
    assert sorted(by.values()) == [Decimal(-2), ZERO]
    return (lanxi.mei, lanxi.bo) if by["Mei"] else (lanxi.bo, lanxi.mei)


def test_a_payment_that_a_seal_refused_is_told_to_payer_and_payee(lanxi: Commons) -> None:
    won, lost = overdrawn(lanxi)
    name = "Bo" if lost is lanxi.bo else "Mei"
    why = "the payee's balance would go above the highest that the rules allow"
    ((_, words, command),) = (row for row in told(lanxi.ana) if row[0] == credit_notices.LOST)
    assert words == f"{name} did not pay you 2 hour after all: {why}"
    assert command.startswith("weal show ")
    mine = [row for row in told(lost) if row[0] == credit_notices.LOST]
    ((_, words, command),) = mine
    assert words == f"you did not pay Ana 2 hour after all: {why}"
    assert command.startswith("weal pay ") and command.endswith(" 2 hour")
    assert [row for row in told(won) if row[0] == credit_notices.LOST] == []


def test_a_lost_payment_is_told_until_it_is_paid_or_two_weeks_are_over(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, lost = overdrawn(lanxi)
    later = now_ms() + credit_notices.LOST_DAYS * credit_notices.DAY_MS + 60_000
    with monkeypatch.context() as patch:
        patch.setattr(credit_notices, "now_ms", lambda: later)
        assert [row for row in told(lanxi.ana) if row[0] == credit_notices.LOST] == []
    pays(lanxi.ana, "Mei", "1")
    pays(lanxi.ana, "Bo", "1")
    lanxi.seal()
    pays(lost, "Ana", "2")
    lanxi.seal()
    assert [row for row in told(lanxi.ana) if row[0] == credit_notices.LOST] == []


def test_a_soft_limit_that_was_passed_is_told_from_the_seal_on(lanxi: Commons) -> None:
    pays(lanxi.bo, "Ana", "3")
    assert [row for row in told(lanxi.ana) if row[0] == credit_notices.LIMIT] == []
    lanxi.seal()
    words = "your balance is 3 hour: high: time to be helped"
    assert (credit_notices.LIMIT, words, "weal balance") in told(lanxi.ana)
    assert [row for row in told(lanxi.bo) if row[0] == credit_notices.LIMIT] == []
    pays(lanxi.ana, "Mei", "1")
    lanxi.seal()
    assert [row for row in told(lanxi.ana) if row[0] == credit_notices.LIMIT] == []


def test_a_payment_asks_nobody_for_an_attestation(lanxi: Commons) -> None:
    pays(lanxi.bo, "Ana", "1")
    lanxi.meet()
    assert "event" not in [kind for kind, _, _ in (*told(lanxi.ana), *told(lanxi.mei))]
    with Member(lanxi.mei) as mei:
        assert mei.to_attest().total == 0


def test_what_was_paid_since_the_last_seal_is_found_without_a_look_at_all_that_is_sealed() -> None:
    with closing(StateDb()) as layers:
        plan = layers.rows(f"EXPLAIN QUERY PLAN {PAID_SINCE}", (credit.ACTION,))
    assert any("USING INDEX event_unsealed (action=?)" in step for *_, step in plan), plan
    assert not any(step.startswith("SCAN") for *_, step in plan), plan
