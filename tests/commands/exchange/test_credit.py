"""`weal pay` and `weal balance`: what members pay each other, and what it says of that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.builders.commons import Commons
from tests.builders.credit_rules import CREDIT_RULES


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community whose members have balances in hours."""
    first = tmp_path_factory.mktemp("paying")
    made = Commons(first)
    made.adopt(CREDIT_RULES, first)
    return made.copies(tmp_path_factory)


def test_a_payment_says_the_balance_and_how_much_more_can_be_paid(lanxi: Commons) -> None:
    ran = lanxi.good(lanxi.bo, "pay", "Ana", "2.5", "hours", "--note", "the fence")
    assert ran.out.startswith("You paid Ana 2.5 hour. It is on this node, as ")
    assert "Balance: -2.5 hour, 0 of it final. 2.5 hour more can be paid.\n" in ran.out
    lanxi.seal()
    shown = lanxi.good(lanxi.bo, "balance").out
    assert "Balance: -2.5 hour, final. 2.5 hour more can be paid.\n" in shown
    shown = lanxi.good(lanxi.bo, "balance", "Ana").out
    assert "Balance: 2.5 hour, final. 7.5 hour more can be paid. It is high: time to be helped" in (
        shown
    )


def test_a_payment_as_json_has_the_balance_after_it(lanxi: Commons) -> None:
    made = lanxi.json(lanxi.bo, "pay", "Ana", "1", "hour")
    assert {*made} == {"id", "seq", "member", "member_name", "amount", "unit", "balance"}
    assert (made["member_name"], made["amount"], made["unit"]) == ("Ana", "1", "hour")
    balance = made["balance"]
    assert (balance["balance"], balance["final"], balance["can_pay"]) == ("-1", "0", "4")
    (shown,) = lanxi.json(lanxi.bo, "balance")["credit"]
    assert shown == balance
    sheet = lanxi.good(lanxi.bo, "balance", "-o", "csv").out
    assert "credit,,-1,hour" in sheet


def test_what_goes_beyond_the_floor_is_refused_with_the_reason(lanxi: Commons) -> None:
    ran = lanxi.refused(lanxi.bo, "pay", "Ana", "6", "hours")
    assert "the payer's balance would go below the lowest that the rules allow" in ran.err
    ran = lanxi.refused(lanxi.bo, "pay", "Ana", "20", "minutes")
    assert "20 minute is about 0.333 hour" in ran.err


def test_all_balances_are_a_table_with_its_sum(lanxi: Commons) -> None:
    lanxi.good(lanxi.mei, "pay", "Bo", "2", "hours")
    lanxi.meet()
    lanxi.good(lanxi.bo, "pay", "Ana", "3", "hours")
    lanxi.good(lanxi.bo, "pay", "Mei", "3", "hours")
    listed = lanxi.json(lanxi.bo, "balance", "--all")
    rows = {row["member_name"]: row for row in listed["balances"]}
    assert {name: row["balance"] for name, row in rows.items()} == {
        "Ana": "3",
        "Bo": "-4",
        "Mei": "1",
    }
    assert [row["certain"] for row in rows.values()] == [True, False, True]
    assert (listed["former"], rows["Bo"]["waits"]) == ({}, "6")
    text = lanxi.good(lanxi.bo, "balance", "--all").out
    assert "low: time to help somebody, certain at the next seal" in text
    sheet = lanxi.good(lanxi.bo, "balance", "--all", "-o", "csv").out
    assert sheet.startswith("member,member_name,unit,balance,final,lowest,highest,can_pay")
    assert ",Bo,hour,-4,0,-5,3,1,7,6,False,low,True\n" in sheet
    shown = lanxi.good(lanxi.bo, "balance").out
    assert "What was paid lately is certain at the next seal." in shown


def test_all_balances_name_nobody(lanxi: Commons) -> None:
    ran = lanxi.refused(lanxi.bo, "balance", "Ana", "--all")
    assert "--all shows all members: leave out MEMBER" in ran.err


def test_former_members_are_told_below_the_table(lanxi: Commons) -> None:
    lanxi.good(lanxi.bo, "pay", "Ana", "2", "hours")
    lanxi.seal()
    lanxi.good(lanxi.bo, "leave", "--yes")
    lanxi.seal()
    text = lanxi.good(lanxi.mei, "balance", "--all").out
    assert "no member any more" in text
    assert "Former members left with -2 hour in all: the others bear it together." in text


def test_what_members_read_is_chinese_where_they_ask_for_it(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    ran = lanxi.good(lanxi.bo, "pay", "Ana", "2", "小时")
    assert "余额：-2 小时，其中 0 已定案；还可支付 3 小时。" in ran.out


def test_who_is_asked_pays_by_the_id_of_what_was_asked(lanxi: Commons) -> None:
    ran = lanxi.good(lanxi.ana, "ask", "Bo", "2", "hours", "--by", "in 2 weeks", "--note", "fence")
    assert ran.out.startswith("You asked Bo for 2 hour, as ")
    assert ran.out.endswith("It is promised once they agree.\n")
    made = lanxi.json(lanxi.ana, "ask", "Bo", "1", "hour")
    assert {*made} == {"id", "seq", "promise", "member", "member_name", "amount", "unit"}
    lanxi.meet()
    paid = lanxi.good(lanxi.bo, "pay", "Ana", "1", "hour", "--for", made["id"][:12])
    assert "Balance: -1 hour" in paid.out
    ran = lanxi.refused(lanxi.bo, "pay", "Ana", "1", "hour", "--for", "00000000")
    assert "00000000" in ran.err


def test_a_ring_of_debts_is_shown_and_proposed(lanxi: Commons) -> None:
    assert "there is nothing to set off" in lanxi.good(lanxi.mei, "settle", "--net").out
    for creditor, debtor, name, number in (
        (lanxi.bo, lanxi.mei, "Mei", "10"),
        (lanxi.ana, lanxi.bo, "Bo", "8"),
        (lanxi.mei, lanxi.ana, "Ana", "5"),
    ):
        id = lanxi.json(creditor, "ask", name, number, "EUR")["id"]
        lanxi.meet()
        lanxi.good(debtor, "deal", "accept", id[:12])
        lanxi.meet()
    shown = lanxi.good(lanxi.mei, "settle", "--net", "--dry-run").out
    assert all(text in shown for text in ("Mei → Bo 10 - 5", "Bo → Ana 8 - 5", "Ana → Mei 5 - 5"))
    assert "All debts in EUR: 23, and 8 once all of this is set off.\n" in shown
    assert "Proposed" not in shown
    value = lanxi.json(lanxi.mei, "settle", "--net")
    assert {*value} == {"cycles", "owed", "left", "is_most", "written"}
    assert (value["owed"], value["left"], len(value["written"])) == ({"EUR": "23"}, {"EUR": "8"}, 1)
    again = lanxi.good(lanxi.mei, "settle", "--net").out
    assert f"proposed as {value['written'][0][:8]}" in again
    assert lanxi.refused(lanxi.mei, "settle").code == 2
