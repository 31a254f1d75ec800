"""The backtest as a picture: for each member what they had, and what they would have had."""

from __future__ import annotations

from typing import Any

from commonweal.client.governance.backtests import BacktestRow, Replay
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.words import Words
from commonweal.web.pages.request import PageRequest
from commonweal.web.pictures.bars import Bar, grouped_bars
from commonweal.web.pictures.picture import Legend, Picture

LAST_CHOICES = (0, 10, 30, 100)
"""Over how many of the last heights a backtest is shown; 0 is all of them."""


def last_of(text: str) -> int:
    """Return over how many heights the reader wants to look; 0 for all, and for anything odd."""
    return int(text) if text in map(str, LAST_CHOICES) else 0


def pictures(replay: Replay, words: Words, last: int = 0) -> list[Picture]:
    """Return a picture for each unit, and one for roles where members have them."""
    drawn = []
    for is_role in (False, True):
        rows = [row for row in replay.members if _is_role(row) is is_role]
        for unit in sorted({row.unit for row in rows}):
            bars = [
                Bar(row.name, (row.had, row.would), "" if is_role else f"/people/{row.who}")
                for row in sorted(rows, key=lambda row: (-row.had, row.name))
                if row.unit == unit
            ]
            drawn.append(grouped_bars(_legend(replay, unit, words, last, is_role), bars, words))
    return drawn


def _is_role(row: BacktestRow) -> bool:
    return len(row.who) != 64


def _legend(replay: Replay, unit: str, words: Words, last: int, is_role: bool) -> Legend:
    told = shown_unit(unit, words)
    if last:
        text = words("What each had and would have had of the last {n} heights, in {unit}")
        caption = text.format(n=min(last, replay.height), unit=told)
    else:
        text = words("What each had and would have had up to height {height:,}, in {unit}")
        caption = text.format(height=replay.height, unit=told)
    name = words("member")
    if is_role:
        name = words("role")
        caption = words("{title}: {names}").format(title=words("By role"), names=caption)
    return Legend(caption, told, name, (words("had"), words("would have had")))


def replays_of(page: PageRequest) -> Any:
    """Return the backtests of this process."""
    return page.request.app.state.replays
