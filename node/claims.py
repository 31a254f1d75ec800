"""Claims to hold more of our own log than we do: true of one who restored an old copy.

Who went on writing then would fork its log, so it waits. But anybody can claim so: he is
asked to show one of those records, which only this device could sign, and who does not
within a while keeps it from writing no longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from commonweal.node.session import Desk, Session
from commonweal.protocol import log, wire
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.record import from_bytes_unchecked

CLAIM_MS_MAX = 30_000
"""So long a peer is believed who has shown nothing, once while the node runs."""
ASK_MS = 5_000
CLAIMS_KEPT_MAX = 1_024
"""Peers of which it is remembered since when they claim it; of more, the first is forgotten."""


class Claims:
    """Who says that our log is longer, and since when."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._since: dict[PeerKey, int] = {}
        self._asked_ms = 0

    def is_older(self) -> bool:
        """Say whether this may be an older copy of our home."""
        believed = [self._is_believed(session) for session in self._claiming()]
        return True in believed

    def ask(self) -> None:
        """Ask who claims it and has shown nothing for the next record of our log."""
        if self.desk.now_ms - self._asked_ms < ASK_MS:
            return
        self._asked_ms = self.desk.now_ms
        me = self.desk.me.device
        length = self.desk.replica.row(me).length
        for session in self._claiming():
            if not session.has_shown:
                self._is_believed(session)
                self.desk.send(session, wire.Fetch((wire.Range(me, length, length + 1),)))

    def look(self, session: Session, runs: Sequence[wire.Run]) -> None:
        """Note that a peer shows what it claims, whether or not it can be taken in already."""
        me = self.desk.me.device
        length = self.desk.replica.row(me).length
        for run in runs:
            if run.author == me and run.wires and run.start + len(run.wires) > length:
                with suppress(InvalidRecord, Malformed):
                    last = from_bytes_unchecked(run.wires[-1])
                    shown = last.author == me and last.seq >= length and log.is_signed(last)
                    session.has_shown = session.has_shown or shown

    def _claiming(self) -> list[Session]:
        me = self.desk.me.device
        length = self.desk.replica.row(me).length
        return [one for one in self.desk.members() if one.theirs.get(me, 0) > length]

    def _is_believed(self, session: Session) -> bool:
        since_ms = self._since.setdefault(session.peer, self.desk.now_ms)
        if len(self._since) > CLAIMS_KEPT_MAX:
            del self._since[next(iter(self._since))]
        return session.has_shown or self.desk.now_ms - since_ms < CLAIM_MS_MAX
