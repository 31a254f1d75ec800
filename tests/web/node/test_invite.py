"""Invite: links are made, shown once, counted, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.community.invites import INVITE_USES_MAX
from commonweal.client.home import own_addresses
from commonweal.web.pages.node import invite
from tests.builders.browser import Browser, browser
from tests.builders.weal import founder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "ann")


@pytest.fixture
def ann(home: Path) -> Iterator[Browser]:
    with browser(home) as entered:
        yield entered


def make(ann: Browser, uses: str = "2", expires: str = "7d") -> str:
    """Make a link; return the path where it is shown."""
    ann.get("/invite")
    ann.post("/invite", {"uses": uses, "expires": expires})
    return ann.page.url.path


def test_nobody_is_invited_at_first(ann: Browser) -> None:
    ann.get("/invite")
    assert "Nobody was invited yet." in ann.text
    assert "还没有邀请过任何人" in ann.get("/invite", language="zh").text


def test_a_link_is_made_and_admits_who_holds_it(ann: Browser, home: Path) -> None:
    path = make(ann)
    assert "weal:" in ann.page.text
    assert "For 2 people" in ann.text
    assert 'class="qr"' in ann.page.text
    with Member(home) as member:
        (row,) = member.invites()
    assert (row.uses, row.state, path) == (2, "open", f"/invite/{row.id.hex()}")
    assert "0 of 2" in ann.get("/invite").text


def test_the_page_of_a_link_says_whether_others_can_use_it(
    ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_addresses, "_hosts", lambda: [("ip4", "192.168.1.5")])
    make(ann)
    assert "It works on this network only" in ann.text
    assert "A relay makes it work" in ann.text
    monkeypatch.setattr(own_addresses, "_hosts", lambda: [("ip4", "8.8.8.8")])
    path = make(ann)
    assert "nobody was there to try /ip4/8.8.8.8/tcp/" in ann.text
    assert "从外面也许可用" in ann.get(path, language="zh").text


def test_a_link_is_shown_by_this_process_alone(ann: Browser, home: Path) -> None:
    path = make(ann)
    with browser(home) as later:
        later.get(path)
        assert "weal:" not in later.page.text
        assert "A link is shown once" in later.text


def test_a_link_is_taken_back(ann: Browser, home: Path) -> None:
    path = make(ann)
    ann.post(f"{path}/revoke")
    assert "The link is taken back." in ann.text
    assert "taken back" in ann.text
    with Member(home) as member:
        assert [row.state for row in member.invites()] == ["revoked"]
    assert "weal:" not in ann.get(path).text


@pytest.mark.parametrize(
    "uses", ["", "0", "-1", "1.5", "two", str(INVITE_USES_MAX + 1), "9" * 40, "9" * 5_000]
)
def test_a_number_of_people_that_is_none_is_told_beside_it(
    ann: Browser, home: Path, uses: str
) -> None:
    make(ann, uses)
    assert ann.page.status_code == 422
    assert "a link is for 1 to 1,000 people" in ann.text
    with Member(home) as member:
        assert member.invites() == []


def test_the_most_people_are_taken_and_odd_durations_are_a_week(ann: Browser, home: Path) -> None:
    make(ann, str(INVITE_USES_MAX), "9999d")
    assert ann.page.status_code == 200
    with Member(home) as member:
        assert [row.uses for row in member.invites()] == [INVITE_USES_MAX]


def test_links_that_can_be_looked_at_again_are_bounded(
    ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invite, "LINKS_MAX", 2)
    paths = [make(ann) for _ in range(3)]
    assert ["weal:" in ann.get(path).text for path in paths] == [False, True, True]


def test_an_unknown_link_cannot_be_taken_back(ann: Browser) -> None:
    ann.get("/invite")
    assert ann.post("/invite/abcdef/revoke").status_code in (404, 422)
