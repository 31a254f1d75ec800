"""`weal start`: broken off at any question or step, it goes on from there; one passphrase."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commonweal.client.community.standing import WAITING
from commonweal.commands.begin import init_found
from commonweal.commands.begin import start as start_commands
from commonweal.commands.terminal import options
from commonweal.node.control import join_once
from commonweal.protocol.errors import NotReachable
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home
from tests.builders.weal import founder, good, weal

pytestmark = pytest.mark.usefixtures("started")


class Killed(BaseException):
    """The process ended, and nothing was cleaned up."""


FOUNDER = ["Mei", "", "", "", "Lanxi", "2"]
"""Name, passphrase, words on paper, link, name of the community, rules."""
NEWCOMER = ["Bo", "", "", "LINK"]


def words_in(shown: str) -> list[str]:
    """Return the words that were shown with their numbers."""
    _before, _told, words = shown.partition("Write them down on paper, now:")
    return re.findall(r"\d+ ([a-z]+)", words.partition("Once they are")[0])


def lines(answers: list[str]) -> str:
    return "".join(f"{answer}\n" for answer in answers)


@pytest.mark.parametrize("question", range(len(FOUNDER)))
def test_a_founder_who_breaks_off_at_a_question_resumes_there(
    question: int, tmp_path: Path, started: list[Home]
) -> None:
    home = tmp_path / "home"
    ran = weal("start", "--home", home, answers=lines(FOUNDER[:question]))
    assert (ran.code, ran.err, started) == (130, "", [])
    is_made = question >= 2
    assert (home / "keystore").exists() is is_made
    kept = "What you answered is kept" if is_made else "Nothing is written yet"
    assert kept in ran.out
    # An answer that made nothing is asked for again: the name before the passphrase, and the
    # community's name before its rules.
    left = FOUNDER if question < 2 else FOUNDER[2:] if question == 2 else FOUNDER[3:]
    again = good("start", "--home", home, answers=lines(left))
    assert "weal://" in again.out
    assert (words_in(again.out) == words_in(ran.out)) is (question == 2)
    status = good("status", "--home", home, "-o", "json").json
    assert (status["community_name"], status["member_name"]) == ("Lanxi", "Mei")
    assert len(good("invite", "list", "--home", home, "-o", "json").json["invites"]) == 1


@pytest.mark.parametrize("question", range(len(NEWCOMER)))
def test_a_newcomer_who_breaks_off_at_a_question_resumes_there(
    question: int, tmp_path: Path, started: list[Home]
) -> None:
    link = good("invite", "create", "--home", founder(tmp_path / "a"), "-o", "json").json["link"]
    home, answers = tmp_path / "home", [*NEWCOMER[:3], link]
    assert weal("start", "--home", home, answers=lines(answers[:question])).code == 130
    left = answers if question < 2 else answers[question:]
    good("start", "--home", home, answers=lines(left))
    assert [own.path for own in started] == [home]
    assert good("status", "--home", home, "-o", "json").json["state"] == WAITING
    good("start", "--home", home)  # the request is kept, and nothing is asked
    assert len(started) == 2


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("commonweal.storage.home.keystore.create", FOUNDER),
        ("commonweal.commands.begin.start.found_community", FOUNDER[3:]),
        ("commonweal.commands.node.up.start", []),
        ("commonweal.client.community.invites.Invites.invite", []),
    ],
)
def test_a_founder_who_is_killed_at_a_step_resumes_there(
    place: str, left: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_about: object, **_how: object) -> None:
        raise Killed

    home = tmp_path / "home"
    with monkeypatch.context() as patched:
        patched.setattr(place, killed)
        with pytest.raises(Killed):
            weal("start", "--home", home, answers=lines(FOUNDER))
    assert "weal://" in good("start", "--home", home, answers=lines(left)).out
    status = good("status", "--home", home, "-o", "json").json
    assert (status["community_name"], status["member_name"]) == ("Lanxi", "Mei")


def test_words_on_paper_are_not_shown_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = good("start", "--home", home, answers=lines(FOUNDER))
    assert len(words_in(first.out)) == 24
    assert words_in(good("start", "--home", home).out) == []


def test_a_lost_keystore_is_not_replaced_over_the_records_of_its_member(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    (home / "keystore").unlink()
    ran = weal("init", "--home", home, "--name", "Eve", "--no-passphrase")
    assert ran.code == 78
    assert not (home / "keystore").exists()
    assert good("status", "--home", home, "-o", "json").json["member_name"] == "Ann"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let somebody sit at a terminal; the list has the answers to hidden questions, in order."""
    monkeypatch.delenv("COMMONWEAL_PASSPHRASE", raising=False)
    for module in (start_commands, init_found, options):
        monkeypatch.setattr(module, "is_typed", lambda: True)
    hidden: list[str] = []
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _prompt: hidden.pop(0))
    return hidden


def test_a_passphrase_is_chosen_once_and_typed_twice(tmp_path: Path, typed: list[str]) -> None:
    home = tmp_path / "home"
    typed += ["one", "another", "open sesame", "open sesame"]
    ran = good("start", "--home", home, answers="Mei\n\n\nLanxi\n\n")
    assert "They differ" in ran.out
    assert keystore.needs_passphrase(home / "keystore")
    assert "weal://" in ran.out and typed == []


def test_a_passphrase_is_asked_for_once_to_resume(tmp_path: Path, typed: list[str]) -> None:
    home = tmp_path / "home"
    typed += ["open sesame", "open sesame"]
    assert weal("start", "--home", home, answers="Mei\n").code == 130
    typed += ["open sesame"]
    ran = good("start", "--home", home, answers="\n\nLanxi\n\n")
    assert "weal://" in ran.out and typed == []


def test_joining_asks_for_the_passphrase_once(
    tmp_path: Path, typed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_about: object) -> str:
        raise NotReachable("nobody answers")

    monkeypatch.setattr(join_once, "request_admission", unreachable)
    link = good("invite", "create", "--home", founder(tmp_path / "a"), "-o", "json").json["link"]
    typed += ["open sesame", "open sesame"]
    good("init", "--name", "Bo", "--home", tmp_path / "home")
    typed += ["open sesame"]
    ran = weal("join", link, "--home", tmp_path / "home")
    assert (ran.code, typed) == (NotReachable.exit_code, [])
