"""What every part of the service works on: the replica, the peers, the clock, the actions.

It limits what one peer can make this node send between two commits, and records why links end.
It performs nothing: actions are returned to the driver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from commonweal.node.service.events import Action, Drop, Send
from commonweal.node.service.peer import Identity, PeerState
from commonweal.node.service.replica.replica import Replica
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.seal.timing import BACK_MS_MIN
from commonweal.protocol.wire import frame_codec, messages

if TYPE_CHECKING:
    from random import Random

OUT_OF_PLACE_MAX = 64
"""Messages that a peer may not send yet and that are ignored; one more ends the link."""
TURN_BYTES_MAX = 8 * 1024 * 1024
TURN_FRAMES_MAX = 16_384
"""What one peer can make this node send between two commits: the outbox of a link."""
ENDS_KEPT_MAX = 256
"""Peers for which the end of their last link is remembered."""


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """Why and when the last link of a peer ended; dropped: why this node last closed one to it."""

    reason: str
    at_ms: int
    dropped: str | None
    device: DeviceKey | None
    address: str


@dataclass(slots=True)
class _Turn:
    """What was sent to a peer since the last commit."""

    bytes: int = 0
    frames: int = 0


@dataclass(slots=True)
class Core:
    """The shared state of the service. peers: the connected ones, in the order of connecting."""

    replica: Replica
    me: Identity
    rng: Random
    now_ms: int = 0
    peers: dict[PeerKey, PeerState] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    ends: dict[PeerKey, LinkEnd] = field(default_factory=dict)
    keeps: bool = True
    """False while the disk takes no changes: records are served, and none are taken in."""
    _turns: dict[PeerKey, _Turn] = field(default_factory=dict)
    _out_of_place: dict[PeerKey, int] = field(default_factory=dict)

    def tell_time(self, now_ms: int) -> None:
        """Set the time; where our clock was changed, correct the skews of peers by the step."""
        step_ms = now_ms - self.now_ms
        if self.now_ms and abs(step_ms) >= BACK_MS_MIN:
            for peer in self.peers.values():
                peer.skew_ms -= step_ms
        self.now_ms = now_ms

    def do(self, action: Action) -> None:
        """Add an action for the driver."""
        self.actions.append(action)

    def send(self, peer: PeerState, message: messages.Message) -> None:
        """Send `message`, or drop a peer that asks for more than a link takes at once."""
        frame = frame_codec.encode(message)
        turn = self._turns.setdefault(peer.key, _Turn())
        turn.bytes += len(frame)
        turn.frames += 1
        if turn.bytes > TURN_BYTES_MAX or turn.frames > TURN_FRAMES_MAX:
            self.drop(peer, "asks for more at once than a link takes")
        else:
            self.actions.append(Send(peer.key, frame))

    def committed(self) -> None:
        """Begin a new turn for every peer."""
        self._turns.clear()

    def is_linked(self, peer: PeerState) -> bool:
        """Say whether the link to this peer still stands."""
        return self.peers.get(peer.key) is peer

    def drop(self, peer: PeerState, reason: str) -> None:
        """Close the link to a peer that broke the protocol or is silent."""
        if self.peers.pop(peer.key, None) is not None:
            self.actions.append(Drop(peer.key, reason))
            self.ended(peer, reason, by_us=True)

    def out_of_place(self, peer: PeerState) -> None:
        """Ignore a message that the peer may not send yet; drop a peer that repeats it.

        It may be meant for the link that this one replaced. Or others told the peer that its
        device is a member's before this node learned it.
        """
        count = self._out_of_place[peer.key] = self._out_of_place.get(peer.key, 0) + 1
        if count > OUT_OF_PLACE_MAX:
            self.drop(peer, "speaks out of place")

    def ended(self, peer: PeerState, reason: str, *, by_us: bool) -> None:
        """Record why a link ended. Ends of strangers are forgotten before those of devices."""
        before = self.ends.pop(peer.key, None)
        if len(self.ends) >= ENDS_KEPT_MAX:
            strangers = (key for key, end in self.ends.items() if end.device is None)
            del self.ends[next(strangers, next(iter(self.ends)))]
        device, dropped = peer.device, reason if by_us else None
        if before is not None:
            device, dropped = device or before.device, dropped or before.dropped
        self.ends[peer.key] = LinkEnd(reason, self.now_ms, dropped, device, peer.address)

    def left(self, key: PeerKey) -> None:
        """Forget what a peer sent and was sent on a link that ended."""
        self._turns.pop(key, None)
        self._out_of_place.pop(key, None)

    def members(self) -> list[PeerState]:
        """Return the peers that are members' nodes, in the order of connecting."""
        return [peer for peer in self.peers.values() if peer.is_member]

    def keepers(self) -> list[PeerState]:
        """Return the members' nodes that keep the whole ledger: only these hold a record."""
        return [peer for peer in self.members() if not peer.is_light]
