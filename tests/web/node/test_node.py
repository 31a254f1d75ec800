"""Node: how it stands in both languages, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from commonweal.client import Member, create_home
from commonweal.client.community.node import NodeOfHome
from commonweal.client.home.reminders import read_reminders
from commonweal.client.keep.restoration import restore_backup
from commonweal.node.reach_state import PortMapping, ReachState
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home
from commonweal.web.live.hub import LiveHub
from commonweal.web.pages.node import node
from tests.builders.browser import Browser, browser


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("COMMONWEAL_LISTEN", "/ip4/127.0.0.1/tcp/0")
    monkeypatch.setenv("COMMONWEAL_MDNS", "false")
    path = tmp_path / "ann"
    phrases[path] = create_home(path, "Ann", passphrase="blue heron").words
    with Member(path, passphrase="blue heron") as ann:
        ann.found("Garden", rules="none")
    yield path
    if Home(path).holder() is not None:
        with Member(path) as ann:
            ann.stop_node()


phrases: dict[Path, str] = {}


@pytest.fixture
def ann(home: Path) -> Iterator[Browser]:
    with browser(home) as entered:
        yield entered


def test_the_node_is_started_sealed_with_and_ended(ann: Browser, home: Path) -> None:
    ann.get("/node")
    assert "does not run" in ann.text
    ann.post("/node/start", {"passphrase": "red heron"})
    assert ann.page.status_code == 422
    assert Home(home).holder() is None
    ann.post("/node/start", {"passphrase": "blue heron"})
    assert "Your node runs." in ann.text
    assert Home(home).holder() is not None
    ann.post("/node/seal")
    assert "final now" in ann.text
    ann.post("/node/seal")
    assert "Nothing waits for a seal." in ann.text
    ann.post("/node/stop")
    assert "The node ended." in ann.text
    assert Home(home).holder() is None


@pytest.mark.parametrize(
    ("witnesses", "held", "lost"),
    [(1, (), 7), (1, (3, 5), 2), (4, (), 1), (4, (7,), 0), (0, (), 7)],
)
def test_a_seal_of_one_witness_says_nothing_of_what_others_hold(
    witnesses: int,
    held: tuple[int, ...],
    lost: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = SimpleNamespace(own=SimpleNamespace(records=7, final=6, held=held))
    monkeypatch.setattr(LiveHub, "now", now)
    state = SimpleNamespace(live=LiveHub(Home(tmp_path)))
    page: Any = SimpleNamespace(request=SimpleNamespace(app=SimpleNamespace(state=state)))
    assert node._only_here(page, witnesses) == lost


def test_a_founder_alone_is_not_told_that_others_hold_their_records(ann: Browser) -> None:
    ann.get("/node")
    ann.post("/node/start", {"passphrase": "blue heron"})
    ann.post("/node/seal")
    until = time.monotonic() + 10
    while "only this computer holds them" not in ann.get("/node").text:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "others hold all of yours" not in ann.text


def test_what_the_router_answered_is_said(
    ann: Browser, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann.get("/node")
    assert "Is it reached from outside?" not in ann.text
    ann.post("/node/start", {"passphrase": "blue heron"})
    ann.get("/node")
    assert "Is it reached from outside?" in ann.text
    assert "switched off" in ann.text
    mapping = PortMapping(reason="silent", gateway="192.168.1.1")
    reach = ReachState(port=4001, mapping=mapping)
    monkeypatch.setattr(NodeOfHome, "_reach", lambda _member: reach)
    ann.get("/node")
    assert "192.168.1.1 answers none of PCP, NAT-PMP and UPnP" in ann.text
    assert "forward TCP port 4001" in ann.text


def test_what_is_wrong_is_said_with_what_to_do(ann: Browser) -> None:
    ann.get("/node")
    assert "look here" not in ann.text
    ann.get("/node?check=1")
    assert "look here" in ann.text
    zh = ann.get("/node?check=1", language="zh").text
    assert "如果这台电脑现在坏了" in zh
    assert "没有运行" in zh


def test_the_backup_makes_the_home_again(ann: Browser, home: Path, tmp_path: Path) -> None:
    ann.get("/node")
    answer = ann.post("/node/backup")
    assert answer.headers["content-disposition"].startswith("attachment")
    file = tmp_path / "taken.backup"
    file.write_bytes(answer.content)
    assert read_reminders(Home(home)).backup_ms is not None
    again = Home(tmp_path / "again")
    restore_backup(again, file, lambda path: (keystore.unlock(path, "blue heron"), "blue heron"))
    assert again.exists()


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("", "0 words were read"),
        ("abandon " * 24, "do not fit"),
        ("x" * 500, "1 words were read"),
        ("abandon " * 23 + "art", "These are the words of somebody else."),
    ],
)
def test_words_that_are_not_theirs_are_told(ann: Browser, phrase: str, said: str) -> None:
    ann.get("/node")
    ann.post("/node/words", {"phrase": phrase, "passphrase": "blue heron"})
    assert ann.page.status_code == 422
    assert said in ann.text


def test_their_own_words_are_known(ann: Browser, home: Path) -> None:
    ann.get("/node")
    ann.post("/node/words", {"phrase": phrases[home].upper(), "passphrase": "blue heron"})
    assert "These are your words." in ann.text
    # A single word, such as "rent", may be part of what any page says.
    first = " ".join(phrases[home].split()[:3])
    assert first not in ann.page.text.lower()
