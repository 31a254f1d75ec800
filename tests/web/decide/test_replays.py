"""Backtests beside the pages: one at a time, once for a key, and never too many."""

from __future__ import annotations

from threading import Event

import pytest

from commonweal.protocol.errors import NotYet
from commonweal.web.pages.decide.replays import (
    REPLAYS_KEPT_MAX,
    REPLAYS_WAITING_MAX,
    Replays,
)
from commonweal.web.pages.decide.text_difference import WORDS_MAX, Wording, compared


def test_a_result_is_worked_out_once_and_kept() -> None:
    replays, calls = Replays(), iter(range(9))
    assert [replays.result("a", lambda: next(calls), wait_s=60) for _ in range(3)] == [0, 0, 0]
    assert next(calls) == 1


def test_a_page_does_not_wait_for_long_and_gets_it_later() -> None:
    replays, gate = Replays(), Event()
    assert replays.result("a", lambda: gate.wait(60) and "done", wait_s=0) is None
    gate.set()
    assert replays.result("a", lambda: "another", wait_s=60) == "done"


def test_only_a_few_run_or_wait_and_others_are_not_begun() -> None:
    replays, gate, begun = Replays(), Event(), []
    for n in range(REPLAYS_WAITING_MAX):
        replays.result(n, lambda: gate.wait(60), wait_s=0)
    assert replays.result("more", lambda: begun.append(1), wait_s=0) is None
    assert not begun
    gate.set()
    for n in range(REPLAYS_WAITING_MAX):
        replays.result(n, lambda: None, wait_s=60)
    assert replays.result("more", lambda: "done", wait_s=60) == "done"


def test_results_that_are_kept_are_bounded() -> None:
    replays = Replays()
    for n in range(REPLAYS_KEPT_MAX + 1):
        assert replays.result(n, lambda: "first", wait_s=60) == "first"
    assert replays.result(1, lambda: "again", wait_s=60) == "first"
    assert replays.result(0, lambda: "again", wait_s=60) == "again"


def test_what_cannot_be_computed_is_raised_and_asked_again() -> None:
    replays = Replays()

    def not_yet() -> None:
        raise NotYet("later")

    with pytest.raises(NotYet):
        replays.result("a", not_yet)
    assert replays.result("a", lambda: "done") == "done"


def test_words_that_differ_are_marked() -> None:
    first, second = compared("A fifth stays here.", "30 % stays here.")
    assert first == [Wording("A fifth", True), Wording(" stays here.", False)]
    assert second == [Wording("30 %", True), Wording(" stays here.", False)]
    assert compared("五分之一留给社群。", "百分之三十留给社群。")[1] == [
        Wording("百分之三十", True),
        Wording("留给社群。", False),
    ]
    assert compared("", "new") == ([Wording("", True)], [Wording("new", True)])
    long = "a " * WORDS_MAX
    assert compared(long, long + "b")[1] == [Wording(long + "b", True)]
