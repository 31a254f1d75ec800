"""Clocks: whether this node's may be wrong by so much that it should seal nothing."""

from __future__ import annotations

from commonweal.node.service.core import Core
from commonweal.protocol.seal.chain import TrustedPoint
from commonweal.protocol.seal.timing import BACK_MS_MIN
from commonweal.protocol.seal.witnesses import SAFE_WITNESSES_MIN


def is_clock_doubtful(core: Core, point: TrustedPoint | None, *, is_asked: bool) -> bool:
    """Say whether this clock is off by an hour or more, where too few witnesses look at it.

    By the clocks of the members who are linked, one each: half of them on one side of this clock
    are enough to doubt. Clocks that are off in both directions say more of themselves. Without
    any, a clock that is behind the last seal is not believed unless somebody asks.
    point: where the chain stands.
    """
    if point is None or len(point.witnesses) >= SAFE_WITNESSES_MIN:
        return False
    clocks = {
        core.replica.member_of(peer.device): peer.skew_ms
        for peer in core.members()
        if peer.device is not None
    }
    if clocks:
        ahead = sum(peer >= BACK_MS_MIN for peer in clocks.values())
        behind = sum(peer <= -BACK_MS_MIN for peer in clocks.values())
        return 2 * max(ahead, behind) >= len(clocks)
    return not is_asked and core.now_ms <= point.time_ms - BACK_MS_MIN
