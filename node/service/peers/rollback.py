"""Claims to hold more of our own log than we do: true where this home is an old copy.

A device that went on writing then would fork its log, so it waits. But any member can claim
so: the peer is asked to show one of those records, which only this device could sign. Whoever
shows none in time keeps it from writing no longer, and time is counted for each member once
while the node runs, whatever devices and links the member comes by. On a slow line there is
more of it, as long as bytes come and the answer may be among them. Of peers who are no
members' nothing of the kind is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from commonweal.node.service.peer import Core, PeerState
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records import log
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.protocol.wire import messages

CLAIM_MS_MAX = 30_000
"""So long a member is believed who has shown nothing, once while the node runs."""
ASK_MS = 5_000
SLOW_MS_MAX = 600_000
"""So long in all, while the node runs, an answer of one member may be on its way."""
COMING_MS_MAX = 5_000
"""Nothing is on its way from a peer of whom no part of a large frame came for so long."""
CLAIMS_KEPT_MAX = 1_024
"""Members of whom it is remembered since when they claim it; of more, the first is forgotten."""


@dataclass(slots=True)
class _RollbackClaim:
    """Since when a member claims it, and how long an answer was on its way after that."""

    since_ms: int
    waited_ms: int = 0


class RollbackDetector:
    """Who says that our log is longer, and since when."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._claims: dict[MemberId | None, _RollbackClaim] = {}
        self._asked_ms = self._ticked_ms = 0

    def is_older(self) -> bool:
        """Say whether this may be an older copy of our home."""
        believed = [self._is_believed(peer) for peer in self._claiming()]
        return True in believed

    def ask(self) -> None:
        """Ask who claims it and has shown nothing for the next record of our log; each second.

        The ping behind the question comes back when it was answered.
        """
        now_ms, me = self.core.now_ms, self.core.me.device
        claiming = [one for one in self._claiming() if not one.has_shown]
        coming = [one for one in claiming if not self._is_new(one) and self._is_coming(one)]
        for peer in {self._member(one): one for one in coming}.values():
            self._claim(peer).waited_ms += now_ms - self._ticked_ms
        self._ticked_ms = now_ms
        if now_ms - self._asked_ms < ASK_MS:
            return
        self._asked_ms = now_ms
        length = self.core.replica.row(me).length
        for peer in claiming:
            self._is_new(peer)
            if not peer.claim_ping:
                peer.claim_ping = now_ms
                self.core.send(
                    peer, messages.WantRecords((messages.Range(me, length, length + 1),))
                )
                self.core.send(peer, messages.Ping(now_ms))

    def answered(self, peer: PeerState, number: int) -> None:
        """Note that a peer answered what was asked before this ping."""
        if number == peer.claim_ping:
            peer.claim_ping = 0

    def look(self, peer: PeerState, runs: Sequence[messages.Run]) -> None:
        """Note that a peer shows what it claims, whether or not it can be taken in already."""
        me = self.core.me.device
        length = self.core.replica.row(me).length
        for run in runs:
            if run.author == me and run.wires and run.start + len(run.wires) > length:
                with suppress(InvalidRecord, Malformed):
                    last = from_bytes_unchecked(run.wires[-1])
                    shown = last.author == me and last.seq >= length and log.is_signed(last)
                    peer.has_shown = peer.has_shown or shown

    def _claiming(self) -> list[PeerState]:
        me = self.core.me.device
        length = self.core.replica.row(me).length
        return [one for one in self.core.members() if one.theirs.get(me, 0) > length]

    def _is_believed(self, peer: PeerState) -> bool:
        is_new = self._is_new(peer)
        return peer.has_shown or is_new or self._is_coming(peer)

    def _is_coming(self, peer: PeerState) -> bool:
        """Say whether what the peer was asked for may be on its way."""
        is_slow = self.core.now_ms - peer.coming_ms < COMING_MS_MAX
        waited_ms = self._claim(peer).waited_ms
        return bool(peer.claim_ping) and is_slow and waited_ms < SLOW_MS_MAX

    def _is_new(self, peer: PeerState) -> bool:
        return self.core.now_ms - self._claim(peer).since_ms < CLAIM_MS_MAX

    def _claim(self, peer: PeerState) -> _RollbackClaim:
        claim = self._claims.setdefault(self._member(peer), _RollbackClaim(self.core.now_ms))
        if len(self._claims) > CLAIMS_KEPT_MAX:
            del self._claims[next(iter(self._claims))]
        return claim

    def _member(self, peer: PeerState) -> MemberId | None:
        """Return whose claim it is: of all peers whose member is not known yet it is one claim."""
        if peer.member is not None or peer.device is None:
            return peer.member
        return self.core.replica.member_of(peer.device)
