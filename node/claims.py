"""Claims to hold more of our own log than we do: true of one who restored an old copy.

Who went on writing then would fork its log, so it waits. But anybody can claim so: he is
asked to show one of those records, which only this device could sign, and who does not
within a while keeps it from writing no longer. On a slow line that while is longer, as
long as bytes come and the answer may be among them.
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
SLOW_MS_MAX = 600_000
"""So long in all, while the node runs, is waited for answers that are on their way."""
COMING_MS_MAX = 5_000
"""Nothing is on its way from a peer of whom no part of a large frame came for so long."""
CLAIMS_KEPT_MAX = 1_024
"""Peers of which it is remembered since when they claim it; of more, the first is forgotten."""


class Claims:
    """Who says that our log is longer, and since when."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._since: dict[PeerKey, int] = {}
        self._asked_ms = self._ticked_ms = 0
        self._waited_ms = 0

    def is_older(self) -> bool:
        """Say whether this may be an older copy of our home."""
        believed = [self._is_believed(session) for session in self._claiming()]
        return True in believed

    def ask(self) -> None:
        """Ask who claims it and has shown nothing for the next record of our log; each second.

        The ping behind the question comes back when it was answered.
        """
        now_ms, me = self.desk.now_ms, self.desk.me.device
        claiming = [one for one in self._claiming() if not one.has_shown]
        if any(not self._is_new(one) and self._is_coming(one) for one in claiming):
            self._waited_ms += now_ms - self._ticked_ms
        self._ticked_ms = now_ms
        if now_ms - self._asked_ms < ASK_MS:
            return
        self._asked_ms = now_ms
        length = self.desk.replica.row(me).length
        for session in claiming:
            self._is_new(session)
            if not session.claim_ping:
                session.claim_ping = now_ms
                self.desk.send(session, wire.Fetch((wire.Range(me, length, length + 1),)))
                self.desk.send(session, wire.Ping(now_ms))

    def answered(self, session: Session, number: int) -> None:
        """Note that a peer answered what was asked before this ping."""
        if number == session.claim_ping:
            session.claim_ping = 0

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
        is_new = self._is_new(session)
        return session.has_shown or is_new or self._is_coming(session)

    def _is_coming(self, session: Session) -> bool:
        """Say whether what he was asked for may be on its way."""
        is_slow = self.desk.now_ms - session.coming_ms < COMING_MS_MAX
        return bool(session.claim_ping) and is_slow and self._waited_ms < SLOW_MS_MAX

    def _is_new(self, session: Session) -> bool:
        since_ms = self._since.setdefault(session.peer, self.desk.now_ms)
        if len(self._since) > CLAIMS_KEPT_MAX:
            del self._since[next(iter(self._since))]
        return self.desk.now_ms - since_ms < CLAIM_MS_MAX
