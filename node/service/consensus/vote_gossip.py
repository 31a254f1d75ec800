"""What witnesses say to each other: to whom it goes, and what of it is heard.

Votes and have-frontiers go over the open streams to the witnesses that are linked, and as
gossip too when one of them is not. Proposals, which are large, go over streams alone and
are asked for where they did not come. Whatever is lost, peers find by comparing digests
of what they hold. Only messages of who is, or may become, a witness are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.node.service.chain import SealChain
from commonweal.node.service.core import Core
from commonweal.node.service.events import Publish
from commonweal.node.service.peer import PeerState
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
"""Messages that are kept and remembered by their hashes, so that none is checked twice."""

GOSSIP_AGAIN_MS = 4_000
"""What is said again every second is gossiped again only so often."""

GOSSIPED_MAX = 64

PROOFS_TOLD_MAX = 16 * messages.EVIDENCE_MAX
"""So many proofs of double votes are sent at a time; of more, some by chance."""


class VoteGossip:
    """The mouth and the ears of the agreement."""

    def __init__(self, core: Core, chain: SealChain) -> None:
        self.core, self.chain = core, chain
        self.topic = topic(chain.community, SEALS)
        self._known: dict[bytes, None] = {}
        self._gossiped: dict[bytes, int] = {}

    def say(self, message: Message, candidates: Sequence[DeviceKey] = ()) -> None:
        """Send a message of ours to all witnesses; what we have to `candidates` too.

        Those who would be witnesses show what they have when they hear that others do.
        """
        data = message_to_bytes(message)
        linked = [one for one in self.core.members() if one.follows_seals]
        seated = witness_devices(self.chain.point.witnesses) if self.chain.point else ()
        hearers = (*seated, *candidates) if isinstance(message, HaveFrontier) else seated
        here = {self.core.me.device, *(one.device for one in linked)}
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
        proofs = [double_vote_to_bytes(one) for one in self.chain.seals.double_votes().values()]
        if len(proofs) > PROOFS_TOLD_MAX:
            proofs = self.core.rng.sample(proofs, PROOFS_TOLD_MAX)
        for start in range(0, len(proofs), messages.EVIDENCE_MAX):
            some = tuple(proofs[start : start + messages.EVIDENCE_MAX])
            self.core.send(peer, messages.Evidence(some))

    def tell(self, peer: PeerState, message: Message) -> None:
        """Send a message to one peer, whoever said it first."""
        self._send(peer, message_to_bytes(message))

    def read(self, data: bytes) -> Message | None:
        """Return what was heard, its signatures checked; None when it is `known`.

        Raises `Malformed` or `BadSignature`.
        """
        if keys.hash32(keys.HELD, data) in self._known:
            return None
        return message_from_bytes(data, self.chain.community)

    def know(self, data: bytes) -> None:
        """Note that a message was kept, so that it need not be read again."""
        if len(self._known) >= KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._known[keys.hash32(keys.HELD, data)] = None

    def forget(self) -> None:
        """Let nothing count as known, as after a change that was not kept."""
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
    """Return who said it."""
    return message.vote.device if isinstance(message, Proposal) else message.device


def digest(held: list[Message]) -> bytes:
    """Return what is equal where the same was heard; empty for nothing.

    Made of signatures alone: the reason of a vote is signed by nobody.
    """
    signatures = sorted(
        one.signature
        for one in held
        if isinstance(one, HaveFrontier) or (isinstance(one, Vote) and one.step is not Step.PROPOSE)
    )
    return keys.hash32(keys.HELD, *signatures) if signatures else b""
