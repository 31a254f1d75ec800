"""Time jumps: when the time of a seal may close anything, and how seals return from a wrong time.

A clock that is wrong by days must decide nothing. A seal whose time jumps closes nothing: what
waits for a time keeps waiting until seals have gone on for an hour after the jump. Meanwhile, and
for a month, a seal may return to any time after the last seal before the jump. State: Kd the last
jump.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.seal.timing import BACK_MS_MIN

JUMP = Table.JUMP.prefix
"""The key of the last jump."""

LAST = Table.LAST_CUT.prefix
"""The key of the last cut; its second field is the time."""

JUMP_MS_MIN = 2 * 24 * 60 * 60 * 1000
"""A seal at least this much later than the previous one is a jump, and closes nothing."""

CONFIRM_MS = 60 * 60 * 1000
"""How long seals must go on after a jump before anything is closed."""

RETURN_MS_MAX = 30 * 24 * 60 * 60 * 1000
"""How long after a jump seals may return to a time before it."""


class TimeJump(NamedTuple):
    """The last jump. sure_ms: the time of the seal before it. since_ms: of the seal that jumped."""

    sure_ms: int = 0
    since_ms: int = 0

    def doubtful_until_ms(self, time_ms: int) -> int:
        """Return from when on deadlines may close; 0 when the time is not in doubt."""
        until = self.since_ms + CONFIRM_MS if self.since_ms else 0
        return until if time_ms < until else 0


def last_jump(state: State) -> TimeJump:
    """Return the last jump; all zeros when there was none."""
    value = state.get(JUMP)
    return TimeJump() if value is None else TimeJump(*value)


def last_cut_ms(state: State) -> int:
    """Return the time (ms) of the last cut; 0 before the first."""
    value = state.get(LAST)
    return 0 if value is None else int(value[1])


def may_follow(state: State, last: int, time_ms: int) -> bool:
    """Return whether a seal at `time_ms` may follow the one at `last`: later, or by a return."""
    known = last_jump(state)
    is_open = known.since_ms > 0 and last - known.since_ms <= RETURN_MS_MAX
    return time_ms > last or (is_open and known.sure_ms < time_ms <= last - BACK_MS_MIN)


def check_follows(state: State, last: int, time_ms: int) -> None:
    """Raise `InvalidSeal` unless a seal at `time_ms` may follow the one at `last`."""
    if not may_follow(state, last, time_ms):
        raise InvalidSeal("its time is not later than the last, and undoes no jump")


def jump_after(state: State, time_ms: int) -> TimeJump:
    """Return the last jump as it will be once a seal at `time_ms` follows."""
    known, last = last_jump(state), last_cut_ms(state)
    if time_ms <= last:
        is_far = time_ms - known.sure_ms > JUMP_MS_MIN
        return TimeJump(known.sure_ms, time_ms) if is_far else TimeJump()
    if not last or time_ms - last <= JUMP_MS_MIN:
        return known
    return TimeJump(known.sure_ms if known.doubtful_until_ms(last) else last, time_ms)


def trusted_ms(state: State, time_ms: int) -> int:
    """Return the time (ms) that a cut at `time_ms` may close deadlines by.

    While a jump is in doubt this is the time of the seal before it.
    """
    now = jump_after(state, time_ms)
    return now.sure_ms if now.doubtful_until_ms(time_ms) else time_ms
