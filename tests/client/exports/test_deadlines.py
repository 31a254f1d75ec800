"""Deadlines and their calendar: what is open is in it, once, in the form that calendars read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from commonweal.client.exports.calendars import deadlines
from commonweal.client.exports.calendars.calendar_file import calendar_bytes
from tests.builders.calendar_files import events_of
from tests.builders.weal import good, weal

DUE = datetime(2100, 12, 24, 23, 59, tzinfo=UTC)
LINE_BYTES_MAX = 75


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A member who bakes by a plan, promised a part of it, proposes, and invites."""
    home = tmp_path_factory.mktemp("deadlines") / "mei"
    create_home(home, "Mei")
    with Member(home) as me:
        me.found("花园, garden; yard", rules="value-network")
    recipe = home.parent / "bread.toml"
    recipe.write_text(good("recipe", "new", "--example").out)
    good("recipe", "new", recipe, "--home", home)
    wanted = ("plan", "from", "Bread", "18", "kg", "--due", "2100-12-24")
    plan = good(*wanted, "--home", home, "-o", "json").json["id"]
    parts = good("plan", "show", plan, "--home", home, "-o", "json").json["parts"]
    work = next(part["id"] for part in parts if part["action"] == "work")
    good("plan", "take", work, "--home", home)
    good("seal", "--home", home)
    with Member(home) as me:
        me.propose_decision("再买一台烤炉，还是修好现在这一台？" * 3, vote=True)
    good("invite", "create", "--home", home, "--expires", "7d")
    good("seal", "--home", home)
    return home


def test_what_is_open_is_in_the_calendar(home: Path) -> None:
    with Member(home) as me:
        listed = me.deadlines().deadlines
        (vote,) = me.proposals()
        (invite,) = me.invites()
    kinds = [deadline.kind for deadline in listed]
    assert kinds.count("intent") == 6, "of seven one is promised"
    assert all(kinds.count(kind) == 1 for kind in ("plan", "promise", "vote", "invite", "backup"))
    calendar = good("export", "ical", "--home", home).out
    events = {str(event["uid"]): event for event in events_of(calendar)}
    assert len(events) == len(listed)
    by_kind = {deadline.kind: deadline for deadline in listed}
    assert by_kind["vote"].at_ms == vote.deadline_ms
    assert by_kind["invite"].at_ms == invite.expires_ms
    with Member(home) as me:
        community = me.view.community.hex()
    event = events[f"plan-{by_kind['plan'].name.removeprefix('plan-')}@{community}"]
    assert event["dtstart"].dt == DUE
    assert event["summary"] == "plan is due: Bread"
    assert event["description"].startswith("weal plan show ")


def test_every_command_of_a_deadline_can_be_typed(home: Path) -> None:
    with Member(home) as me:
        (promise,) = (row for row in me.deadlines().deadlines if row.kind == "promise")
    assert promise.command.startswith("weal record work 2 hour --fulfills ")
    typed = promise.command.split()[1:]
    assert weal(*typed[:-1], "00" * 8, "--home", home).code != 0
    good(*typed, "--home", home)
    with Member(home) as me:
        kinds = [row.kind for row in me.deadlines().deadlines]
    assert "promise" not in kinds, "it is kept"
    assert kinds.count("intent") == 6


def test_the_file_is_as_rfc_5545_asks(home: Path) -> None:
    text = good("export", "ical", "--home", home).out
    lines = text.split("\r\n")
    assert lines[-1] == ""
    assert "\n" not in "".join(lines)
    assert all(len(line.encode()) <= LINE_BYTES_MAX for line in lines)
    assert any(line.startswith(" ") for line in lines), "something is folded"
    starts = re.findall(r"DTSTART:(\S+)", text)
    assert starts
    assert all(re.fullmatch(r"\d{8}T\d{6}Z", start) for start in starts)
    assert re.search(r"X-WR-CALNAME:花园\\, garden\\; yard\r\n", text)
    for event in events_of(text):
        assert {"UID", "DTSTAMP", "DTSTART", "SUMMARY"} <= set(event)


def test_a_calendar_is_the_same_when_it_is_written_again(home: Path) -> None:
    first, again = (good("export", "ical", "--home", home).out for _ in range(2))
    assert first == again
    uids = [str(event["uid"]) for event in events_of(first)]
    assert len(uids) == len(set(uids))


def test_a_calendar_speaks_the_language_of_the_member(home: Path) -> None:
    with Member(home, language="zh") as me:
        text = calendar_bytes(me.calendar()).decode()
    summaries = {str(event["summary"]) for event in events_of(text)}
    assert any(summary.startswith("表决：再买一台烤炉") for summary in summaries)
    assert "计划到期：Bread" in summaries


def test_only_the_first_due_are_in_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "DEADLINES_MAX", 2)
    with Member(home) as me:
        rows = me.deadlines().deadlines
    assert [row.kind for row in rows] == ["vote", "invite"]
