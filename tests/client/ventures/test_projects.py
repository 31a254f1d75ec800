"""Projects as members read and write them: opened, joined, worked for, closed and shared."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.exchange.offer_notices import DAY_MS
from commonweal.client.ventures.projects import notices
from commonweal.protocol.errors import UnknownId, UsageError, WouldNotCount
from commonweal.storage.home.home import Home
from tests.builders.presses import HOSTILE, Presses
from tests.client.exchange.dealing import at


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Presses:
    """Give a community with a project, to read; nothing is written in it."""
    folder: Path = tmp_path_factory.mktemp("presses")
    return Presses(folder)


@pytest.fixture
def lanxi(first: Presses, tmp_path_factory: pytest.TempPathFactory) -> Presses:
    """Give a copy of it."""
    copy: Callable[[], Presses] = first.copies(tmp_path_factory)  # type: ignore[assignment]
    made = copy()
    made.press, made.task = first.press, first.task
    return made


def test_a_project_shows_its_people_work_gifts_and_money(first: Presses) -> None:
    known = at(first.ana, lambda me: me.project("Press"))
    assert (known.name, known.purpose, known.state, known.split) == (
        "press",
        HOSTILE,
        "open",
        "points",
    )
    assert [one.member_name for one in known.people] == ["Bo", "Ana"]
    (task,) = known.work
    assert (task.title, task.unit, task.acts) == ("set the first page", "hour", ("take",))
    assert task.left == 5
    assert [(one.member_name, one.points) for one in known.given] == [("Ana", 2_000)]
    (money,) = known.money
    assert (money.came, money.held, money.unit) == (Decimal("90.00"), Decimal("90.00"), "EUR")
    assert known.acts == ("task", "close", "leave")
    assert at(first.mei, lambda me: me.project(first.press)).acts == ("join",)


def test_points_beyond_64_bits_are_added_up(lanxi: Presses) -> None:
    with Member(lanxi.ana) as ana:
        for _ in range(2):
            ana.record("work", 9 * 10**15, "hours", scope="press")
    lanxi.meet()
    Presses.agree(lanxi)
    lanxi.seal()
    known = at(lanxi.ana, lambda me: me.project("press"))
    assert [(one.contributions, one.points) for one in known.given] == [(3, 18 * 10**18 + 2_000)]
    examples = at(lanxi.ana, lambda me: me.rule_examples())
    assert "18,000,000,000,000,002,000" in examples["value.work"]


def test_lists_say_what_is_open_and_what_came_for_projects(first: Presses) -> None:
    (listed,) = at(first.mei, lambda me: me.projects())
    assert (listed.members, listed.tasks, listed.mine, listed.final) == (2, 1, False, True)
    (total,) = at(first.mei, lambda me: me.project_totals())
    assert total.came == total.of_projects == 90
    assert total.without == 0


def test_what_is_refused_is_said_before_it_is_written(first: Presses) -> None:
    before = first.records(first.mei)
    with Member(first.mei) as mei:
        with pytest.raises(UnknownId, match="garden"):
            mei.project("garden")
        with pytest.raises(UsageError):
            mei.open_project("garden", "")
        with pytest.raises(WouldNotCount, match="looks like it"):
            mei.open_project("préss", "a press")
        with pytest.raises(WouldNotCount, match="not in the project"):
            mei.close_project("press")
    assert first.records(first.mei) == before


def test_a_name_in_use_as_a_scope_is_refused_before_it_is_void(lanxi: Presses) -> None:
    with Member(lanxi.mei) as mei:
        mei.record("work", 1, "hour", scope="garden")
        with pytest.raises(WouldNotCount, match="in use as a scope"):
            mei.open_project("garden", "beans")


def test_income_of_a_project_that_no_seal_covers_yet_is_foretold_for_its_pool(
    lanxi: Presses,
) -> None:
    with Member(lanxi.mei) as mei:
        mei.open_project("garden", "beans")
        assert mei.income(90, "EUR", scope="garden").forecast.pool == "project garden"
        assert mei.income(90, "EUR", scope="gardens").forecast.pool != "project gardens"


def test_a_task_is_taken_done_and_no_more_than_is_left(lanxi: Presses) -> None:
    with Member(lanxi.mei) as mei:
        promise = mei.take_task(lanxi.task, 3)
        mei.record("work", 3, "hour", scope="press", fulfills=promise.id.hex())
        (task,) = mei.project("press").work
        assert task.left == 2 and task.done == 3
        assert task.takers == ("Mei",)
        mei.take_task(lanxi.task)
        with pytest.raises(WouldNotCount, match="nothing of the task"):
            mei.take_task(lanxi.task)


def test_its_members_close_it_and_share_what_is_left_by_points(lanxi: Presses) -> None:
    vote = at(lanxi.bo, lambda me: me.close_project("press", note="it is printed")).id
    lanxi.meet()
    with Member(lanxi.ana) as ana:
        asked = ana.proposal(vote)
        assert (asked.subject, asked.words) == ("project", "close the project press")
    lanxi.seal()
    waits = at(lanxi.ana, lambda me: [row.words for row in me.inbox().rows if row.kind == "vote"])
    assert waits and "press" in waits[0]
    for home in (lanxi.bo, lanxi.ana):
        at(home, lambda me: me.vote(vote, "yes"))
    lanxi.seal()
    with Member(lanxi.ana) as ana:
        closed = ana.project("press")
        assert (closed.state, closed.cause, closed.acts) == ("closed", "vote", ())
        assert closed.work[0].state == "withdrawn"
        (claim,) = ana.claims().claims
        assert (claim.member_name, claim.pool) == ("Ana", "project press")
        assert claim.amount == 90
        explained = "\n".join(ana.explain(claim.claim.hex()).sentences)
        assert "project press" in explained or "rest" in explained
        (line,) = ana.shares().lines
        words = ana.explain(line.line).sentences
        assert any("2,000 of 2,000" in sentence for sentence in words)
        assert ana.reasons(line.line).sums
        with pytest.raises(WouldNotCount, match="closed"):
            ana.join_project("press")
        assert ana.projects() == [] and len(ana.projects(closed=True)) == 1


def test_its_end_is_told_to_who_is_in_it_a_week_and_a_day_before(
    lanxi: Presses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Komunitin tells of ends; each once, by the time of the last seal."""
    made = at(
        lanxi.ana,
        lambda me: me.open_project("fair", "A fair for all.", split="equal", until="in 60 days"),
    )
    lanxi.meet()
    end_ms = at(lanxi.ana, lambda me: me.project(made.id)).end_ms
    assert end_ms is not None
    sealed = [end_ms - 8 * DAY_MS]
    monkeypatch.setattr(notices, "sealed_at", lambda _view: sealed[0])

    def told(home: Home) -> list[str]:
        with Member(home) as member:
            digest = member.inbox_digest()
            member.told(digest)
            return [row.words for row in digest.rows if row.kind == notices.ENDS]

    assert told(lanxi.ana) == []
    for days in (-7, -1):
        sealed[0] = end_ms + days * DAY_MS - 1
        assert told(lanxi.ana) == [], "not yet"
        sealed[0] += 1
        (words,) = told(lanxi.ana)
        assert words.startswith("the project fair ends soon, ")
        assert told(lanxi.ana) == [], "once each"
        assert told(lanxi.mei) == [], "who is not in it"
    (row,) = at(lanxi.ana, lambda me: [row for row in me.inbox().rows if row.kind == notices.ENDS])
    assert (row.command, row.until_ms) == (f"weal project show {made.id.hex()[:16]}", end_ms)
    at(lanxi.ana, lambda me: me.leave_project(made.id))
    assert [row for row in at(lanxi.ana, lambda me: me.inbox().rows) if row.id == made.id] == []
