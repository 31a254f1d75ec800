"""`weal project`: a press, from its opening to what is left of it; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders.commons import Commons
from tests.builders.presses import Presses


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Presses, Callable[[], Commons]]:
    folder: Path = tmp_path_factory.mktemp("presses")
    made = Presses(folder)
    return made, made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: tuple[Presses, Callable[[], Commons]]) -> Commons:
    """Give a community with a project, to write in."""
    return scene[1]()


def test_a_project_is_listed_shown_and_summed(lanxi: Commons) -> None:
    (listed,) = lanxi.json(lanxi.ana, "project", "list")["projects"]
    assert (listed["name"], listed["members"], listed["tasks"]) == ("press", 2, 1)
    shown = lanxi.good(lanxi.ana, "project", "show", "press").out
    assert "Ana gave 1 contribution: 2,000 points" in shown
    assert "came in, less what left: 90.00 EUR; left in its pool: 90.00 EUR" in shown
    assert "\u202e" not in shown
    (total,) = lanxi.json(lanxi.mei, "project", "totals")["totals"]
    assert total == {"unit": "EUR", "came": "90.00", "of_projects": "90.00", "without": "0"}
    assert "set the first page" in lanxi.good(lanxi.mei, "project", "task", "press").out


def test_from_the_opening_to_the_close(lanxi: Commons) -> None:
    typed = ["--purpose", "beans for all", "--split", "equal", "--until", "30d"]
    made = lanxi.json(lanxi.mei, "project", "new", "garden", *typed)
    assert made["name"] == "garden"
    lanxi.meet()
    assert "You are in garden" in lanxi.good(lanxi.bo, "project", "join", "garden").out
    task = lanxi.json(lanxi.mei, "project", "task", "garden", "dig", "4", "--due", "5d")["id"]
    lanxi.meet()
    assert "Promised" in lanxi.good(lanxi.bo, "project", "take", task[:10], "3").out
    came = lanxi.json(lanxi.bo, "income", "10", "EUR", "--scope", "garden")["id"]
    lanxi.meet()
    lanxi.good(lanxi.ana, "attest", came)
    vote = lanxi.json(lanxi.mei, "project", "close", "garden", "--note", "harvested")["id"]
    lanxi.seal()
    for home in (lanxi.mei, lanxi.bo):
        lanxi.good(home, "rules", "vote", vote[:10], "yes")
    lanxi.seal()
    closed = lanxi.json(lanxi.ana, "project", "show", "garden")
    assert (closed["state"], closed["cause"]) == ("closed", "vote")
    shares = closed["money"][0]["buckets"][0]["shares"]
    given = {one["member_name"]: one["amount"] for one in shares}
    assert given == {"Mei": "5.00", "Bo": "5.00"}
    owed = {row["member_name"]: row["open"] for row in lanxi.json(lanxi.mei, "claims")["claims"]}
    assert owed == {"Mei": "5.00", "Bo": "5.00"}
    assert [row["name"] for row in lanxi.json(lanxi.ana, "project", "list")["projects"]] == [
        "press"
    ]


def test_who_leaves_is_in_it_no_longer(lanxi: Commons) -> None:
    assert "You left press" in lanxi.good(lanxi.ana, "project", "leave", "press").out
    assert lanxi.json(lanxi.ana, "project", "show", "press")["members"] == 1


@pytest.mark.parametrize(
    "typed",
    [
        ("new", "press", "--purpose", "a second one"),
        ("new", "рress", "--purpose", "with a Cyrillic letter"),
        ("new", "garden"),
        ("new", "garden", "--purpose", ""),
        ("new", "garden", "--purpose", "beans", "--split", "half"),
        ("new", "garden", "--purpose", "beans", "--until", "sometime"),
        ("new", "n" * 65, "--purpose", "beans"),
        ("show", "garden"),
        ("join", "garden"),
        ("leave", "press"),
        ("close", "press"),
        ("task", "press", "dig", "much"),
        ("task", "press", "dig", "0"),
        ("task", "press", "dig", "5", "EUR"),
        ("take", "ffff"),
    ],
)
def test_what_is_wrong_is_refused(
    typed: tuple[str, ...], scene: tuple[Presses, Callable[[], Commons]]
) -> None:
    lanxi = scene[0]
    lanxi.refused(lanxi.mei, "project", *typed)


def test_a_task_has_no_more_than_it_asks_for(
    scene: tuple[Presses, Callable[[], Commons]],
) -> None:
    lanxi = scene[0]
    for quantity in ("0", "6", "-1", "x"):
        lanxi.refused(lanxi.mei, "project", "take", lanxi.task.hex(), quantity)
