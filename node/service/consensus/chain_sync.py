"""Chain sync: telling peers how far the chain of seals goes here, and asking those that are ahead.

Every node does this, witness or not. Seals are verified by `SealChain`. A peer that sends a
height which provably does not follow is dropped. A peer may also be honest and stand on the
other branch of a fork of finality, or differ from the checkpoint that a link brought. Such a
peer is asked for its seals of our own heights, until both branches are proven or the peer is
shown to be wrong. This part keeps no seal that does not extend our own chain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica.chain import SealChain
from commonweal.protocol.errors import OtherCheckpoint
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.seal.chain import HEIGHTS_PER_FRAME_MAX
from commonweal.protocol.seal.cut import delta_from_bytes
from commonweal.protocol.seal.formats import SealedHeight, sealed_from_bytes
from commonweal.protocol.seal.votes import SealId
from commonweal.protocol.wire import messages
from commonweal.protocol.wire import seals as wire_seals

SEALS_BYTES_AIM = 448 * 1024
"""An answer with seals is closed at about this size; one seal fits in any case."""
PATIENCE_MS = 5_000
"""How long records are not fetched from a peer that was asked for the seals before them."""
PROOFS_AGAIN_MS = 5_000
"""How often a member is asked for proofs of double votes while seals wait to be folded."""
TELL_MS = 300
"""Minimum time between two messages that tell a peer the same height."""
DOUBT_MS_MAX = 60_000
"""How long a peer may take to show its seal of a height where it contradicts our chain."""
BRANCH_STEP = 8
"""Where the peer's branch is older than the heights it showed, the search goes this much lower."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A peer's word contradicts our chain; it was asked for its seals up to `height`.

    reason: why the peer is dropped if its seal of that height is ours. since_ms: when it was
    first asked.
    """

    height: int
    reason: str
    since_ms: int


@dataclass(slots=True)
class _Exchange:
    """What was said about heights on one link.

    told_height: the height that this node last told, -1 for none, at told_ms. asked_start: the
    first height that the peer was asked for, at asked_ms; 0 where no answer is awaited.
    apart_height: the first height where the peer has proven another seal than ours or than our
    checkpoint, 0 for none.
    """

    told_height: int = -1
    told_ms: int = 0
    asked_start: int = 0
    asked_ms: int = 0
    doubt: _Doubt | None = None
    apart_height: int = 0


class ChainSync:
    """The exchange of heights with every member's node."""

    def __init__(self, core: Core, chain: SealChain, held: Callable[[], bytes]) -> None:
        """held: returns the digest of what is held of the next height, or empty."""
        self.core, self.chain, self._held = core, chain, held
        self._refused = (0, "")
        """A certified height that differs from our checkpoint, and why it is not followed."""
        self._has_told_of_fork = False
        self._proofs_ms = 0
        self._exchanges: dict[PeerKey, _Exchange] = {}

    def left(self, key: PeerKey) -> None:
        """Forget what was said on a link that ended."""
        self._exchanges.pop(key, None)

    @property
    def alarm(self) -> str:
        """Why a certified seal is not followed, as long as no other one of its height came."""
        height, reason = self._refused
        return reason if self.chain.height < height else ""

    # Telling.

    def tell(self, peer: PeerState) -> None:
        """Tell a peer our height, and what is held of the next one."""
        chain, exchange = self.chain, self._of(peer)
        if peer.follows_seals:
            exchange.told_height, exchange.told_ms = chain.height, self.core.now_ms
            seal = bytes(chain.seal) if chain.height else b""
            self.core.send(peer, wire_seals.HeightStatus(chain.height, seal, self._held()))

    def tell_behind(self, peer: PeerState) -> None:
        """Tell our height to a peer that seems not to know it, unless that was just done."""
        again = self.silence_ms(peer) >= TELL_MS
        if self._of(peer).told_height != self.chain.height or again:
            self.tell(peer)

    def silence_ms(self, peer: PeerState) -> int:
        """Return how long ago a peer was last told our height."""
        return self.core.now_ms - self._of(peer).told_ms

    def asked(self, peer: PeerState, message: wire_seals.WantSeals) -> None:
        """Send the seals that a peer asks for, or an empty answer."""
        kept = self.chain.sound.given(message.start, HEIGHTS_PER_FRAME_MAX, SEALS_BYTES_AIM)
        self.core.send(peer, wire_seals.Seals(tuple((seal.sealed, seal.delta) for seal in kept)))

    # Asking.

    def met(self, peer: PeerState) -> None:
        """Ask a new peer for seals if its hello says that it is ahead."""
        if peer.height > self.chain.height:
            self.ask(peer)

    def told(self, peer: PeerState, message: wire_seals.HeightStatus) -> None:
        """Take in a peer's height: ask for what is missing here, tell what is missing there."""
        chain, apart = self.chain, self._of(peer).apart_height
        peer.height = message.height
        if apart and chain.fork is None and chain.height >= apart:
            self.ask(peer, apart)  # we have a seal of that height by now, so both can be shown
        elif message.height > chain.height:
            self.ask(peer)
        elif chain.fork is None and not self._is_ours(message):
            self.doubt(peer, message.height, "names another seal than it shows")
        elif message.height < chain.height:
            self.tell_behind(peer)

    def ask(self, peer: PeerState, start: int = 0) -> None:
        """Ask a peer for the seals after ours, or from `start` on.

        Nothing after ours is asked of a peer that is known to stand on another branch.
        """
        exchange = self._of(peer)
        waits = self.is_awaited(peer)
        place = start or self.chain.height + 1
        known = self.chain.point is not None and peer.follows_seals and self.core.keeps
        if not start and (exchange.apart_height or exchange.doubt is not None):
            return
        if known and not (waits and exchange.asked_start == place):
            exchange.asked_ms, exchange.asked_start = self.core.now_ms, place
            self.core.send(peer, wire_seals.WantSeals(place))

    def ask_any(self) -> None:
        """Ask one random member for the seals after ours, one that is ahead if there is any."""
        members = [peer for peer in self.core.members() if peer.follows_seals]
        ahead = [peer for peer in members if peer.height > self.chain.height]
        if ahead or members:
            self.ask(self.core.rng.choice(ahead or members))

    def ask_damaged(self, peer: PeerState) -> None:
        """Ask a member for the first seal that the disk changed here."""
        first, exchange = min(self.chain.sound.damaged, default=0), self._of(peer)
        is_apart = exchange.apart_height or exchange.doubt is not None
        if first and peer.height >= first and not is_apart:
            self.ask(peer, first)

    def ask_proofs(self) -> None:
        """Ask one random member for proofs of double votes, which a seal here may rest on."""
        members = [peer for peer in self.core.members() if peer.follows_seals]
        if members and self.core.now_ms - self._proofs_ms >= PROOFS_AGAIN_MS:
            self._proofs_ms = self.core.now_ms
            self.core.send(self.core.rng.choice(members), messages.WantEvidence(()))

    def is_awaited(self, peer: PeerState) -> bool:
        """Say whether a peer was just asked for the seals on which its records rest."""
        exchange = self._of(peer)
        return exchange.asked_ms > 0 and self.core.now_ms - exchange.asked_ms < PATIENCE_MS

    def seals(self, peer: PeerState, message: wire_seals.Seals) -> bool:
        """Take in seals that were asked for; say whether the chain grew.

        Raises what `SealChain.take` does when the seals are provably wrong.
        """
        exchange = self._of(peer)
        if not exchange.asked_ms:
            return False
        chain, before = self.chain, self.chain.height
        last = 0
        for sealed_data, delta_data in message.seals:
            sealed = sealed_from_bytes(sealed_data, chain.community)
            if not last and self._is_earlier_answer(exchange, sealed.seal.height):
                return False
            last = sealed.seal.height
            if last <= chain.height and last in chain.sound.damaged:
                chain.mend(sealed, delta_from_bytes(delta_data))
                continue
            if self._is_on_other_branch(peer, sealed):
                return chain.height > before
            try:
                chain.take(sealed, delta_from_bytes(delta_data))
            except OtherCheckpoint as error:
                exchange.apart_height, self._refused = last, (last, str(error))
                break
            if self._is_settled(peer, sealed):
                return chain.height > before
        if exchange.doubt is not None:
            self._go_on(peer, last)
            return chain.height > before
        exchange.asked_ms = 0
        peer.height = max(peer.height, chain.height)
        if message.seals and peer.height > chain.height > before:
            self.ask(peer)
        return chain.height > before

    # Contradictions.

    def doubt(self, peer: PeerState, height: int, reason: str) -> None:
        """Ask a peer that contradicts our seal of `height` for its own seal there.

        reason: why it is dropped if it shows our seal, or nothing in DOUBT_MS_MAX.
        """
        exchange = self._of(peer)
        if exchange.doubt is None and not exchange.apart_height:
            exchange.doubt, exchange.asked_ms = _Doubt(height, reason, self.core.now_ms), 0
            self.ask(peer, height)

    def tick(self) -> None:
        """Drop peers that did not show their seal in time; call it every second.

        After a fork was found every member is told our seal, once: who stands on the other branch
        asks for it and shows its own, so that both have the proof.
        """
        tells_all = self.chain.fork is not None and not self._has_told_of_fork
        self._has_told_of_fork = self._has_told_of_fork or tells_all
        for peer in self.core.members():
            if tells_all:
                self.tell(peer)
            doubt = self._of(peer).doubt
            if doubt is not None and self.core.now_ms - doubt.since_ms > DOUBT_MS_MAX:
                self.core.drop(peer, doubt.reason)

    def _of(self, peer: PeerState) -> _Exchange:
        return self._exchanges.setdefault(peer.key, _Exchange())

    def _is_ours(self, message: wire_seals.HeightStatus) -> bool:
        """Say whether a peer that is not ahead names a seal of our chain; it may name none."""
        if not message.seal or message.height < self.chain.first:
            return True
        chain, height = self.chain, message.height
        return chain.seals.height_of(SealId(message.seal)) == height or not chain.sound.at(height)

    def _is_earlier_answer(self, exchange: _Exchange, first: int) -> bool:
        """Say whether these seals answer a question that was asked before the doubt."""
        return exchange.doubt is not None and first != exchange.asked_start

    def _is_on_other_branch(self, peer: PeerState, sealed: SealedHeight) -> bool:
        """Say whether a seal follows another one than ours; then the peer is asked for that one.

        Where the chain begins, all peers have the same seal, so a seal that follows none of ours
        is left to `SealChain.take` to refuse.
        """
        chain, height = self.chain, sealed.seal.height
        if not chain.first < height <= chain.height + 1:
            return False
        if chain.seals.height_of(sealed.seal.prev) == height - 1 or not chain.sound.at(height - 1):
            return False
        exchange, reason = self._of(peer), f"height {height} does not follow {height - 1}"
        if exchange.doubt is None:
            self.doubt(peer, height - 1, reason)
        else:
            first = max(chain.first, chain.height + 1 - BRANCH_STEP * (chain.height + 2 - height))
            start = min(first, height - 1)
            exchange.doubt = _Doubt(height - 1, reason, exchange.doubt.since_ms)
            self.ask(peer, start)
        return True

    def _is_settled(self, peer: PeerState, sealed: SealedHeight) -> bool:
        """Say whether this seal, which was compared with ours, ends a doubt.

        Another certified seal than ours proves the fork, which is kept by now, and the link
        stays. The same seal as ours proves that the peer was wrong, and it is dropped.
        """
        exchange, height = self._of(peer), sealed.seal.height
        doubt = exchange.doubt
        if height > self.chain.height:
            return False
        if self.chain.seals.height_of(sealed.seal.id) != height:
            exchange.doubt, exchange.asked_ms = None, 0
            exchange.apart_height = height
            return True
        if doubt is not None and height >= doubt.height:
            self.core.drop(peer, doubt.reason)
            return True
        return False

    def _go_on(self, peer: PeerState, last: int) -> None:
        """Ask for the heights after `last`, up to where the doubt is; 0 for an empty answer."""
        if last:
            self.ask(peer, last + 1)
