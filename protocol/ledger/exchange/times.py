"""Time as the exchange knows it: that of the seal which covers a record, never that of a clock.

Above the last seal it is that of the last seal. Nothing happens at a time by itself: what depends
on time is compared when a record is judged, or when somebody reads.
"""

from __future__ import annotations

from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.context import Context
from commonweal.protocol.ledger.state.state import State


def now_ms(state: State, context: Context) -> int:
    """Return the time (ms since 1970) by which a record is judged.

    While a jump of time is in doubt, it is the time of the seal before the jump.
    """
    if context.time_ms:
        return time_jumps.trusted_ms(state, context.time_ms)
    return sealed_ms(state, context.cut.time_ms)


def sealed_ms(state: State, cut_ms: int) -> int:
    """Return the time (ms since 1970) of the last cut, which was at `cut_ms`, as far as trusted."""
    jump = time_jumps.last_jump(state)
    return jump.sure_ms if jump.doubtful_until_ms(cut_ms) else cut_ms
