"""Money: what is shown is what the ledger says, and acts write what they say."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from commonweal.client import Member
from tests.builders.browser import browser
from tests.builders.weal import founder, good
from tests.web.returns.conftest import Cart

LONG = "9" * 500


def test_the_page_says_what_came_in_and_where_it_went(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        page = mei.get("/money")
        assert page.status_code == 200
        for text in ("100.00", "80.00", "20.00", "60.00", "in the pool", "0.00 EUR"):
            assert text in mei.text, text
        assert f'href="/why/{kept.income}"' in page.text
        assert f'href="/why/{kept.claim("Bo")}"' in page.text
        assert "<script>alert" not in page.text and "<b>fund</b>" not in page.text
        assert "&lt;b&gt;fund&lt;/b&gt;" in page.text
        assert 'role="img"' in page.text


def test_the_page_speaks_chinese(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path, "zh") as mei:
        mei.get("/money")
        for text in ("收益", "成员的应得", "待付", "资金池", "欧元"):
            assert text in mei.text, text


def test_final_and_settled_are_said_apart(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        mei.get("/money?claims=open")
        assert "It is settled once it was paid" in mei.text
        assert "final #2" in mei.text and "20.00 said" in mei.text
        mei.get("/money?claims=settled")
        assert "No claim is like that." in mei.text


def test_a_share_opens_into_its_lines_and_their_reasons(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        with Member(kept.lanxi.mei) as member:
            lines = member.shares().lines
        bo = next(line for line in lines if line.member_name == "Bo")
        address = f"/money/shares?pool=income&bucket=work&member={bo.member.hex()}"
        assert address.replace("&", "&amp;") in mei.get("/money").text
        page = mei.get(address)
        assert f'href="/why/{bo.line}"' in page.text
        assert "60.00 EUR" in mei.text and "Ana" not in mei.text
        assert "20.00 EUR" in mei.get("/money/shares?pool=income").text
        assert "No line is like that." in mei.get("/money/shares?pool=none").text


def test_the_file_to_pay_by_is_that_of_the_command(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        file = mei.get("/money/payouts.csv")
    sheet = file.content.decode("utf-8-sig")
    assert sheet == good("payouts", "-o", "csv", "--home", kept.lanxi.mei.path).out
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert sorted(row["amount"] for row in rows) == ["20.00", "60.00"]
    assert "attachment" in file.headers["content-disposition"]


def test_an_income_is_recorded(cart: Cart) -> None:
    with browser(cart.lanxi.ana.path) as ana:
        ana.get("/money/income")
        form = {"quantity": "12.50", "unit": "EUR", "payer": "", "note": "market", "earned_by": ""}
        ana.post("/money/income", form)
        assert "goes into the pool income once 1 more member attests it" in ana.text
        with Member(cart.lanxi.ana) as member:
            income = member.incomes().incomes[0]
        assert (income.amount, income.height) == (Decimal("12.50"), None)
        assert "1 more member has to attest it" in ana.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"quantity": "ten"}, "ten"),
        ({"quantity": "-5"}, "negative"),
        ({"quantity": ""}, ""),
        ({"quantity": LONG}, "digits"),
        ({"quantity": "1,5"}, "1.5"),
        ({"quantity": "3", "unit": "hour"}, ""),
        ({"quantity": "3", "payer": "nobody-of-this-name"}, "nobody-of-this-name"),
        ({"quantity": "3", "earned_by": "ffffffff"}, "ffffffff"),
        ({"quantity": "3", "note": "x" * 100_000}, ""),
    ],
)
def test_a_bad_income_is_refused_beside_its_field(
    typed: dict[str, str], said: str, kept: Cart
) -> None:
    with browser(kept.lanxi.ana.path) as ana:
        ana.get("/money/income")
        page = ana.post("/money/income", {"unit": "EUR", **typed})
        assert page.status_code in (413, 422)
        if page.status_code == 422:
            assert 'aria-invalid="true"' in page.text and said in ana.text
        with Member(kept.lanxi.ana) as member:
            assert member.incomes().total == 1


def test_a_claim_is_paid_and_its_member_confirms(cart: Cart) -> None:
    claim = cart.claim("Bo")
    with browser(cart.lanxi.mei.path) as mei:
        assert f'href="/money/pay?claim={claim}"' in mei.get("/money").text
        page = mei.get(f"/money/pay?claim={claim}")
        assert 'value="40.00"' in page.text
        mei.post("/money/pay", {"claim": claim, "quantity": "15", "giver": "me"})
        assert "It counts once Bo confirms it." in mei.text
    cart.lanxi.meet()
    with browser(cart.lanxi.bo.path) as bo:
        bo.get("/money")
        assert bo.text.count("says to have paid Bo") == 2
        assert bo.page.text.count("Yes, it came") == 2
        bo.post("/money/answer", {"payment": cart.payment, "say": "yes"})
        assert "You confirmed the payment." in bo.text
        bo.get("/money")
        with Member(cart.lanxi.bo) as member:
            other = next(payment.id.hex() for payment in member.payments() if payment.asks_me)
        bo.post("/money/answer", {"payment": other, "say": "no"})
        assert "The claim is open as before." in bo.text
    with Member(cart.lanxi.bo) as member:
        (row,) = (row for row in member.claims().claims if row.member_name == "Bo")
        assert (row.settled, row.said, row.open) == (Decimal(20), Decimal(0), Decimal(40))
        assert {payment.status for payment in member.payments()} == {"confirmed", "denied"}


@pytest.mark.parametrize("quantity", ["0", "999", "x", "", "0.001", "-1"])
def test_a_payment_that_cannot_count_is_refused(quantity: str, kept: Cart) -> None:
    claim = kept.claim("Bo")
    with browser(kept.lanxi.mei.path) as mei:
        mei.get(f"/money/pay?claim={claim}")
        page = mei.post("/money/pay", {"claim": claim, "quantity": quantity, "note": "keep me"})
        assert page.status_code == 422 and "keep me" in page.text
        assert 'aria-invalid="true"' in page.text
        with Member(kept.lanxi.mei) as member:
            assert len(member.payments()) == 1


@pytest.mark.parametrize("id", ["", "zz", "ff" * 32, "<script>", "1.income.0"])
def test_what_is_no_claim_cannot_be_paid(id: str, kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        assert mei.get("/money/pay").status_code == 404
        page = mei.get(f"/money/pay?{urlencode({'claim': id})}")
        assert page.status_code in (404, 422) and "<script>alert" not in page.text


def test_a_payment_is_answered_by_those_it_asks(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        assert "Did this come?" not in mei.get("/money").text
        page = mei.post("/money/answer", {"payment": kept.payment, "say": "yes"})
        assert page.status_code == 404
    with browser(kept.lanxi.bo.path) as bo:
        bo.get("/money")
        page = bo.post("/money/answer", {"payment": kept.payment, "say": "maybe"})
        assert page.status_code == 422
        with Member(kept.lanxi.bo) as member:
            assert [payment.status for payment in member.payments()] == ["said"]


def test_who_is_owed_does_not_pay_themselves(kept: Cart) -> None:
    with browser(kept.lanxi.bo.path) as bo:
        claim = kept.claim("Bo")
        assert f"/money/pay?claim={claim}" not in bo.get("/money").text
        bo.get(f"/money/pay?claim={claim}")
        assert "This claim is yours" in bo.text


def test_an_empty_community_learns_what_to_do(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    with browser(home) as ann:
        ann.get("/money")
        assert ann.page.status_code == 200
        assert "Nobody is owed anything." in ann.text
        assert "Nothing came in yet." in ann.text
        assert 'role="img"' not in ann.page.text.split("<main")[1]
        ann.get("/money/income")
        assert "The rules have no pool yet" in ann.text


def test_many_claims_are_shown_in_parts(cart: Cart, monkeypatch: pytest.MonkeyPatch) -> None:
    from commonweal.web.pages.returns import money

    monkeypatch.setattr(money, "CLAIMS_SHOWN_MAX", 1)
    with browser(cart.lanxi.mei.path) as mei:
        mei.get("/money")
        assert "2 claims · the last 1 of them" in mei.text
        mei.get("/money?all=1")
        assert "the last" not in mei.text


def test_all_links_lead_to_pages(kept: Cart) -> None:
    with browser(kept.lanxi.mei.path) as mei:
        shown = ["/money?claims=all", "/money/shares?pool=income", "/money/income"]
        pages = [mei.get(path).text.split("<main")[1].split("</main>")[0] for path in shown]
        links = {link for page in pages for link in re.findall(r'href="(/[^"#]+)', page)}
        assert len([link for link in links if link.startswith("/why/")]) >= 6
        for link in sorted(links - {"/rules"}):
            assert mei.get(unescape(link)).status_code == 200, link
