"""Newcomers: how much is kept of devices that are no members' yet.

Each member's invites share NEWCOMERS_PER_INVITER_MAX logs, those without an invite UNINVITED_MAX.
More of a newcomer's log is kept where a member's record cites it or a seal covers it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from commonweal.node.service.replica.replica import (
    NEWCOMERS_MAX,
    NEWCOMERS_PER_INVITER_MAX,
    UNINVITED_MAX,
    Replica,
)
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records.record import Record

NEWCOMER_RECORDS_MAX = 4
NEWCOMER_BYTES_MAX = 16 * 1024


class NewcomerLimits:
    """The room for the logs of newcomers while one frame is taken in."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._shares: Counter[MemberId | None] | None = None
        """Newcomers' logs that are held, by inviting member; None before they were counted."""

    def takes_log(self, author: DeviceKey) -> bool:
        """Say whether there is room for one more newcomer's log; if so, it takes the room."""
        state = self._replica.ledger.state
        if self._shares is None:
            newcomers = self._replica.newcomers()
            self._shares = Counter(membership.inviter_of(state, key) for key in newcomers)
        shares, inviter = self._shares, membership.inviter_of(state, author)
        share = UNINVITED_MAX if inviter is None else NEWCOMERS_PER_INVITER_MAX
        if shares.total() >= NEWCOMERS_MAX or shares[inviter] >= share:
            return False
        shares[inviter] += 1
        return True

    def fitting(self, author: DeviceKey, records: Sequence[Record]) -> int:
        """Return how many of the records that come next in a newcomer's log are kept."""
        row = self._replica.row(author)
        if row.length == 0 and not self.takes_log(author):
            return 0
        room_bytes = NEWCOMER_BYTES_MAX - row.bytes
        count = 0
        for record in records[: max(0, NEWCOMER_RECORDS_MAX - row.length)]:
            room_bytes -= len(record.wire)
            if room_bytes < 0:
                break
            count += 1
        return count
