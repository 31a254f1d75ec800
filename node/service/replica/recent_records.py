"""Recent records: what was stored since somebody last looked, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from commonweal.protocol.records.record import Record, RecordId

RECENT_IDS_MAX = 64
RECENT_KINDS_MAX = 32

_KIND = attrgetter("kind")


class RecentRecords:
    """Ids and kinds of the records that were stored of late.

    is_more: whether there are, or may be, more than `ids` and `kinds` name.
    """

    def __init__(self, *, is_more: bool = False) -> None:
        self.ids: list[RecordId] = []
        self.kinds: dict[str, None] = {}
        self.is_more = is_more

    def __bool__(self) -> bool:
        return self.is_more or bool(self.ids)

    def add(self, run: Sequence[Record]) -> None:
        """Note a run that was stored, as far as there is room."""
        room = RECENT_IDS_MAX - len(self.ids)
        self.ids += [record.id for record in run[:room]]
        for kind in dict.fromkeys(map(_KIND, run)):
            if len(self.kinds) < RECENT_KINDS_MAX:
                self.kinds[kind] = None
            else:
                self.is_more |= kind not in self.kinds
        self.is_more |= len(run) > room
