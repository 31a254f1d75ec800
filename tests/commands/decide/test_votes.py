"""What commands say of votes: what they ask, whether a backtest is right, what nobody can erase."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commonweal.node.service.events import Text, Wish
from commonweal.protocol.rules.document import read_toml
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.commons import RULES, Commons, meet, worked
from tests.builders.weal import good, weal

LAZY = """
[governance.lazy]
objections = {objections}
covers = ["value"]
decisions = true
en = "Silence is consent."
zh = "默示即同意。"
"""
MORE = RULES.replace('points = "event.effort"', 'points = "event.effort * 2"')


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of one community, whose members worked and were paid."""
    first = tmp_path_factory.mktemp("votes")
    made = Commons(first)
    made.adopt(RULES, first)
    worked(made, 1, 3)
    made.good(made.ana, "attest", "--member", "Mei")
    made.good(made.ana, "attest", "--member", "Bo")
    came = made.json(made.ana, "income", "100", "EUR")["id"]
    made.meet()
    made.good(made.bo, "attest", came[:12])
    made.seal()
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def other_rules(folder: Path) -> Path:
    file = folder / "other.toml"
    file.write_text(MORE.replace('"event.effort * 2"', '"event.effort * event.effort"'), "utf-8")
    return file


def claimed(lanxi: Commons, folder: Path, height: int | None, digest: bytes | None) -> str:
    """Let Bo propose rules whose backtest names another height or hash; return its id."""
    file = other_rules(folder)
    name = bytes.fromhex(
        lanxi.json(lanxi.bo, "vote", "show", honest(lanxi, folder)[:12])["backtest"]
    )
    shown = lanxi.json(lanxi.bo, "rules", "show")
    new = read_toml(file.read_text("utf-8"))
    data: dict[str, Any] = {"subject": "rules", "form": "whole"}
    data["base"] = bytes.fromhex(shown["ruleset"])
    data["backtest"] = (name[:8] if height is None else height.to_bytes(8)) + (digest or name[8:])
    body = Text("application/msgpack", new.to_bytes(), permanent=True)
    (record,) = homes.write(lanxi.bo, Wish("rules.propose", data, text=body))
    lanxi.meet()
    return bytes(record["id"]).hex()


def honest(lanxi: Commons, folder: Path) -> str:
    """Let Bo propose other rules with what they would have paid; return its id."""
    id: str = lanxi.json(lanxi.bo, "rules", "propose", other_rules(folder), "--backtest")["id"]
    lanxi.meet()
    return id


def test_a_voter_s_node_finds_an_honest_backtest_equal(lanxi: Commons, tmp_path: Path) -> None:
    id = honest(lanxi, tmp_path)
    for home in lanxi.all:
        row = lanxi.json(home, "vote", "show", id[:12])
        assert row["backtest_check"]["result"] == "equal"
        assert row["backtest"][16:] == row["backtest_check"]["hash"]
        assert "equal: this node computes the same" in lanxi.good(home, "vote", "show", id).out
    # What was computed then stays equal when more is sealed.
    worked(lanxi, 2)
    lanxi.seal()
    assert lanxi.json(lanxi.ana, "vote", "show", id)["backtest_check"]["result"] == "equal"


def test_a_voter_s_node_finds_that_a_backtest_was_made_up(lanxi: Commons, tmp_path: Path) -> None:
    id = claimed(lanxi, tmp_path, None, b"f" * 32)
    row = lanxi.json(lanxi.ana, "vote", "show", id)
    assert (row["backtest_check"]["result"], row["backtest_check"]["why"]) == ("differs", "")
    assert "DIFFERS: this node computes" in lanxi.good(lanxi.ana, "vote", "show", id).out
    earlier = claimed(lanxi, tmp_path, 1, None)
    row = lanxi.json(lanxi.ana, "vote", "show", earlier)
    assert row["backtest_check"]["result"] == "differs"


def test_what_cannot_be_computed_is_said_with_its_reason(lanxi: Commons, tmp_path: Path) -> None:
    id = claimed(lanxi, tmp_path, 99, None)
    check = lanxi.json(lanxi.ana, "vote", "show", id)["backtest_check"]
    assert (check["result"], check["hash"]) == ("unknown", None)
    assert check["why"].startswith("it goes to height 99")
    assert "cannot be computed here" in lanxi.good(lanxi.ana, "vote", "show", id).out
    ended = honest(lanxi, tmp_path)
    for one in lanxi.json(lanxi.bo, "vote", "list")["votes"]:
        lanxi.good(lanxi.bo, "rules", "withdraw", one["id"])
    lanxi.seal()
    check = lanxi.json(lanxi.ana, "vote", "show", ended)["backtest_check"]
    assert check["result"] == "unknown" and "came to nothing" in check["why"]
    assert lanxi.refused(lanxi.ana, "rules", "show", "--proposal", ended).code == 65
    plain = lanxi.json(lanxi.mei, "rules", "propose", "--decision", "a pear tree")["id"]
    assert lanxi.json(lanxi.mei, "vote", "show", plain)["backtest_check"] is None


def test_the_words_of_a_decision_stay_though_their_author_would_have_them_erased(
    lanxi: Commons,
) -> None:
    id = lanxi.json(lanxi.bo, "rules", "propose", "--decision", "We plant a pear tree.")["id"]
    removal = lanxi.json(lanxi.bo, "remove", "Ana", "--yes", "--note", "never here")["id"]
    lanxi.meet()
    for one in (id, removal):
        ran = lanxi.refused(lanxi.bo, "erase", one, "--yes")
        assert ran.code == 77 and "no text that can be erased" in ran.err
    rows = {one["id"]: one for one in lanxi.json(lanxi.mei, "vote", "list")["votes"]}
    assert (rows[id]["words"], rows[id]["why"]) == ("We plant a pear tree.", None)
    assert (rows[removal]["words"], rows[removal]["why"]) == ("remove Ana", "never here")
    told = lanxi.good(lanxi.mei, "vote", "show", removal).out
    assert "never here" in told and "a removal takes the yes of 2 other members" in told


def test_an_erasable_text_is_refused_before_it_is_written(lanxi: Commons) -> None:
    wish = Wish("rules.propose", {"subject": "decision"}, text=Text("text/plain", b"a pear"))
    homes.write(lanxi.bo, wish)  # a node writes what it is told
    lanxi.meet()
    assert lanxi.json(lanxi.mei, "vote", "list")["votes"] == []


def test_in_a_community_of_two_nobody_is_removed_and_that_is_said(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei, uses=1), "Bo")
    meet(mei, bo)
    (asked,) = [
        one
        for one in good("members", "-o", "json", "--home", mei.path).json["members"]
        if not one["you"]
    ]
    if asked["status"] == "requested":
        good("vouch", asked["member"][:12], "--home", mei.path)
    ran = good("remove", "--yes", asked["member"][:12], "--home", mei.path)
    assert "It takes the yes of 2 other members, and there are 1." in ran.out
    (row,) = good("vote", "list", "-o", "json", "--home", mei.path).json["votes"]
    good("rules", "vote", row["id"], "yes", "--home", mei.path)
    good("seal", "--home", mei.path)
    shown = good("vote", "show", row["id"], "-o", "json", "--home", mei.path).json
    assert (shown["status"], shown["needed"], shown["electorate"]) == ("open", 2, 1)
    assert "2 of 1 must say yes" in good("vote", "show", row["id"], "--home", mei.path).out


def checked(home: Home | None, file: Path, objections: int) -> tuple[int, str]:
    file.write_text(RULES + LAZY.format(objections=objections), "utf-8")
    where = () if home is None else ("--home", home.path)
    ran = weal("rules", "check", file, *where)
    return ran.code, ran.out


def test_more_objections_than_members_are_refused(lanxi: Commons, tmp_path: Path) -> None:
    file = tmp_path / "lazy.toml"
    assert checked(lanxi.bo, file, 2)[0] == 0
    lanxi.good(lanxi.bo, "rules", "propose", file)
    code, told = checked(lanxi.bo, file, 3)
    assert code == 65
    assert "silence would pass everything" in told and "write 2 at most" in told
    assert lanxi.refused(lanxi.bo, "rules", "propose", file).code == 65
    assert checked(None, file, 3)[0] == 0


@pytest.fixture
def alone(tmp_path: Path) -> Callable[[str], Home]:
    """Found a community of one with rules."""

    def made(text: str) -> Home:
        file = tmp_path / "founding.toml"
        file.write_text(text, "utf-8")
        return homes.founder(tmp_path / "alone", rules=str(file))

    return made


def test_a_vote_can_be_asked_for_where_silence_could_pass(alone: Callable[[str], Home]) -> None:
    here = ("--home", alone(RULES + LAZY.format(objections=1)).path)
    decide = ("rules", "propose", *here, "-o", "json", "--decision")
    silent, voted = good(*decide, "a pear").json["id"], good(*decide, "a plum", "--vote").json["id"]
    good("seal", *here)
    rows = {one["id"]: one for one in good("vote", "list", *here, "-o", "json").json["votes"]}
    assert [rows[one]["class"] for one in (silent, voted)] == ["lazy", "ordinary"]
    assert (
        "silence of 1 is consent, 1 no or block stop it" in good("vote", "show", silent, *here).out
    )
    assert "1 of 1 must say yes" in good("vote", "show", voted, *here).out


def test_what_each_electorate_is_asked_is_shown(
    alone: Callable[[str], Home], tmp_path: Path
) -> None:
    ruled = RULES + (
        "[governance.ordinary]\nvoters = 'producer'\ntrial_hours = 4\nearly = false\n"
        "en = 'Producers decide.'\nzh = '生产者决定。'\n"
    )
    here = ("--home", alone(ruled).path)
    file = tmp_path / "both.toml"
    both = ruled.replace('points = "event.effort"', 'points = "event.effort * 2"')
    file.write_text(both.replace('name = "Lanxi"', 'name = "Lanxi again"'), "utf-8")
    told = " ".join(good("rules", "diff", file, *here).out.split())
    who = "yes of those who may vote"
    assert f"2/3 {who} + >1/2 {who} (all as producer), within 168 h, then 4 h of trial" in told
    id = good("rules", "propose", file, *here, "-o", "json").json["id"]
    good("seal", *here)
    ballots = good("vote", "show", id, *here, "-o", "json").json["electorates"]
    assert [(one["role"], one["needed"]) for one in ballots] == [(None, 1), ("producer", 1)]
    assert "all as producer: 0 yes" in good("vote", "show", id, *here).out


def test_a_vote_that_fails_early_says_so(alone: Callable[[str], Home], tmp_path: Path) -> None:
    ruled = RULES + (
        "[governance.ordinary]\nearly = false\nearly_failure = true\nmin_yes = 3\n"
        "en = 'What cannot pass fails at once.'\nzh = '无望通过者即告失败。'\n"
    )
    here = ("--home", alone(ruled).path)
    file = tmp_path / "other.toml"
    file.write_text(ruled.replace('points = "event.effort"', 'points = "event.effort * 2"'))
    words = "it fails as soon as it can no longer pass"
    told = " ".join(good("rules", "diff", file, *here).out.split())
    assert words in told
    assert ">1/2 yes of those who may vote, at least 3 yes" in told
    assert "What cannot pass fails at once." in good("rules", "show", *here).out
    id = good("rules", "propose", file, *here, "-o", "json").json["id"]
    good("seal", *here)
    assert words in " ".join(good("vote", "show", id, *here).out.split())
    shown = good("vote", "show", id, *here, "-o", "json").json
    assert (shown["status"], shown["final"]) == ("open", True)
    good("rules", "vote", id, "no", *here)
    good("seal", *here)
    assert good("vote", "show", id, *here, "-o", "json").json["status"] == "failed"


def test_a_member_can_leave_a_choice_to_the_others_where_the_rules_say_so(
    alone: Callable[[str], Home], tmp_path: Path
) -> None:
    ruled = RULES + (
        "[governance.ordinary]\nindifferent = true\nen = 'Leave it.'\nzh = '由他人定。'\n"
    )
    here = ("--home", alone(ruled).path)
    file = tmp_path / "other.toml"
    file.write_text(
        ruled.replace('points = "event.effort"', 'points = "event.effort * 2"'), "utf-8"
    )
    told = " ".join(good("rules", "diff", file, *here).out.split())
    assert ">1/2 yes of those who may vote and are not indifferent" in told
    id = good("rules", "propose", file, *here, "-o", "json").json["id"]
    good("rules", "vote", id, "无所谓", *here)
    good("seal", *here)
    said = " ".join(good("vote", "show", id, *here).out.split())
    assert "0 block, 1 indifferent; 1 of 0 must say yes" in said
    assert ": indifferent" in said
    file.write_text(ruled.replace('name = "Lanxi"', 'name = "Lanxi again"'), "utf-8")
    grave = good("rules", "propose", file, *here, "-o", "json").json["id"]
    good("seal", *here)
    refused = weal("rules", "vote", grave, "indifferent", *here)
    assert refused.code
    assert "let nobody be indifferent" in refused.err


def test_a_vote_is_read_in_the_words_in_which_it_is_typed(
    alone: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    here = ("--home", alone(RULES).path)
    proposed = good("rules", "propose", "--decision", "种一棵梨树", *here)
    assert " 赞成" in proposed.out
    id = good("vote", "list", *here, "-o", "json").json["votes"][0]["id"]
    assert "投了“反对”" in good("rules", "vote", id, "反对", *here).out
    good("seal", *here)
    assert "反对" in good("vote", "show", id, *here).out.splitlines()[-1]
    assert {"赞成", "反对"} <= set(good("vote", "list", "--all", *here).out.split())
