"""`weal match`: suggestions as members read and type them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.builders.commons import RULES, Commons


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community in which Mei could give to Bo, Bo to Ana, and Ana to Mei."""
    first = tmp_path_factory.mktemp("matching")
    made = Commons(first)
    made.adopt(RULES, first)
    made.good(made.mei, "offer", "pruning", "2", "hours", "--tag", "garden")
    made.good(made.bo, "need", "my trees", "3", "hours", "--tag", "garden")
    made.good(made.bo, "offer", "lodging", "2", "hours", "--tag", "bed")
    made.good(made.ana, "need", "a bed", "2", "hours", "--tag", "bed")
    made.good(made.ana, "offer", "tutoring", "1", "hour", "--tag", "school")
    made.good(made.mei, "need", "a tutor", "1", "hour", "--tag", "school")
    made.seal()
    return made.copies(tmp_path_factory)


def test_each_suggestion_has_its_reasons_and_the_command_that_proposes_it(lanxi: Commons) -> None:
    lines = lanxi.good(lanxi.bo, "match").out.splitlines()
    assert lines[0] == " 675  Bo gives Ana 2 hour: lodging"
    assert lines[1].startswith("      the same tags: bed; needed at any time; as much as is needed")
    assert lines[3] == " 641  Mei gives Bo 2 hour: pruning"
    assert lines[4].endswith("; 2 of 3")
    assert lines[6].startswith("As of the last seal, #2 of ")
    typed = lines[5].split()
    assert typed[:3] == ["weal", "deal", "propose"]
    assert "It waits for the yes of Mei." in lanxi.good(lanxi.bo, *typed[1:]).out


def test_what_suits_another_member_is_theirs_to_propose(lanxi: Commons) -> None:
    out = lanxi.good(lanxi.bo, "match", "--for", "Mei").out
    assert "Ana gives Mei 1 hour: tutoring" in out
    assert out.count("weal deal propose") == 1
    made = lanxi.json(lanxi.bo, "match", "--for", "Mei")
    assert made == lanxi.json(lanxi.ana, "match", "--for", "Mei")
    assert {*made} == {"height", "at", "member", "member_name", "matches", "provisional"}
    assert [one["giver_name"] for one in made["matches"]] == ["Ana", "Mei"]


def test_a_ring_is_proposed_by_its_number(lanxi: Commons) -> None:
    out = lanxi.good(lanxi.ana, "match", "--rings").out
    assert out.startswith("ring 1, 1,991 points\n")
    assert "\n  weal match --rings --propose 1\n" in out
    assert "No other rings fit better in all." in out
    ran = lanxi.good(lanxi.ana, "match", "--rings", "--propose", "1", "--answer-by", "3d")
    assert "It waits for the yes of " in ran.out
    (deal,) = lanxi.json(lanxi.ana, "deal", "list")["deals"]
    assert (deal["sort"], deal["clauses"]) == ("ring", 3)
    refused = lanxi.refused(lanxi.ana, "match", "--rings", "--propose", "2")
    assert "there is no ring 2" in refused.err


def test_a_round_is_for_all(lanxi: Commons) -> None:
    out = lanxi.good(lanxi.mei, "match", "--round").out
    assert sorted(line[6:] for line in out.splitlines() if " gives " in line) == [
        "Ana gives Mei 1 hour: tutoring",
        "Bo gives Ana 2 hour: lodging",
        "Mei gives Bo 2 hour: pruning",
    ]
    assert "No other round fits better in all." in out
    assert "and 2 more" in lanxi.good(lanxi.mei, "match", "--round", "--limit", "1").out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--round", "--rings"), "give one of"),
        (("--for", "Bo", "--rings"), "give one of"),
        (("--answer-by", "3d"), "--answer-by goes with --propose"),
        (("--balanced", "hour"), "the rules have no balances in hour"),
        (("--for", "Zoe"), "Zoe"),
    ],
)
def test_what_cannot_be_asked_is_refused(lanxi: Commons, typed: tuple[str, ...], said: str) -> None:
    assert said in lanxi.refused(lanxi.bo, "match", *typed).err


def test_a_market_in_which_nothing_suits_says_how_to_begin(lanxi: Commons) -> None:
    for id in [row["id"] for row in lanxi.json(lanxi.bo, "market", "--mine")["offers"]]:
        sort = "offer" if id in str(lanxi.json(lanxi.bo, "market", "--offers")) else "need"
        lanxi.good(lanxi.bo, sort, "withdraw", id[:12])
    lanxi.seal()
    assert "Nothing suits what Bo offers and needs." in lanxi.good(lanxi.bo, "match").out
    assert "No ring of at most 3 members" in lanxi.good(lanxi.bo, "match", "--rings").out


def test_suggestions_are_told_in_chinese(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    out = lanxi.good(lanxi.bo, "match").out
    assert "Bo给予Ana 2 小时：lodging" in out
    assert "标签相同：bed" in out
