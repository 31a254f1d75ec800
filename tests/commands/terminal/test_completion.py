"""What the shell offers for a word that is being typed, and how soon."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from commonweal.cli import weal as program
from commonweal.client.ledger.names.completions import COMPLETIONS_MAX, Subject, completions
from commonweal.commands.terminal.completion import NAME, VARIABLE
from commonweal.storage.home.home import Home
from tests.builders.commons import RULES, Commons
from tests.builders.weal import good, weal

SECONDS_MAX = 0.1


@pytest.fixture(scope="module")
def lanxi(tmp_path_factory: pytest.TempPathFactory) -> Commons:
    """Return a community with something of every kind, folded."""
    folder = tmp_path_factory.mktemp("lanxi")
    made = Commons(folder)
    made.adopt(RULES, folder)
    mei = made.mei
    good("unit", "new", "crate", "--home", mei.path)
    good("resource", "new", "chestnuts", "5", "kg", "--home", mei.path)
    good("spec", "process", "roasting", "--home", mei.path)
    good("process", "new", "roasting", "--scope", "festival", "--home", mei.path)
    good("record", "work", "1", "hour", "--home", mei.path)
    good("offer", "repair", "1", "hour", "--tag", "bike", "--home", mei.path)
    hour = ("--with", "community", "--give", "work 1 hour")
    good("deal", "propose", *hour, "--home", mei.path)
    good("ledger", "--home", mei.path)
    return made


def offered(lanxi: Commons, *typed: str) -> list[str]:
    """Return what is offered for the last word of a line."""
    shell = ShellComplete(program, {}, NAME, VARIABLE)
    *words, begun = typed
    line = ["--home", str(lanxi.mei.path), *words]
    return [item.value for item in shell.get_completions(line, begun)]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("recor",), ["record"]),
        (("record", "w"), ["work"]),
        (("record", "工"), ["工作"]),
        (("record", "work", "1", "hou"), ["hour", "hours"]),
        (("record", "work", "1", "cr"), ["crate"]),
        (("record", "work", "1", "hour", "--receiver", "B"), ["Bo"]),
        (("record", "work", "1", "hour", "--receiver", "comm"), ["community"]),
        (("record", "consume", "1", "kg", "--resource", "ch"), ["chestnuts"]),
        (("record", "work", "1", "hour", "--input-of", "fest"), ["festival"]),
        (("record", "work", "1", "hour", "--input-of", "r"), ["roasting"]),
        (("record", "work", "1", "hour", "--factor", "la"), ["labour"]),
        (("process", "new", "ro"), ["roasting"]),
        (("vouch", "A"), ["Ana"]),
        (("resource", "le"), ["lend"]),
        (("resource", "lend", "ch"), ["chestnuts"]),
        (("record", "work", "1", "hour", "--receiver", "Zo"), []),
        (("market", "--tag", "bi"), ["bike"]),
        (("offer", "new", "x", "1", "hour", "--tag", "bi"), ["bike"]),
        (("offer", "new", "x", "1", "hour", "--to", "A"), ["Ana"]),
        (("need", "wi"), ["withdraw"]),
        (("nothing", "x"), []),
    ],
)
def test_a_word_becomes_what_it_names(
    lanxi: Commons, typed: tuple[str, ...], words: list[str]
) -> None:
    assert offered(lanxi, *typed) == words


def test_an_id_is_offered_once_it_cannot_be_a_name(lanxi: Commons) -> None:
    (work, *_) = lanxi.json(lanxi.mei, "ledger", "--action", "work")["records"]
    assert offered(lanxi, "show", work["id"][:4]) == [work["id"][:12]]
    assert offered(lanxi, "show", work["id"][:5]) == [work["id"][:12]]
    assert offered(lanxi, "show", work["id"][:3]) == []
    (chestnuts,) = lanxi.json(lanxi.mei, "resource", "list")["resources"]
    assert offered(lanxi, "resource", "show", chestnuts["id"][:6]) == [chestnuts["id"][:12]]


def test_offers_are_offered_by_their_ids(lanxi: Commons) -> None:
    (offer,) = lanxi.json(lanxi.mei, "market")["offers"]
    for command in (("offer", "renew"), ("offer", "pause"), ("need", "withdraw")):
        assert offered(lanxi, *command, offer["id"][:5]) == [offer["id"][:12]]
        assert offered(lanxi, *command, "") == []


def test_deals_and_what_is_promised_are_offered_by_their_ids(lanxi: Commons) -> None:
    (deal,) = lanxi.json(lanxi.mei, "deal", "list")["deals"]
    for act in ("show", "accept", "counter", "decline", "withdraw", "done", "end", "comment"):
        assert offered(lanxi, "deal", act, deal["id"][:5]) == [deal["id"][:12]]
    (clause,) = lanxi.json(lanxi.mei, "deal", "show", deal["id"])["terms"]
    record = ("record", "work", "1", "hour", "--fulfills", clause["id"][:5])
    assert offered(lanxi, *record) == [clause["id"][:12]]
    (offer,) = lanxi.json(lanxi.mei, "market")["offers"]
    assert offered(lanxi, "deal", "propose", offer["id"][:5]) == [offer["id"][:12]]
    assert offered(lanxi, "deal", "propose", "--with", "A") == ["Ana"]


def test_tokens_are_offered_by_their_ids(lanxi: Commons) -> None:
    ids = [lanxi.json(lanxi.mei, "token", "create")["id"] for _ in range(2)]
    assert offered(lanxi, "token", "revoke", "") == ids
    assert ids[1] in offered(lanxi, "token", "revoke", ids[1][:7])
    assert offered(lanxi, "token", "revoke", "x") == []
    (lanxi.mei.path / "tokens.json").chmod(0o644)
    assert offered(lanxi, "token", "revoke", "") == []


def test_a_home_without_a_ledger_offers_what_all_have(tmp_path: Path) -> None:
    home = Home(tmp_path / "none")
    assert completions(home, Subject.MEMBER, "") == []
    assert completions(home, Subject.UNIT, "kilog") == ["kilogram", "kilograms"]
    assert not home.path.exists(), "completion makes nothing"


def test_a_damaged_ledger_offers_nothing_and_says_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.state.write_bytes(b"not a database" * 100)
    assert completions(home, Subject.RESOURCE, "") == []


def test_no_more_is_offered_than_can_be_looked_at(lanxi: Commons) -> None:
    assert len(completions(lanxi.mei, Subject.UNIT, "")) <= COMPLETIONS_MAX


@pytest.mark.parametrize("subject", Subject)
def test_a_word_is_offered_at_once_and_nothing_is_folded(
    lanxi: Commons, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanxi.good(lanxi.mei, "record", "work", "1", "hour")  # is held, and in no fold yet
    before = lanxi.mei.state.read_bytes()
    began = time.process_time()
    completions(lanxi.mei, subject, "")
    assert time.process_time() - began < SECONDS_MAX
    assert lanxi.mei.state.read_bytes() == before


def test_completion_loads_neither_fold_nor_node(lanxi: Commons) -> None:
    script = (
        "import sys; from commonweal.cli import main\n"
        "main([])\n"
        "heavy = [one for one in sys.modules if one.startswith(('trio', 'libp2p',"
        " 'commonweal.node', 'commonweal.protocol.ledger.fold', 'commonweal.protocol.rules'))]\n"
        "sys.exit(' '.join(heavy) or 0)"
    )
    line = f"weal ledger --home {lanxi.mei.path} --member A"
    asked = {VARIABLE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "5"}
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(lanxi.mei.path), **asked},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "plain,Ana\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    script = good("completion", shell).out
    assert f"{VARIABLE}={shell}_complete" in script and "weal" in script


def test_another_shell_is_refused() -> None:
    assert weal("completion", "tcsh").code == 2
