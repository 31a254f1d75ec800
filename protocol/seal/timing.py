"""When a height starts, how long its steps wait, and what time a seal may bear.

Clocks come in as numbers. A wrong one slows time and never stops sealing: a witness whose
clock lies behind the last seal proposes the next millisecond, which all accept.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.protocol.seal.votes import Step

SKEW_MS_MAX = 2 * 60 * 1000
"""A seal's time may differ so much from a witness's own clock."""

BACK_MS_MIN = 60 * 60 * 1000
"""A seal is later than the last, or goes back from a wrong time by at least so much."""

INTERVAL_MS = 60 * 1000
"""Unsealed records wait so long, when the rules say nothing else."""

PROPOSE_MS = 3_000
VOTE_MS = 1_000
GROWTH_MS = 500
"""So much longer is each timeout of a round than of the round before."""

STEP_MS_MAX = 20_000
GATHER_MS = 200
"""A proposer who has a quorum of have-frontiers waits so long for the others."""

JUDGE_MS = 10_000
"""So much longer a witness waits, once a round, while its own ledger judges a proposal."""

REPEAT_MS = 1_000
"""So often a witness says again what it said in its round."""


@dataclass(frozen=True, slots=True)
class SealDemand:
    """What waits for a seal.

    oldest_ms: when, by this node's clock, the oldest unsealed record came; None when all is
    sealed. deadline_ms: the earliest sealed deadline that no seal has passed yet; None for
    none. asked: whether a member asked for a seal here, or a witness began the height.
    """

    oldest_ms: int | None
    deadline_ms: int | None
    asked: bool


def is_due(waiting: SealDemand, now_ms: int, interval_ms: int = INTERVAL_MS) -> bool:
    """Whether the next height starts now. Where nothing waits, nobody's asking starts one."""
    if waiting.deadline_ms is not None and waiting.deadline_ms <= now_ms:
        return True
    if waiting.oldest_ms is None:
        return False
    return waiting.asked or now_ms - waiting.oldest_ms >= interval_ms


def due_at(waiting: SealDemand, interval_ms: int = INTERVAL_MS) -> int | None:
    """Return when `is_due` becomes true if nothing else happens; None for never."""
    times = [] if waiting.deadline_ms is None else [waiting.deadline_ms]
    if waiting.oldest_ms is not None:
        times.append(waiting.oldest_ms + (0 if waiting.asked else interval_ms))
    return min(times, default=None)


def seal_time(last_ms: int, now_ms: int) -> int:
    """Return the time that a proposer with the clock `now_ms` gives a seal."""
    return max(last_ms + 1, now_ms)


def is_timely(time_ms: int, last_ms: int, now_ms: int) -> bool:
    """Whether a fresh seal may bear `time_ms`, for a witness with the clock `now_ms`.

    Whether it may go back so far at all, the ledger says.
    """
    if time_ms == last_ms + 1:
        return True
    follows = time_ms > last_ms or time_ms <= last_ms - BACK_MS_MIN
    return follows and abs(time_ms - now_ms) <= SKEW_MS_MAX


def step_ms(step: Step, round_: int) -> int:
    """Return how long `step` of a round waits; it grows until `STEP_MS_MAX`."""
    first = PROPOSE_MS if step is Step.PROPOSE else VOTE_MS
    return min(first + GROWTH_MS * round_, STEP_MS_MAX)
