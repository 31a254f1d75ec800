"""Periods: months of a calendar, and the bounds that list the same contributions."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from commonweal.client.reports.periods import Period, month_of, read_period

NEW_YEAR_MS = 1_767_225_600_000
"""Midnight UTC, at which 2026 begins."""


@pytest.fixture
def far_west(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Pacific/Honolulu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026", "2026-01-01", "2027-01-01"),
        ("9999-12", "9999-12-01", None),
        ("", None, None),
    ],
)
def test_a_period_begins_and_ends(name: str, since: str | None, until: str | None) -> None:
    period = read_period(name)
    assert (period.since, period.until) == (since, until)


def test_an_instant_is_in_the_month_that_this_calendar_shows(far_west: None) -> None:
    assert month_of(NEW_YEAR_MS, is_local=True) == "2026-01"
    assert month_of(NEW_YEAR_MS, is_local=False) == "2025-12"


@pytest.mark.parametrize("when", [None, 1 << 62, -(1 << 62)])
def test_a_time_that_no_calendar_has_is_in_all_the_time_only(when: int | None) -> None:
    month = month_of(when, is_local=False)
    assert month is None
    assert Period("").has(month) and not Period("2026").has(month)
