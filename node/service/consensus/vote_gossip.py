"""Vote gossip: to which peers messages of witnesses are sent, and which of them are known.

Votes and have-frontiers go over the open streams to linked witnesses, and by gossip too when a
witness is not linked. Proposals, which are large, use streams only and are asked for when they
did not come. Lost messages are found by comparing digests of what is held. Only messages of
witnesses and candidates are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.node.service.core import Core
from commonweal.node.service.events import Publish
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica.chain import SealChain
from commonweal.node.service.sync.announce import SEALS, topic
from commonweal.protocol import keys
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.consensus.messages import message_from_bytes, message_to_bytes
from commonweal.protocol.seal.formats import Proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.votes import Certificate, DoubleVote, Step, Vote, double_vote_to_bytes
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.protocol.wire import messages, seals

KNOWN_MAX = 4_096
"""Kept messages that are remembered by their hashes, 180 bytes each, so that none is read twice."""

GOSSIP_AGAIN_MS = 4_000
"""Minimum time between two publications of one message, which is repeated every second."""

GOSSIPED_MAX = 64

PROOFS_TOLD_MAX = 16 * messages.EVIDENCE_MAX
"""Proofs of double votes that are sent at a time; of more, a random sample."""


class VoteGossip:
    """The messages of witnesses that are sent, and those that are known."""

    def __init__(self, core: Core, chain: SealChain) -> None:
        self.core, self.chain = core, chain
        self.topic = topic(chain.community, SEALS)
        self._known: dict[bytes, int] = {}
        """Hashes of kept messages, and the height that each is about."""
        self._height = 0
        """The height of the last seal when messages were last forgotten."""
        self._gossiped: dict[bytes, int] = {}

    def say(self, message: Message, candidates: Sequence[DeviceKey] = ()) -> None:
        """Send a message of ours to all witnesses; a have-frontier to `candidates` too.

        Candidates show their have-frontier when they hear that of another device.
        """
        data = message_to_bytes(message)
        linked = [peer for peer in self.core.members() if peer.follows_seals]
        seated = witness_devices(self.chain.point.witnesses) if self.chain.point else ()
        hearers = (*seated, *candidates) if isinstance(message, HaveFrontier) else seated
        here = {self.core.me.device, *(peer.device for peer in linked)}
        all_here = all(device in here for device in seated)
        if isinstance(message, Certificate):
            return self._gossip(data)
        for peer in linked:
            if peer.device in hearers or (isinstance(message, Proposal) and not all_here):
                self._send(peer, data)
        if not all_here and not isinstance(message, Proposal):
            self._gossip(data)
        return None

    def report(self, proof: DoubleVote) -> None:
        """Tell all members that a device voted twice."""
        for peer in self.core.members():
            if peer.follows_seals:
                self.core.send(peer, messages.Evidence((double_vote_to_bytes(proof),)))

    def tell_proofs(self, peer: PeerState) -> None:
        """Send a peer the proofs of double votes that are held here."""
        proofs = [double_vote_to_bytes(proof) for proof in self.chain.seals.double_votes().values()]
        if len(proofs) > PROOFS_TOLD_MAX:
            proofs = self.core.rng.sample(proofs, PROOFS_TOLD_MAX)
        for start in range(0, len(proofs), messages.EVIDENCE_MAX):
            some = tuple(proofs[start : start + messages.EVIDENCE_MAX])
            self.core.send(peer, messages.Evidence(some))

    def tell(self, peer: PeerState, message: Message) -> None:
        """Send a message to one peer, whichever device signed it."""
        self._send(peer, message_to_bytes(message))

    def read(self, data: bytes) -> Message | None:
        """Return the message that was heard, verified; None when it is known.

        Raises `Malformed` or `BadSignature`.
        """
        if keys.hash32(keys.HELD, data) in self._known:
            return None
        return message_from_bytes(data, self.chain.community)

    def know(self, data: bytes, height: int) -> None:
        """Note that a message was kept, so that it need not be read again.

        Messages about heights before the last seal's are forgotten: nobody sends them any more.
        """
        sealed = self.chain.height
        if sealed != self._height:
            self._height = sealed
            self._known = {name: of for name, of in self._known.items() if of >= sealed}
        if len(self._known) >= KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._known[keys.hash32(keys.HELD, data)] = height

    def forget(self) -> None:
        """Forget which messages are known, as after a commit that failed."""
        self._known.clear()

    def _send(self, peer: PeerState, data: bytes) -> None:
        if len(data) <= seals.SAID_BYTES_MAX:
            self.core.send(peer, seals.ConsensusMessage(data))

    def _gossip(self, data: bytes) -> None:
        name, now_ms = keys.hash32(keys.HELD, data), self.core.now_ms
        if now_ms - self._gossiped.get(name, -GOSSIP_AGAIN_MS) < GOSSIP_AGAIN_MS:
            return
        if self.core.members():
            if len(self._gossiped) >= GOSSIPED_MAX:
                del self._gossiped[next(iter(self._gossiped))]
            self._gossiped[name] = now_ms
            self.core.do(Publish(self.topic, data))


def height_of(message: Message) -> int:
    """Return the height that a message is about."""
    return message.seal.height if isinstance(message, Proposal) else message.height


def speaker(message: Vote | Proposal | HaveFrontier) -> DeviceKey:
    """Return the device that signed a message."""
    return message.vote.device if isinstance(message, Proposal) else message.device


def digest(held: list[Message]) -> bytes:
    """Return a digest that is equal on nodes that heard the same; empty for nothing.

    Made of signatures alone: the reason of a vote is signed by nobody.
    """
    signatures = sorted(
        message.signature
        for message in held
        if isinstance(message, HaveFrontier)
        or (isinstance(message, Vote) and message.step is not Step.PROPOSE)
    )
    return keys.hash32(keys.HELD, *signatures) if signatures else b""
