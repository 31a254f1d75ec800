"""Balances on the page: what is shown, and the forms that pay and ask, without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonweal.client import Member
from commonweal.storage.home.home import Home
from tests.builders.browser import Browser, browser
from tests.builders.commons import RULES, Commons
from tests.builders.credit_rules import CREDIT_RULES


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community whose members have balances in hours."""
    first = tmp_path_factory.mktemp("page")
    made = Commons(first)
    made.adopt(CREDIT_RULES, first)
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def id_of(home: Home, name: str) -> str:
    with Member(home) as member:
        return member.view.member(name).hex()


def sends(page: Browser, act: str, **typed: str) -> int:
    page.get(f"/money/balance/{act}")
    return page.post(f"/money/balance/{act}", {"unit": "hour", "note": "", **typed}).status_code


def test_a_payment_by_the_form_is_in_both_balances(lanxi: Commons) -> None:
    ana = id_of(lanxi.bo, "Ana")
    with browser(lanxi.bo.path) as bo:
        assert sends(bo, "pay", member=ana, quantity="1.5", note="the fence") == 200
        assert "You paid Ana 1.5 hour." in bo.text
        assert "-1.5 hour" in bo.text.replace("−", "-")
        assert "not sealed yet" in bo.text
        assert "Whoever is helped pays in hours." in bo.text
    with Member(lanxi.bo) as member:
        assert {row.member_name: f"{row.balance:f}" for row in member.balances().balances} == {
            "Ana": "1.5",
            "Bo": "-1.5",
            "Mei": "0",
        }


def test_what_would_not_count_is_said_beside_the_field(lanxi: Commons) -> None:
    ana = id_of(lanxi.bo, "Ana")
    before = lanxi.records(lanxi.bo)
    with browser(lanxi.bo.path) as bo:
        assert sends(bo, "pay", member=ana, quantity="6") == 422
        assert "the payer's balance would go below the lowest" in bo.text
        assert 'value="6"' in bo.page.text, "what was typed stays"
        assert sends(bo, "pay", member="nobody", quantity="1") == 422
        assert sends(bo, "ask", member=ana, quantity="1", due="some day") == 422
        assert 'id="e-due"' in bo.page.text
    assert lanxi.records(lanxi.bo) == before


def test_what_was_asked_waits_for_the_other_member(lanxi: Commons) -> None:
    bo_id = id_of(lanxi.ana, "Bo")
    with browser(lanxi.ana.path) as ana:
        assert sends(ana, "ask", member=bo_id, quantity="2", due="in 2 weeks") == 200
        assert "You asked Bo for 2 hour." in ana.text
    lanxi.meet()
    with Member(lanxi.bo) as member:
        (deal,) = member.deals()
    with browser(lanxi.bo.path) as bo:
        page = bo.get("/money/balance").text
        assert "Asked of you" in bo.text
        assert f'href="/deals/{deal.id.hex()}"' in page
        bo.get(f"/money/balance/pay?for={deal.id.hex()}&member={id_of(lanxi.bo, 'Ana')}&quantity=2")
        form = {"member": id_of(lanxi.bo, "Ana"), "quantity": "2", "unit": "hour"}
        assert bo.post("/money/balance/pay", {**form, "for": deal.id.hex()}).status_code == 200
        assert "Asked of you" not in bo.text


def test_a_form_pays_once_however_often_it_is_sent(lanxi: Commons) -> None:
    form = {"member": id_of(lanxi.bo, "Ana"), "quantity": "1", "unit": "hour", "note": ""}
    with browser(lanxi.bo.path) as bo:
        first = bo.get("/money/balance/pay")
        for _ in range(2):
            bo.page = first
            assert bo.post("/money/balance/pay", form).status_code == 200
    with Member(lanxi.bo) as member:
        assert member.balances("Bo").balances[0].balance == -1


def test_money_shows_the_balance_and_leads_to_all(lanxi: Commons) -> None:
    with browser(lanxi.mei.path, "zh") as mei:
        page = mei.get("/money").text
        assert 'href="/money/balance"' in page and "余额" in mei.text
        mei.get("/money/balance")
        for text in ("全部余额", "还可支付", "付给成员", "小时", "受助者以小时支付。"):
            assert text in mei.text, text


def test_without_credit_in_the_rules_the_page_says_how_to_have_it(
    lanxi: Commons, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lanxi.adopt(RULES, tmp_path_factory.mktemp("without"))
    with browser(lanxi.mei.path) as mei:
        assert mei.get("/money/balance").status_code == 200
        assert "The rules have no balances between members" in mei.text
        assert 'href="/money/balance/pay"' not in mei.page.text
        assert mei.get("/money/balance/pay").status_code >= 400
        assert 'id="balance"' not in mei.get("/money").text


def test_names_and_notes_of_members_are_no_markup(lanxi: Commons) -> None:
    evil = '"><script>alert(1)</script>'
    with browser(lanxi.bo.path) as bo:
        for name in ("for", "quantity", "member", "unit", "note", "due"):
            for act in ("pay", "ask"):
                page = bo.get(f"/money/balance/{act}?{name}={evil}").text
                assert "<script>alert(1)" not in page
