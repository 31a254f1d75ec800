"""Why in a browser: sums that add up, who spoke, the trace, proofs, and what one can do."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from commonweal.client import Member
from commonweal.client.keep.proofs import check_proof
from commonweal.client.sharing import reasons as module
from commonweal.protocol.errors import UnknownId
from tests.builders.browser import browser
from tests.builders.commons import Commons
from tests.web.books.conftest import FENCE, LOAVES, WATER, Lanxi


def numbers(table: str) -> list[Decimal]:
    """Return the numbers of a table in their order."""
    cells = re.findall(r'<td class="number">\s*(-?[0-9,.]+)', table)
    return [Decimal(cell.replace(",", "")) for cell in cells]


def test_a_share_adds_up_to_the_cent_and_leads_to_its_records(lanxi: Lanxi) -> None:
    with Member(lanxi.mei) as member:
        (ana,) = (row for row in member.shares().lines if row.member_name == "Ana")
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/why/{ana.line}")
        points, amount = re.findall(r'<table class="sum">.*?</table>', mei.page.text, re.DOTALL)
        for text in ("Ana has a share of 76.80 EUR", "final #1", "By hours.", "Signed by Mei"):
            assert text in mei.text
    assert f'href="/why/{lanxi.ids[LOAVES]}"' in points
    assert numbers(points) == [8_000, 8_000]
    assert numbers(amount) == [Decimal("76.80"), Decimal("76.80")]
    assert "8,000 of 12,500 parts of 120.00 EUR" in amount


def test_every_sum_is_the_sum_of_its_lines(lanxi: Lanxi) -> None:
    with Member(lanxi.mei) as member:
        ids: list[str] = [row.line for row in member.shares().lines]
        ids += [row.claim.hex() for row in member.claims().claims]
        ids += [row.id.hex() for row in member.contributions().records]
        sums = [part for id in ids for part in member.reasons(id).sums]
    assert len(sums) >= 7
    for one_sum in sums:
        assert sum(part.amount for part in one_sum.parts) == one_sum.total


def test_a_claim_is_the_sum_of_its_lines(lanxi: Lanxi) -> None:
    with Member(lanxi.mei) as member:
        (ana,) = (row for row in member.claims().claims if row.member_name == "Ana")
        (line,) = (row.line for row in member.shares().lines if row.member_name == "Ana")
    with browser(lanxi.mei.path, "zh") as mei:
        mei.get(f"/why/{ana.claim.hex()}")
        assert "应付 Ana 76.80 欧元" in mei.text
        assert f'href="/why/{line}"' in mei.page.text


def test_a_contribution_says_what_it_is_worth_and_who_spoke(lanxi: Lanxi) -> None:
    with browser(lanxi.bo.path) as bo:
        bo.get(f"/why/{lanxi.ids[LOAVES]}")
        for text in ("worth 8,000 points since height 1", "An hour is 1,000 points.", "76.80 EUR"):
            assert text in bo.text
        assert "Bo yes, it was so" in bo.text
        assert "<b>loaves</b>" not in bo.page.text
        # its own author corrected this one
        bo.get(f"/why/{lanxi.ids[FENCE]}")
        assert "as it was written 4.5 corrected by Bo -0.5 what counts 4.0 hour" in bo.text
        assert "Nobody yet. The rules ask that 1 other member attests it." in bo.text


def test_the_trace_is_drawn_and_linked(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/why/{lanxi.ids['saw']}")
        assert "What came of it" in mei.text
        assert "→ Ana" in mei.text
        mei.get(f"/why/{lanxi.ids['lent']}")
        assert "What went into it" in mei.text
        assert f'href="/things/{lanxi.ids["saw"]}"' in mei.page.text


def test_a_plain_record_says_what_it_is(lanxi: Lanxi) -> None:
    with Member(lanxi.mei) as member:
        spec = member.specifications()[0].id
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/why/{spec.hex()}")
        assert "describes a kind of thing" in mei.text
        assert "name flour" in mei.text
        mei.get(f"/why/{spec.hex()}", language="zh")
        assert "描述一种物品" in mei.text


def test_an_unknown_id_is_no_page_and_a_member_leads_to_what_they_gave(lanxi: Lanxi) -> None:
    with Member(lanxi.mei) as member:
        bo = member.view.member("Bo").hex()
    with browser(lanxi.mei.path) as mei:
        for unknown in ("ab" * 32, "9.income.0", "zz", "%3Cscript%3E", "9" * 30 + ".x.1"):
            assert mei.get(f"/why/{unknown}").status_code == 404
            assert "<script>" not in mei.page.text.split("<main")[1]
        assert str(mei.get(f"/why/{bo}").url).endswith(f"/ledger?{urlencode({'who': bo})}")


def test_a_proof_is_given_with_its_fingerprint(lanxi: Lanxi, tmp_path: object) -> None:
    from hashlib import sha256
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    loaves = lanxi.ids[LOAVES]
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/why/{loaves}/proof")
        shown = mei.text
        assert 'class="qr"' in mei.page.text
        assert "style=" not in mei.page.text
        data = mei.get(f"/why/{loaves}/proof.weal").content
        with_text = mei.get(f"/why/{loaves}/proof.weal?text=1").content
        assert "With its text" in shown
        assert mei.get(f"/why/{lanxi.ids[WATER]}/proof").status_code == 422
        mei.get(f"/why/{lanxi.ids['saw']}/proof")
        assert "With its text" not in mei.text
    assert sha256(data).hexdigest() in shown
    (tmp_path / "proof").write_bytes(with_text)
    proven = check_proof(tmp_path / "proof")
    assert (proven.id.hex(), proven.height, proven.text) == (loaves, 1, "<b>loaves</b>")


def test_another_member_speaks_disputes_and_ends_that(copies: Callable[[], Commons]) -> None:
    village = copies()
    water = village.json(village.bo, "record", "work", "2", "hours")["id"]
    village.meet()
    with browser(village.mei.path) as mei:
        mei.get(f"/why/{water}")
        assert "Withdraw it" not in mei.text
        mei.post(f"/why/{water}/attest", {"say": "yes"})
        assert "You spoke." in mei.text
        assert "Mei yes, it was so" in mei.text
        mei.post(f"/why/{water}/dispute", {"note": "I was there"})
        assert "Mei disputes it" in mei.text
        mei.post(f"/why/{water}/dispute", {"end": "1"})
        mei.post(f"/why/{water}/attest", {"say": "withdraw"})
        assert "Nobody yet." in mei.text
        # what cannot be said is refused beside the acts, and nothing is written
        before = village.records(village.mei)
        assert mei.post(f"/why/{water}/attest", {"say": "withdraw"}).status_code == 422
        assert 'role="alert"' in mei.page.text
        assert village.records(village.mei) == before


def test_its_author_corrects_and_withdraws(copies: Callable[[], Commons]) -> None:
    village = copies()
    water = village.json(village.bo, "record", "work", "2", "hours")["id"]
    with browser(village.bo.path) as bo:
        bo.get(f"/why/{water}")
        assert "Yes, it was so" not in bo.text
        assert (
            bo.post(f"/why/{water}/correct", {"amount": "1,5", "unit": "hour"}).status_code == 422
        )
        assert 'value="1,5"' in bo.page.text
        assert "is it 1.5" in bo.page.text.split('id="e-amount"')[1]
        bo.post(f"/why/{water}/correct", {"amount": "1.5", "unit": "hour"})
        assert "what counts 1.5 hour" in bo.text
        bo.post(f"/why/{water}/undo")
        assert "its author withdrew it" in bo.text
        assert "What you can do" not in bo.text
    with Member(village.bo) as member:
        (row,) = (row for row in member.contributions().records if row.id.hex() == water)
        assert row.corrected_to == 0


def test_corrections_that_are_told_are_bounded(
    copies: Callable[[], Commons], monkeypatch: pytest.MonkeyPatch
) -> None:
    village = copies()
    with Member(village.bo) as bo:
        given = bo.record("work", 5, "hours").id
        for hours in (4, 3, 2):
            bo.correct(given, hours, "hours")
        (whole,) = bo.reasons(given).sums
        assert [part.amount for part in whole.parts] == [5, -1, -1, -1]
        monkeypatch.setattr(module, "LOOKED_AT_MAX", 2)
        (cut,) = bo.reasons(given).sums
        assert [part.amount for part in cut.parts] == [5, -1, -1, -1]
        assert cut.parts[-1].label == "other corrections"
        assert cut.total == 2
        with pytest.raises(UnknownId):
            bo.reasons("ab" * 32)
