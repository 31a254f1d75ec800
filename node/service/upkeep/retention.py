"""Retention: a light home drops the records that only older seals than it keeps cover.

Height by height the bases of logs follow the cut of a seal that was folded here; what lies below
is removed a portion at a time. The logs of the home's own member stay whole, and so do the last
record of each log and all governance records. In a full home nothing happens.
"""

from __future__ import annotations

from commonweal.node.service.core import Core
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.members import registry
from commonweal.storage.records import light_home

HEIGHTS_PER_STEP = 16
"""Heights whose cuts are followed in one step."""

DROPPED_PER_STEP = 2_048
"""Records that are looked at in one step, which takes some 20 ms.

Where some of them have texts, all that is kept is searched once: 100 ms for 100,000 records.
"""


class Retention:
    """The bases of logs in a light home."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.folded = 0
        """The last height that is folded here, as the ledger says; 0 before it said anything."""
        self.is_audited = False
        """Whether nothing below it came as a state alone."""

    def step(self) -> None:
        """Follow some heights, and remove some records below bases."""
        kept, replica = self.core.replica.light.heights, self.core.replica
        if kept is None:
            return
        heights = replica.chain.seals.heights
        if heights and (self.is_audited or replica.light.has_bases):
            first = max(heights.start, light_home.followed(replica.store) + 1)
            last = self.folded - kept
            for height in range(first, min(last + 1, first + HEIGHTS_PER_STEP)):
                if not self._follow(height):
                    break
                light_home.put_followed(replica.store, height)
        replica.light.drop_some(DROPPED_PER_STEP)

    def _follow(self, height: int) -> bool:
        """Raise bases to the cut of a height; return whether all that it covers is here."""
        replica = self.core.replica
        sealed = replica.chain.sound.at(height)
        if sealed is None:  # the disk changed it, and it is fetched again
            return False
        rows = {log.author: replica.row(log.author) for log in sealed.delta.logs}
        if any(
            rows[log.author].length < log.length and rows[log.author].frozen is None
            for log in sealed.delta.logs
        ):
            return False
        own = self._owner(self.core.me.device)
        if own is None:
            return False
        for log in sealed.delta.logs:
            if self._owner(log.author) != own:
                replica.light.raise_base(log.author, min(log.length, rows[log.author].length) - 1)
        return True

    def _owner(self, device: DeviceKey) -> MemberId | None:
        """Return the member of a device, be it revoked or not; None where it is not known."""
        row = registry.device_row(self.core.replica.ledger.state, device)
        return None if row is None else row.member
