"""Notices of ends: a week and a day before, at the end, and 7, 30 and each 90 days after it."""

from __future__ import annotations

import pytest

from commonweal.client import Member
from commonweal.client.exchange import offer_notices
from commonweal.client.exchange.offer_notices import DAY_MS, end_step
from commonweal.client.inbox import InboxRow
from commonweal.storage.home.home import Home
from tests.builders.commons import Commons
from tests.client.exchange.deals import take

END_MS = 1_796_040_000_000


@pytest.mark.parametrize(
    ("days", "step"),
    [
        *((-8, 0), (-7, 1), (-2, 1), (-1, 2), (0, 3), (6, 3), (7, 4), (29, 4), (30, 5)),
        *((119, 5), (120, 6), (209, 6), (210, 7), (300, 8)),
    ],
)
def test_an_end_has_steps(days: int, step: int) -> None:
    """Komunitin tells 7 days and 24 hours before an end, then after 7, 30 and each 90 days."""
    assert end_step(END_MS, END_MS + days * DAY_MS) == step
    assert end_step(END_MS, END_MS + days * DAY_MS - 1) in (step - 1, step)


def test_each_step_begins_with_its_millisecond() -> None:
    for days in (-7, -1, 0, 7, 30, 120, 210):
        at_ms = END_MS + days * DAY_MS
        assert end_step(END_MS, at_ms) == end_step(END_MS, at_ms - 1) + 1


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time of the last seal, as all read it."""
    at_ms = [0]
    monkeypatch.setattr(offer_notices, "sealed_at", lambda _view: at_ms[0])
    return at_ms


def rows(home: Home, kind: str = "ending") -> list[InboxRow]:
    with Member(home) as member:
        return [row for row in member.inbox().rows if row.kind == kind]


def told(home: Home) -> list[str]:
    """Return the words of what a digest tells of ends, and let it be told."""
    with Member(home) as member:
        digest = member.inbox_digest()
        member.told(digest)
        return [row.words for row in digest.rows if row.kind == "ending"]


def test_each_step_is_told_once_and_says_what_to_do(lanxi: Commons, sealed: list[int]) -> None:
    with Member(lanxi.bo) as bo:
        made = bo.offer("repair", 2, "hours", until="in 60 days")
        assert made.end_ms is not None
    sealed[0] = made.end_ms - 8 * DAY_MS
    assert rows(lanxi.bo) == []
    for days, begun in (
        (-7, "it ends soon: repair"),
        (-1, "it ends soon: repair"),
        (0, "it has ended: repair"),
        (7, "it has ended: repair"),
        (30, "it has ended: repair"),
        (120, "it has ended: repair"),
        (210, "it has ended: repair"),
    ):
        sealed[0] = made.end_ms + days * DAY_MS
        (words,) = told(lanxi.bo)
        assert words.startswith(begun)
        assert told(lanxi.bo) == [], "once each"
        (row,) = rows(lanxi.bo)
        assert row.command == f"weal offer renew {made.id.hex()[:16]}"
        assert row.until_ms == (made.end_ms if days < 0 else None)
        sealed[0] += 5 * DAY_MS if days > 0 else 1
        assert told(lanxi.bo) == []


def test_only_the_member_whose_offer_it_is_is_told(lanxi: Commons, sealed: list[int]) -> None:
    with Member(lanxi.bo) as bo:
        made = bo.need("plumber", 2, "hours", due="in 60 days")
        assert made.end_ms is not None
    lanxi.meet()
    sealed[0] = made.end_ms
    assert rows(lanxi.ana) == []
    (row,) = rows(lanxi.bo)
    assert row.command.startswith("weal need renew ")


def test_what_was_renewed_or_withdrawn_is_silent(lanxi: Commons, sealed: list[int]) -> None:
    with Member(lanxi.bo) as bo:
        made = bo.offer("repair", 2, "hours", until="in 60 days")
        other = bo.offer("advice", 2, "hours", until="in 60 days")
        assert made.end_ms is not None
        sealed[0] = made.end_ms
        assert len(rows(lanxi.bo)) == 2
        bo.renew_offer(made.id, until="in 120 days")
        (row,) = rows(lanxi.bo)
        assert row.id == other.id
        bo.withdraw_offer(other.id)
    assert rows(lanxi.bo) == []


def test_a_step_that_was_past_when_it_was_written_is_not_told(
    lanxi: Commons, sealed: list[int]
) -> None:
    with Member(lanxi.bo) as bo:
        made = bo.offer("repair", 2, "hours", until="in 3 days")
        assert made.end_ms is not None
    sealed[0] = made.end_ms - 2 * DAY_MS
    assert rows(lanxi.bo) == [], "they know that it ends in three days: they wrote it"
    sealed[0] = made.end_ms - DAY_MS
    assert len(rows(lanxi.bo)) == 1


def test_what_never_ends_is_never_told(lanxi: Commons, sealed: list[int]) -> None:
    with Member(lanxi.bo) as bo:
        bo.offer("repair", 2, "hours")
    sealed[0] = 1 << 60
    assert rows(lanxi.bo) == []


def test_what_is_all_taken_is_told_until_it_has_come(lanxi: Commons, sealed: list[int]) -> None:
    with Member(lanxi.bo) as bo:
        made = bo.offer("repair", 2, "hours", until="in 60 days")
    take(lanxi, made.intents[0], 1)
    assert rows(lanxi.bo, "taken") == []
    take(lanxi, made.intents[0], 1)
    (row,) = rows(lanxi.bo, "taken")
    assert "repair" in row.words
    assert made.end_ms is not None
    sealed[0] = made.end_ms
    assert rows(lanxi.bo) == [], "what is taken does not end"
    with Member(lanxi.bo) as bo:
        assert row.command == f"weal offer withdraw {made.id.hex()[:16]}"
        bo.withdraw_offer(made.id)
    assert rows(lanxi.bo, "taken") == []
