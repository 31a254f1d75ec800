"""When a height starts, and what time a seal may bear. Clocks come in as numbers.

A wrong clock slows time and never stops sealing: a witness whose clock lies behind the
last seal proposes the next millisecond, which all accept.
"""

from __future__ import annotations

from dataclasses import dataclass

SKEW_MS_MAX = 2 * 60 * 1000
"""A seal's time may differ so much from a witness's own clock."""

INTERVAL_MS = 60 * 1000
"""Unsealed records wait so long, when the rules say nothing else."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a seal.

    oldest_ms: when, by this node's clock, the oldest unsealed record came; None when all is
    sealed. deadline_ms: the earliest sealed deadline that no seal has passed yet; None for
    none. asked: whether a member asked for a seal here, or a witness began the height.
    """

    oldest_ms: int | None
    deadline_ms: int | None
    asked: bool


def is_due(waiting: Waiting, now_ms: int, interval_ms: int = INTERVAL_MS) -> bool:
    """Whether the next height starts now. Where nothing waits, nobody's asking starts one."""
    if waiting.deadline_ms is not None and waiting.deadline_ms <= now_ms:
        return True
    if waiting.oldest_ms is None:
        return False
    return waiting.asked or now_ms - waiting.oldest_ms >= interval_ms


def due_at(waiting: Waiting, interval_ms: int = INTERVAL_MS) -> int | None:
    """Return when `is_due` becomes true if nothing else happens; None for never."""
    times = [] if waiting.deadline_ms is None else [waiting.deadline_ms]
    if waiting.oldest_ms is not None:
        times.append(waiting.oldest_ms + (0 if waiting.asked else interval_ms))
    return min(times, default=None)


def seal_time(last_ms: int, now_ms: int) -> int:
    """Return the time that a proposer with the clock `now_ms` gives a seal."""
    return max(last_ms + 1, now_ms)


def is_timely(time_ms: int, last_ms: int, now_ms: int) -> bool:
    """Whether a fresh seal may bear `time_ms`, for a witness with the clock `now_ms`."""
    if time_ms == last_ms + 1:
        return True
    return time_ms > last_ms and abs(time_ms - now_ms) <= SKEW_MS_MAX
