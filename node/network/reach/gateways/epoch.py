"""The epoch of a gateway: the seconds since it lost, or never had, the mappings it holds.

Source: RFC 6887, section 8.5; RFC 6886, section 3.6 is the same in fewer words.
"""

from __future__ import annotations

from typing import Final

SLACK_S: Final = 2
SLACK_SHARE: Final = 16
"""Two clocks may differ by a sixteenth of what passed, and by two seconds."""


class EpochClock:
    """Compares the epochs that one gateway tells with our own clock."""

    def __init__(self) -> None:
        self._epoch_s: int | None = None
        self._now_s = 0.0

    def is_continued(self, epoch_s: int, now_s: float) -> bool:
        """Say whether the gateway kept its mappings since its last answer; True for the first.

        epoch_s: what it tells. now_s: our clock, which may start anywhere and never goes back.
        """
        before_s, self._epoch_s = self._epoch_s, epoch_s
        passed_s, self._now_s = now_s - self._now_s, now_s
        if before_s is None:
            return True
        theirs_s = epoch_s - before_s
        if theirs_s < -1:
            return False
        is_slow = passed_s + SLACK_S < theirs_s - theirs_s / SLACK_SHARE
        is_fast = theirs_s + SLACK_S < passed_s - passed_s / SLACK_SHARE
        return not (is_slow or is_fast)
