"""Welcome: from an empty folder to a community, each step refused or taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from commonweal.client.community.homes import unconfirmed_words
from commonweal.client.governance.rule_templates import NO_RULES, TEMPLATES, parts_of_income
from commonweal.storage.home.home import Home
from tests.builders.browser import Browser, browser
from tests.builders.weal import founder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("COMMONWEAL_LISTEN", "/ip4/127.0.0.1/tcp/0")
    monkeypatch.setenv("COMMONWEAL_MDNS", "false")
    path = tmp_path / "mei"
    yield path
    if Home(path).holder() is not None:
        with Member(path) as member:
            member.stop_node()


def make(mei: Browser, name: str = "Mei", passphrase: str = "") -> None:
    mei.get("/welcome")
    mei.post("/welcome/home", {"name": name, "passphrase": passphrase, "again": passphrase})


def write_down(mei: Browser) -> None:
    """Type the three words that are asked for, as they are on the page before."""
    words = re.findall(r"<li>([^<]+)</li>", mei.get("/welcome").text)
    mei.get("/welcome?check=1")
    places = re.findall(r'name="place" value="(\d+)"', mei.page.text)
    typed = {f"word{place}": f" {words[int(place) - 1].upper()} " for place in places}
    mei.post("/welcome/words", {"place": places, **typed})


def test_an_empty_folder_leads_to_the_welcome(home: Path) -> None:
    with browser(home) as mei:
        for path in ("/", "/welcome"):
            assert "Your name" in mei.get(path).text
        assert not (home / "ledger.db").exists()


def test_a_community_is_founded_step_by_step(home: Path) -> None:
    with browser(home) as mei:
        make(mei)
        assert "Your words" in mei.text
        write_down(mei)
        assert unconfirmed_words(Home(home)) is None
        assert "Your community" in mei.text
        mei.post("/welcome/found", {"name": "Lanxi", "rules": "cooperative"})
        assert mei.page.url.path == "/"
        assert Home(home).holder() is not None
        assert mei.get("/welcome").url.path == "/"


def test_the_steps_speak_chinese(home: Path) -> None:
    with browser(home, "zh") as mei:
        assert "欢迎" in mei.get("/welcome").text
        make(mei, "小梅")
        words = re.findall(r"<li>([^<]+)</li>", mei.page.text)
        assert len(words) == 24
        assert all(re.fullmatch("[一-鿿]", word) for word in words)
        write_down(mei)
        assert "我来创建社群" in mei.text


@pytest.mark.parametrize(
    ("name", "passphrase", "again", "said"),
    [
        ("", "", "", "a name has 1 to"),
        ("x" * 81, "", "", "a name has 1 to"),
        ("Mei\u202e", "", "", "a name has 1 to"),
        ("Mei", "long enough", "otherwise", "The two passphrases differ."),
    ],
)
def test_what_cannot_be_a_home_is_told_beside_the_form(
    home: Path, name: str, passphrase: str, again: str, said: str
) -> None:
    with browser(home) as mei:
        mei.get("/welcome")
        form = {"name": name, "passphrase": passphrase, "again": again}
        answer = mei.post("/welcome/home", form)
        assert answer.status_code == 422
        assert said in mei.text
    assert not (home / "keystore").exists()


def test_wrong_words_are_asked_again(home: Path) -> None:
    with browser(home) as mei:
        make(mei)
        for places in (["1", "2", "3"], ["1", "1", "1"], ["0", "25", "99"], [], ["a", "2", "3"]):
            typed = {f"word{place}": "x" for place in places}
            mei.get("/welcome?check=1")
            answer = mei.post("/welcome/words", {"place": places, **typed})
            assert answer.status_code == 422
    assert unconfirmed_words(Home(home)) is not None


def test_a_passphrase_is_asked_for_after_the_page_was_closed(home: Path) -> None:
    with browser(home) as mei:
        make(mei, passphrase="blue heron")
        assert "Your words" in mei.text
    with browser(home) as mei:
        assert "Welcome back" in mei.get("/welcome").text
        mei.post("/welcome/passphrase", {"passphrase": "red heron"})
        assert mei.page.status_code == 422
        mei.post("/welcome/passphrase", {"passphrase": "blue heron"})
        assert "Your words" in mei.text
        assert "blue heron" not in mei.page.text


def test_a_form_that_comes_too_early_or_too_late_does_nothing(home: Path) -> None:
    with browser(home) as mei:
        mei.get("/welcome")
        mei.post("/welcome/found", {"name": "Lanxi", "rules": "none"})
        assert "Your name" in mei.page.text
        make(mei)
        make(mei, "Another")
    with Home(home).store(readonly=True) as store:
        assert store.setting("home.name") == b"Mei"


@pytest.mark.parametrize("link", ["", "weal://broken", "hello", "x" * 5000])
def test_a_link_that_is_none_is_told_beside_its_field(home: Path, link: str) -> None:
    with browser(home) as mei:
        make(mei)
        write_down(mei)
        answer = mei.post("/welcome/join", {"link": link})
        assert answer.status_code == 422
        assert "Not possible" not in mei.text
        assert "Ask to join" in mei.text


@pytest.mark.parametrize(("name", "rules"), [("", "none"), ("Lanxi", "nothing-known")])
def test_what_cannot_be_founded_is_told_beside_its_field(home: Path, name: str, rules: str) -> None:
    with browser(home) as mei:
        make(mei)
        write_down(mei)
        assert mei.post("/welcome/found", {"name": name, "rules": rules}).status_code == 422
        assert Home(home).holder() is None


def test_a_guest_waits_and_sees_why(home: Path, tmp_path: Path) -> None:
    inviter = founder(tmp_path / "ann")
    with Member(inviter) as ann:
        link = ann.invite().link
    with browser(home) as mei:
        make(mei)
        write_down(mei)
        mei.post("/welcome/join", {"link": link})
        assert "You asked to join" in mei.text
        assert "No node of the community is reached yet." in mei.text
        assert 'http-equiv="refresh"' in mei.page.text


def test_a_guest_who_is_known_reads_that_members_vouch(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Member(founder(tmp_path / "ann")) as ann:
        link = ann.invite().link
    with browser(home) as mei:
        make(mei)
        write_down(mei)
        mei.post("/welcome/join", {"link": link})
        with Member(home) as member:
            status = replace(member.status(), peers=("a node",), coming=0)  # type: ignore[arg-type]
        monkeypatch.setattr(Member, "status", lambda _: status)
        mei.get("/welcome")
        assert "1 node of the community is connected and has it." in mei.text
        assert "A member vouches for you" in mei.text
        assert "Other members are asked for the state of the community." in mei.text


def test_a_home_without_a_running_node_can_start_it(home: Path) -> None:
    create_home(home, "Mei")
    with Member(home) as member:
        member.found("Lanxi", rules=NO_RULES)
    with browser(home) as mei:
        assert "Start your node" in mei.get("/welcome").text
        mei.post("/welcome/node")
        assert mei.page.url.path == "/"
    assert Home(home).holder() is not None


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_parts_of_a_template_are_a_whole(name: str) -> None:
    parts = parts_of_income(name)
    assert sum(part.percent for part in parts) == 100
    assert all(part.zh and part.en for part in parts)


def test_the_parts_of_the_cooperative_are_these() -> None:
    percents = {part.name: float(part.percent) for part in parts_of_income("cooperative")}
    assert percents == {"reserve": 20, "lenders": 10, "work": 59.5, "co-owners": 10.5}
    assert parts_of_income(NO_RULES) == ()
