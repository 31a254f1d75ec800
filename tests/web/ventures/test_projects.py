"""The pages of projects: what they show, and that each act on them writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from tests.builders.browser import browser
from tests.builders.commons import Commons
from tests.builders.presses import Presses


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Presses, Callable[[], Commons]]:
    folder: Path = tmp_path_factory.mktemp("presses")
    made = Presses(folder)
    return made, made.copies(tmp_path_factory)


@pytest.fixture(scope="module")
def lanxi(scene: tuple[Presses, Callable[[], Commons]]) -> Presses:
    """Give the community to read; nothing is written in it."""
    return scene[0]


@pytest.fixture
def copy(scene: tuple[Presses, Callable[[], Commons]]) -> Commons:
    """Give a copy to write in."""
    return scene[1]()


def test_the_list_says_what_is_open_and_what_came(lanxi: Presses) -> None:
    with browser(lanxi.mei.path) as mei:
        assert mei.get("/projects").status_code == 200
        text, page = mei.text, mei.page.text
        mei.get("/projects", "zh")
        chinese = mei.text
    assert "2 members" in text and "1 open task" in text and "in its pool: 90.00 EUR" in text
    assert 'href="/projects/press"' in page
    assert "<script>alert" not in page and "\u202e" not in page
    assert "项目" in chinese and "待办任务" in chinese and "结余" in chinese


def test_a_project_shows_people_work_gifts_and_money(lanxi: Presses) -> None:
    with browser(lanxi.ana.path) as ana:
        assert ana.get("/projects/press").status_code == 200
        text, page = ana.text, ana.page.text
        by_id = ana.get(f"/projects/{lanxi.press.hex()}").status_code
        nothing = ana.get("/projects/garden").status_code
    assert by_id == 200 and nothing == 404
    assert "set the first page" in text and "5 of 5 hour" in text and "Take it" in text
    assert "2,000" in text and "came in, less what left 90.00" in text
    assert "Leave it" in text and "Propose to close it" in text and "Join" not in text
    assert 'href="/give?scope=press"' in page and 'role="img"' in page
    assert "<script>alert" not in page and "\u202e" not in page


def test_an_empty_list_teaches(copy: Commons) -> None:
    with Member(copy.bo) as bo:
        bo.leave_project("press")
    with Member(copy.ana) as ana:
        ana.leave_project("press")
    copy.seal()
    with browser(copy.mei.path) as mei:
        mei.get("/projects")
        assert "No project is open. Open one" in mei.text
        mei.get("/projects?closed=1")
        assert "closed" in mei.text


def test_every_act_writes(copy: Commons) -> None:
    with browser(copy.mei.path) as mei:
        mei.get("/projects")
        mei.post("/projects", {"name": "garden", "purpose": "beans", "split": "equal"})
        assert "The project is open; you are in it." in mei.text and "garden" in mei.text
        mei.get("/projects/garden")
        mei.post("/projects/garden/task", {"what": "dig", "quantity": "4", "unit": "hour"})
        assert "The work is asked for." in mei.text and "4 of 4 hour" in mei.text
        mei.get("/projects/press")
        mei.post("/projects/press/join")
        assert "You are in it." in mei.text
        (task,) = _tasks(copy, "press")
        mei.get("/projects/press")
        mei.post("/projects/press/take", {"task": task, "quantity": "2"})
        assert "You promised it." in mei.text and "taken by Mei" in mei.text
        mei.get("/projects/press")
        mei.post("/projects/press/leave")
        assert "You left it." in mei.text
        mei.get("/projects/garden")
        mei.post("/projects/garden/close", {"note": "too wet"})
        assert "Its members vote on it" in mei.text and "See the vote" in mei.text
        refused = mei.post("/projects/garden/join")
        assert refused.status_code == 422 and "said so already" in mei.text


def test_what_is_wrong_is_said_with_what_was_typed(copy: Commons) -> None:
    with browser(copy.mei.path) as mei:
        mei.get("/projects")
        refused = mei.post("/projects", {"name": "préss", "purpose": "mine", "split": "equal"})
        assert refused.status_code == 422
        assert "looks like it" in mei.text and 'value="préss"' in mei.page.text
        mei.get("/projects/press")
        refused = mei.post("/projects/press/task", {"what": "dig", "quantity": "x"})
        assert refused.status_code == 422


def _tasks(copy: Commons, name: str) -> list[str]:
    with Member(copy.mei) as mei:
        return [task.id.hex() for task in mei.project(name).work]
