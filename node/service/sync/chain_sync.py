"""Following the chain of seals: telling peers how far it goes here, and asking who is further.

Every node does this, witness or not. What comes is verified by `chain`; whoever sends a
height that does not follow is dropped. Each message stands alone: a lost one costs the
time until the next comparison.
"""

from __future__ import annotations

from collections.abc import Callable

from commonweal.node.service.chain import SealChain
from commonweal.node.service.peer import Core, PeerState
from commonweal.protocol.seal.chain import HEIGHTS_PER_FRAME_MAX
from commonweal.protocol.seal.cut import delta_from_bytes
from commonweal.protocol.seal.formats import sealed_from_bytes
from commonweal.protocol.wire import messages
from commonweal.protocol.wire import seals as wire_seals

SEALS_BYTES_AIM = 448 * 1024
"""An answer with seals is closed at about this size; one seal fits in any case."""

PATIENCE_MS = 5_000
"""So long records are not fetched from a peer that was asked for the seals before them."""

PROOFS_AGAIN_MS = 5_000
"""So often somebody is asked for proofs of double votes, while seals wait to be folded."""

TELL_MS = 300
"""The shortest pause between two tellings of one height to one peer."""


class ChainSync:
    """The exchange of heights with every member's session."""

    def __init__(self, core: Core, chain: SealChain, held: Callable[[], bytes]) -> None:
        """Held: gives the digest of what is held of the height that is agreed on, or empty."""
        self.core, self.chain, self._held = core, chain, held
        self._proofs_ms = 0

    def tell(self, peer: PeerState) -> None:
        """Say how far this node sealed, and what it holds of the next height."""
        chain = self.chain
        if peer.follows_seals:
            peer.told_height, peer.told_ms = chain.height, self.core.now_ms
            seal = bytes(chain.seal) if chain.height else b""
            self.core.send(peer, wire_seals.HeightStatus(chain.height, seal, self._held()))

    def tell_behind(self, peer: PeerState) -> None:
        """Say it to one who seems not to know, unless that was just done."""
        again = self.core.now_ms - peer.told_ms >= TELL_MS
        if peer.told_height != self.chain.height or again:
            self.tell(peer)

    def met(self, peer: PeerState) -> None:
        """Note that a peer came, and how far he is by his hello."""
        if peer.height > self.chain.height:
            self.ask(peer)

    def told(self, peer: PeerState, message: wire_seals.HeightStatus) -> None:
        """Take in how far a peer sealed: ask him for what lacks here, or tell what lacks there."""
        chain = self.chain
        peer.height = message.height
        if message.height > chain.height:
            self.ask(peer)
        elif message.height < chain.height:
            self.tell_behind(peer)
        elif message.height and message.seal != chain.seal and chain.fork is None:
            self.ask(peer, message.height)  # two seals of one height: see its certificate

    def ask(self, peer: PeerState, start: int = 0) -> None:
        """Ask a peer for the seals after ours, or from `start` on."""
        waits = self.core.now_ms - peer.asked_ms < PATIENCE_MS and peer.asked_ms > 0
        place = start or self.chain.height + 1
        known = self.chain.point is not None and peer.follows_seals and self.core.keeps
        if known and not (waits and peer.asked_start == place):
            peer.asked_ms, peer.asked_start = self.core.now_ms, place
            self.core.send(peer, wire_seals.WantSeals(place))

    def ask_somebody(self) -> None:
        """Ask one random member for the seals after ours."""
        members = [one for one in self.core.members() if one.follows_seals]
        ahead = [one for one in members if one.height > self.chain.height]
        if ahead or members:
            self.ask(self.core.rng.choice(ahead or members))

    def ask_proofs(self) -> None:
        """Ask one random member for proofs of double votes, which a seal here may rest on."""
        members = [one for one in self.core.members() if one.follows_seals]
        if members and self.core.now_ms - self._proofs_ms >= PROOFS_AGAIN_MS:
            self._proofs_ms = self.core.now_ms
            self.core.send(self.core.rng.choice(members), messages.WantEvidence(()))

    def asked(self, peer: PeerState, message: wire_seals.WantSeals) -> None:
        """Send the seals that a peer asks for; none when there are none."""
        found = self.chain.seals.chain(message.start, HEIGHTS_PER_FRAME_MAX, SEALS_BYTES_AIM)
        self.core.send(peer, wire_seals.Seals(tuple((one.sealed, one.delta) for one in found)))

    def seals(self, peer: PeerState, message: wire_seals.Seals) -> bool:
        """Take in seals that were asked for; say whether the chain grew.

        Raises what `Chain.take` does, which is the sender's fault.
        """
        if not peer.asked_ms:
            return False
        peer.asked_ms = 0
        chain, before = self.chain, self.chain.height
        for sealed, delta in message.seals:
            chain.take(sealed_from_bytes(sealed, chain.community), delta_from_bytes(delta))
        peer.height = max(peer.height, chain.height)
        if message.seals and peer.height > chain.height > before:
            self.ask(peer)
        return chain.height > before

    def is_awaited(self, peer: PeerState) -> bool:
        """Say whether a peer was just asked for the seals on which his records rest."""
        return peer.asked_ms > 0 and self.core.now_ms - peer.asked_ms < PATIENCE_MS
