"""Which height sealed a record first, for a node that peers ask again and again.

Of each log that was asked of last, the heights that sealed more of it stay in memory: they are read
out of the deltas of all seals once, and then out of those of new seals. See also
`SealStore.heights_covering`, for one who asks once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from commonweal.protocol.keys import DeviceKey
from commonweal.storage.records.seal_store import SealStore

GROWTHS_KEPT_MAX = 262_144
"""Heights that stay in memory, of all logs together, 16 bytes each; at least those of one log."""


class _LogGrowth:
    """The heights that sealed more of one log, and how long it was then; read up to a height."""

    def __init__(self) -> None:
        self.heights, self.lengths, self.read = array("q"), array("q"), 0

    def __len__(self) -> int:
        return 1 + len(self.heights)


class SealedHeights:
    """The heights at which the logs in a chain of seals have grown."""

    def __init__(self, seals: SealStore) -> None:
        self._seals = seals
        self._growths: dict[DeviceKey, _LogGrowth] = {}
        self._kept = 0

    def covering(self, author: DeviceKey, seq: int) -> int | None:
        """Return the first height that covers record number `seq` of a log, or None.

        Raises DamagedDatabase where a delta cannot be read.
        """
        growth, height = self._growths.get(author, _LogGrowth()), self._seals.height
        if growth.read < height:
            more = list(self._seals.growth(author, growth.read))
            growth.heights.extend(at for at, _ in more)
            growth.lengths.extend(length for _, length in more)
            growth.read = height
            self._kept += len(more)
        if self._growths.pop(author, None) is None:
            self._kept += 1
        self._growths[author] = growth
        while self._kept > GROWTHS_KEPT_MAX and len(self._growths) > 1:
            self._kept -= len(self._growths.pop(next(iter(self._growths))))
        place = bisect_right(growth.lengths, seq)
        return growth.heights[place] if place < len(growth.heights) else None
