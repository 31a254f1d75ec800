"""Consents in a browser: granted, asked, answered, ended, and taken away as a receipt."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from commonweal.client import Member
from tests.builders.browser import browser
from tests.builders.consenting_homes import NOTICE, ConsentingHomes

GRANT = {"purposes": "research，teaching", "recipients": "Bo, producer", "notice": NOTICE}


@pytest.fixture
def archive(tmp_path: Path) -> ConsentingHomes:
    return ConsentingHomes(tmp_path / "archive")


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> ConsentingHomes:
    """Give an archive in which nothing is written."""
    return ConsentingHomes(tmp_path_factory.mktemp("unchanged") / "archive")


def test_a_consent_is_granted_read_and_ended(archive: ConsentingHomes) -> None:
    with browser(archive.mei.path) as page:
        page.get("/data")
        assert "Data of mine that others may use" in page.text
        page.get("/data/consents")
        sent = GRANT | {"data": archive.data, "per_use": "0.50", "unit": "EUR", "until": ""}
        page.post("/data/consents", sent)
        assert "They may use it now." in page.text
        for told in ("notes · research, teaching", "Bo, producer", "0.50 EUR for each use"):
            assert told in page.text
        with Member(archive.mei) as mei:
            (row,) = mei.consents()
        assert (row.purposes, row.notice, row.valid) == (("research", "teaching"), NOTICE, True)
        path = f"/data/consents/{row.id.hex()}"
        page.get(f"{path}/receipt.json")
        receipt = json.loads(page.page.text)
        assert receipt["dpv:hasRecordOfActivity"]["dct:identifier"] == row.id.hex()
        page.get(path)
        page.post(f"{path}/revoke", {})
        assert "What was read cannot be unread." in page.text and "withdrawn" in page.text


def test_a_request_is_answered_on_its_page(archive: ConsentingHomes) -> None:
    with browser(archive.bo.path) as page:
        page.get("/data/consents")
        page.post(
            "/data/consents/ask", {"data": "notes", "purposes": "research", "notice": "For a book."}
        )
        assert "Asked. It waits in their Today." in page.text
    archive.meet()
    with Member(archive.mei) as mei:
        (row,) = mei.consents()
    with browser(archive.mei.path) as page:
        page.get("/")
        assert "Bo asks for your consent to use notes for research" in page.text
        page.get(f"/data/consents/{row.id.hex()}")
        assert "For a book." in page.text
        sent = {"per_use": "1", "unit": "EUR", "until": ""}
        page.post(f"/data/consents/{row.id.hex()}/answer", sent)
        assert "They may use it now." in page.text
    archive.meet()
    archive.used()
    with browser(archive.mei.path) as page:
        page.get("/data")
        assert "1 use" in page.text and "earned 1 EUR, paid 0" in page.text
        page.get("/data/consents")
        assert "Bo used notes for research" in page.text and "1 EUR to be paid" in page.text


def test_data_is_used_under_a_consent_and_its_owner_is_paid_from_the_page(
    archive: ConsentingHomes,
) -> None:
    path = f"/data/consents/{archive.granted()}"
    with browser(archive.ana.path) as page:
        page.get(path)
        assert "Use the data" not in page.text, "the consent is for Bo alone"
        assert page.post(f"{path}/use", {"purpose": "research"}).status_code == 422
    with browser(archive.bo.path) as page:
        page.get(path)
        assert "By it you owe Mei 0.50 EUR." in page.text
        assert page.post(f"{path}/use", {"purpose": "advertising"}).status_code == 422
        page.get(path)
        page.post(f"{path}/use", {"purpose": "research"})
        assert "Written. The content comes once a seal covers it" in page.text
        assert "of Mei, for research" in page.text
        page.get(path)
        assert "0.50 EUR to be paid" in page.text
        link = page.page.text.partition('href="/money/balance/pay?')[2].partition('"')[0]
        with Member(archive.bo) as bo:
            (use,) = bo.data_uses()
        fields = dict(parse_qsl(unescape(link)))
        assert fields["for"] == use.id.hex()
        page.get(f"/money/balance/pay?{unescape(link)}")
        page.post("/money/balance/pay", fields)
        page.get(path)
        assert "to be paid" not in page.text and "paid" in page.text
    archive.meet()
    with browser(archive.mei.path) as page:
        page.get(path)
        assert "Use the data" not in page.text and "/money/balance/pay?" not in page.page.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"purposes": " , "},
        {"purposes": "x" * 33},
        {"recipients": "Nobody"},
        {"recipients": ""},
        {"until": "soon"},
        {"per_use": "x", "unit": "EUR"},
        {"per_use": "1", "unit": "furlong"},
        {"pool": "income"},
        {"data": "00"},
        {"notice": ""},
    ],
)
def test_what_would_not_count_is_said_beside_the_form(
    unchanged: ConsentingHomes, wrong: dict[str, str]
) -> None:
    with browser(unchanged.mei.path) as page:
        page.get("/data/consents")
        page.post("/data/consents", GRANT | {"data": unchanged.data} | wrong)
        assert page.page.status_code == 422
        assert 'role="alert"' in page.page.text
    with Member(unchanged.mei) as mei:
        assert mei.consents(ended=True) == []


def test_members_vote_on_a_consent_from_its_page(archive: ConsentingHomes) -> None:
    id = archive.granted()
    with browser(archive.ana.path) as page:
        page.get(f"/data/consents/{id}")
        page.post(f"/data/consents/{id}/vote", {"why": "It says too little."})
        assert "Members vote on it now." in page.text and "It says too little." in page.text
        for path in ("/votes", "/votes?language=zh"):
            page.get(path)
            assert "notes" in page.text, "the list has words for it"
    archive.meet()
    with browser(archive.mei.path) as page:
        page.get(f"/data/consents/{id}")
        page.post(f"/data/consents/{id}/revoke", {})
        assert "Let members decide" not in page.text, "there is nothing to end any more"
        page.post(f"/data/consents/{id}/vote", {"why": ""})
        assert page.page.status_code == 422
