"""Rollback detection: is this home an older copy of itself?

A device that went on writing from an older copy would fork its log, so it waits while a member
claims to hold more of it. Any member can claim that; so the peer is asked to show one of those
records, which only this device could have signed. After CLAIM_MS_MAX without such a record the
claim is ignored. This time is counted once for each member while the node runs, whatever
devices and links the member uses. It is extended on a slow link, as long as bytes arrive that
may contain the answer. Claims of peers that are no members are never believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.protocol.errors import InvalidRecord, Malformed
from commonweal.protocol.keys import MemberId, PeerKey
from commonweal.protocol.records import log
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.protocol.wire import messages

CLAIM_MS_MAX = 30_000
"""How long a member's claim counts without a record, once while the node runs."""
ASK_MS = 5_000
SLOW_MS_MAX = 600_000
"""How long in all an answer of one member may be under way while the node runs."""
COMING_MS_MAX = 5_000
"""After this time without a part of a large frame nothing is under way from a peer."""
CLAIMS_KEPT_MAX = 1_024
"""Members whose claims are remembered; beyond that the oldest is forgotten."""


@dataclass(slots=True)
class _RollbackClaim:
    """When a member first claimed it, and how long its answers were under way since."""

    since_ms: int
    waited_ms: int = 0


@dataclass(slots=True)
class _Question:
    """What one peer was asked.

    has_shown: whether it showed a record of our log that is not held. ping: the number of the
    ping that followed the question, 0 once it came back. coming_ms: when a part of a frame
    last came.
    """

    has_shown: bool = False
    ping: int = 0
    coming_ms: int = 0


class RollbackDetector:
    """The peers that claim to hold more of our log, and since when."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._claims: dict[MemberId | None, _RollbackClaim] = {}
        self._questions: dict[PeerKey, _Question] = {}
        self._asked_ms = self._ticked_ms = 0

    def left(self, key: PeerKey) -> None:
        """Forget what a peer was asked; the claim of its member stays."""
        self._questions.pop(key, None)

    def is_older(self) -> bool:
        """Say whether this may be an older copy of our home."""
        believed = [self._is_believed(peer) for peer in self._claiming()]
        return True in believed

    def ask(self) -> None:
        """Ask each peer with an unproven claim for the next record of our log; call each second.

        The ping that follows the question comes back after the answer.
        """
        now_ms, me = self.core.now_ms, self.core.me.device
        claiming = [peer for peer in self._claiming() if not self._of(peer).has_shown]
        coming = [peer for peer in claiming if not self._is_new(peer) and self._is_coming(peer)]
        for peer in {self._member(peer): peer for peer in coming}.values():
            self._claim(peer).waited_ms += now_ms - self._ticked_ms
        self._ticked_ms = now_ms
        if now_ms - self._asked_ms < ASK_MS:
            return
        self._asked_ms = now_ms
        length = self.core.replica.row(me).length
        for peer in claiming:
            self._is_new(peer)
            question = self._of(peer)
            if not question.ping:
                question.ping = now_ms
                wanted = messages.Range(me, length, length + 1)
                self.core.send(peer, messages.WantRecords((wanted,)))
                self.core.send(peer, messages.Ping(now_ms))

    def coming(self, peer: PeerState) -> None:
        """Note that a part of a frame has come from a peer."""
        self._of(peer).coming_ms = self.core.now_ms

    def answered(self, peer: PeerState, number: int) -> None:
        """Note that a peer answered what was asked before this ping."""
        question = self._of(peer)
        if number == question.ping:
            question.ping = 0

    def look(self, peer: PeerState, runs: Sequence[messages.Run]) -> None:
        """Note that a peer shows what it claims, whether or not it can be taken in yet."""
        me = self.core.me.device
        length = self.core.replica.row(me).length
        for run in runs:
            if run.author == me and run.wires and run.start + len(run.wires) > length:
                with suppress(InvalidRecord, Malformed):
                    last = from_bytes_unchecked(run.wires[-1])
                    shown = last.author == me and last.seq >= length and log.is_signed(last)
                    question = self._of(peer)
                    question.has_shown = question.has_shown or shown

    def _of(self, peer: PeerState) -> _Question:
        return self._questions.setdefault(peer.key, _Question())

    def _claiming(self) -> list[PeerState]:
        me = self.core.me.device
        length = self.core.replica.row(me).length
        return [peer for peer in self.core.members() if peer.theirs.get(me, 0) > length]

    def _is_believed(self, peer: PeerState) -> bool:
        is_new = self._is_new(peer)
        return self._of(peer).has_shown or is_new or self._is_coming(peer)

    def _is_coming(self, peer: PeerState) -> bool:
        """Say whether the answer of a peer may be under way."""
        question = self._of(peer)
        is_slow = self.core.now_ms - question.coming_ms < COMING_MS_MAX
        waited_ms = self._claim(peer).waited_ms
        return bool(question.ping) and is_slow and waited_ms < SLOW_MS_MAX

    def _is_new(self, peer: PeerState) -> bool:
        return self.core.now_ms - self._claim(peer).since_ms < CLAIM_MS_MAX

    def _claim(self, peer: PeerState) -> _RollbackClaim:
        claim = self._claims.setdefault(self._member(peer), _RollbackClaim(self.core.now_ms))
        if len(self._claims) > CLAIMS_KEPT_MAX:
            del self._claims[next(iter(self._claims))]
        return claim

    def _member(self, peer: PeerState) -> MemberId | None:
        """Return whose claim it is; peers whose member is not known yet share one claim."""
        if peer.member is not None or peer.device is None:
            return peer.member
        return self.core.replica.member_of(peer.device)
