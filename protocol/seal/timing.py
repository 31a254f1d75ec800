"""Times: when a height starts, the timeouts of its steps, and the time of a seal.

All times are ms since 1970 and are passed in; no clock is read. A wrong clock slows the time of
seals and never stops sealing: a witness whose clock is behind the last seal proposes its time
plus 1 ms, which all accept.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.protocol.seal.votes import Step

SKEW_MS_MAX = 2 * 60 * 1000
"""Largest difference between a seal's time and a witness's clock."""

BACK_MS_MIN = 60 * 60 * 1000
"""A seal is later than the previous one, or goes back from a wrong time by at least this."""

PROPOSE_MS = 3_000
VOTE_MS = 1_000
GROWTH_MS = 500
"""Increase of each timeout per round."""

STEP_MS_MAX = 20_000
GATHER_MS = 200
"""Time that a proposer with a quorum of have-frontiers waits for the others."""

LEDGER_MS_MAX = 10_000
"""Longest extension of a timeout, once per round, for the witness's own ledger."""

DRAFT_MS_MAX = SKEW_MS_MAX // 2
"""Largest difference between the clock and the time of a seal that is proposed again: others,
whose clocks are a little off, find it timely too."""

OFFERS_MAX = 2
"""How often a witness proposes one fresh seal; what is refused so often is built anew."""

PREPARE_MS_MAX = 10 * 60 * 1000
"""Time after which a ledger that has not answered is asked anew to build a seal."""

REPEAT_MS = 1_000
"""Interval at which a witness repeats the messages of its round."""


@dataclass(frozen=True, slots=True)
class SealDemand:
    """The reasons to start a height.

    oldest_ms: arrival of the oldest unsealed record, by this node's clock; None when all is
    sealed. deadline_ms: the earliest sealed deadline that no seal has passed; None for none.
    asked: whether a member asked for a seal here, or a witness began the height.
    """

    oldest_ms: int | None
    deadline_ms: int | None
    asked: bool


def is_due(waiting: SealDemand, now_ms: int, interval_ms: int) -> bool:
    """Whether the next height starts now. Without unsealed records only a deadline starts one."""
    if waiting.deadline_ms is not None and waiting.deadline_ms <= now_ms:
        return True
    if waiting.oldest_ms is None:
        return False
    return waiting.asked or now_ms - waiting.oldest_ms >= interval_ms


def due_at(waiting: SealDemand, interval_ms: int) -> int | None:
    """Return the time, in ms, at which `is_due` becomes true without new events; None: never."""
    times = [] if waiting.deadline_ms is None else [waiting.deadline_ms]
    if waiting.oldest_ms is not None:
        times.append(waiting.oldest_ms + (0 if waiting.asked else interval_ms))
    return min(times, default=None)


def seal_time(last_ms: int, now_ms: int) -> int:
    """Return the time of a seal whose proposer has the clock `now_ms`."""
    return max(last_ms + 1, now_ms)


def is_timely(time_ms: int, last_ms: int, now_ms: int) -> bool:
    """Whether `time_ms` is allowed for a fresh seal, for a witness with the clock `now_ms`.

    The ledger decides whether the time may go back at all.
    """
    if time_ms == last_ms + 1:
        return True
    follows = time_ms > last_ms or time_ms <= last_ms - BACK_MS_MIN
    return follows and abs(time_ms - now_ms) <= SKEW_MS_MAX


def step_ms(step: Step, round_: int) -> int:
    """Return the timeout of `step` in a round, in ms; it grows per round up to `STEP_MS_MAX`."""
    first = PROPOSE_MS if step is Step.PROPOSE else VOTE_MS
    return min(first + GROWTH_MS * round_, STEP_MS_MAX)
