"""One link to a peer, as far as the service remembers it, and what all parts of it share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from commonweal.node.service.events import Action, Drop, Send
from commonweal.node.service.replica import Replica
from commonweal.node.transport import TrustLevel
from commonweal.protocol import keys
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import DeviceKey, MemberId, PeerKey, Signer
from commonweal.protocol.records.fork_proof import ForkProof
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.timing import BACK_MS_MIN
from commonweal.protocol.wire import frame_codec, messages

if TYPE_CHECKING:
    from random import Random

FRAMES_IN_FLIGHT_MAX = 8
"""Frames of records that a peer sends before we said that we took them."""

OUT_OF_PLACE_MAX = 64
"""Messages of a peer that he may not say and that are passed over; with one more he is dropped."""
TURN_BYTES_MAX = 8 * 1024 * 1024
TURN_FRAMES_MAX = 16_384
"""What one peer can make us send between two commits: as much as a link's outbox holds."""
LOGS_NAMED_MAX = 65_536
"""Logs of which one peer may hold another number of records than we."""

SLOW_BYTES_PER_S = 64 * 1024
"""Below this another peer is tried who has the same, and whose pace is not known."""

ENDS_KEPT_MAX = 256
"""Peers of which it is remembered why their last link ended."""


@dataclass(slots=True)
class Identity:
    """Who this node is: the keys with which the device signs records, and its host its links."""

    signer: Signer
    host: Signer

    @property
    def device(self) -> DeviceKey:
        """The device, as author of its log."""
        return DeviceKey(self.signer.key)

    @property
    def peer(self) -> PeerKey:
        """The peer, as the other end of a link knows it."""
        return PeerKey(self.host.key)

    @classmethod
    def of(cls, device_seed: bytes) -> Identity:
        """Return who the node of a device with this seed is."""
        return cls(keys.device_signer(device_seed), keys.peer_signer(device_seed))


@dataclass(slots=True)
class PeerState:
    """What we know of one connected peer.

    theirs: lengths of logs of which the peer holds another number of records than we;
    where it is silent the peer had as many as we at the last commit. sent: lengths that
    we sent and the peer has not confirmed. wanted: how far each log goes there that we
    lack; fetching: the part of it that was asked for. in_flight: frames it asked for and
    has not taken yet. height: how far it sealed; told_height: how far we said that we did;
    asked_ms: when it was asked for seals that did not come yet, else 0.
    """

    key: PeerKey
    address: str
    outbound: bool
    since_ms: int
    heard_ms: int
    trust: TrustLevel = TrustLevel.STRANGER
    greeted: bool = False
    device: DeviceKey | None = None
    """The device that was enrolled with this peer key; nothing that the peer only claims."""
    member: MemberId | None = None
    """The member of an admitted device; None where only our link names the peer."""
    invite: RecordId | None = None
    out_of_place: int = 0
    skew_ms: int = 0
    compared: bool = False
    base: bytes = b""
    base_mark: int = 0
    compare_mark: int = 0
    compare_digest: bytes = b""
    compare_ms: int = 0
    theirs: dict[DeviceKey, int] = field(default_factory=dict)
    sent: dict[DeviceKey, int] = field(default_factory=dict)
    wanted: dict[DeviceKey, int] = field(default_factory=dict)
    fetching: dict[DeviceKey, int] = field(default_factory=dict)
    probing: dict[DeviceKey, int] = field(default_factory=dict)
    has_shown: bool = False
    """Whether it showed a record of our own log that we lack."""
    claim_ping: int = 0
    """The ping behind the question for it, as long as it did not come back."""
    coming: int = 0
    """So many bytes have come of a frame that is not whole yet."""
    coming_ms: int = 0
    """When some of such a frame last came; and when the peer was last told."""
    told_coming_ms: int = 0
    fetched_ms: int = 0
    """When it was last asked for records."""
    turn_ms: int = 0
    brought: int = 0
    """Bytes of records that we lacked, since `turn_ms`."""
    pace: int | None = None
    """How many came in a second, when that was last measured."""
    progress_ms: int = 0
    news_ms: int = 0
    """When the peer last brought records that we lacked."""
    stalled_ms: int = 0
    """When it was last given up, since it sent nothing of what it was asked for."""
    spare_proof: ForkProof | None = None
    """The last that it sent for which there was no room."""
    refolded_ms: int = 0
    """When not all that it brought could be kept, after it was folded."""
    remaining: int = 0
    in_flight: int = 0
    acks: dict[DeviceKey, int] = field(default_factory=dict)
    took: int = 0
    parts: dict[bytes, bytearray] = field(default_factory=dict)
    asked_bodies: dict[bytes, None] = field(default_factory=dict)
    body_ms: int = 0
    """When the peer last sent some of these, or was asked for the first."""
    branches: dict[RecordId, int] = field(default_factory=dict)
    """How many records of the void chain to one that it asked for were sent."""
    turn_bytes: int = 0
    turn_frames: int = 0
    follows_seals: bool = False
    height: int = 0
    told_height: int = -1
    told_ms: int = 0
    held_ms: int = 0
    asked_start: int = 0
    asked_ms: int = 0

    @property
    def is_member(self) -> bool:
        """Whether the peer proved to be a member's."""
        return self.trust is TrustLevel.MEMBER

    @property
    def is_slow(self) -> bool:
        """Whether the peer brought little when that was last measured."""
        return self.pace is not None and self.pace < SLOW_BYTES_PER_S

    def has(self, author: DeviceKey, ours: int) -> int:
        """Return how many records of a log the peer has or was sent; `ours` where it is silent."""
        return max(self.theirs.get(author, ours), self.sent.get(author, 0))

    def confirm(self, author: DeviceKey, length: int, ours: int) -> None:
        """Note that the peer keeps `length` records of a log of which we hold `ours`.

        Raises `Malformed` when he named more logs than anybody has.
        """
        if length == ours:
            self.theirs.pop(author, None)
        elif author not in self.theirs and len(self.theirs) >= LOGS_NAMED_MAX:
            raise Malformed(f"names more than {LOGS_NAMED_MAX} logs that are not here")
        else:
            self.theirs[author] = length
        if self.sent.get(author, 0) <= length:
            self.sent.pop(author, None)


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """Why a peer's last link ended, and when; dropped: why this node last closed one to it."""

    reason: str
    at_ms: int
    dropped: str | None
    device: DeviceKey | None
    address: str


@dataclass(slots=True)
class Core:
    """What the parts of the service work on: the replica, the sessions, and what is to be done."""

    replica: Replica
    me: Identity
    rng: Random
    now_ms: int = 0
    peers: dict[PeerKey, PeerState] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    ends: dict[PeerKey, LinkEnd] = field(default_factory=dict)
    keeps: bool = True
    """False while the disk takes no changes: what is held is served, and nothing is taken in."""

    def tell_time(self, now_ms: int) -> None:
        """Let it be so late; what a clock that is set differs from those of peers is corrected."""
        step_ms = now_ms - self.now_ms
        if self.now_ms and abs(step_ms) >= BACK_MS_MIN:
            for peer in self.peers.values():
                peer.skew_ms -= step_ms
        self.now_ms = now_ms

    def do(self, action: Action) -> None:
        """Add to what is to be done."""
        self.actions.append(action)

    def send(self, peer: PeerState, message: messages.Message) -> None:
        """Send `message` to a peer; drop him when that is more than a link takes at once."""
        frame = frame_codec.encode(message)
        peer.turn_bytes += len(frame)
        peer.turn_frames += 1
        if peer.turn_bytes > TURN_BYTES_MAX or peer.turn_frames > TURN_FRAMES_MAX:
            self.drop(peer, "asks for more at once than a link takes")
        else:
            self.actions.append(Send(peer.key, frame))

    def is_linked(self, peer: PeerState) -> bool:
        """Say whether the session still stands."""
        return self.peers.get(peer.key) is peer

    def drop(self, peer: PeerState, reason: str) -> None:
        """Close the link to a peer that broke the protocol or is silent."""
        if self.peers.pop(peer.key, None) is not None:
            self.actions.append(Drop(peer.key, reason))
            self.ended(peer, reason, by_us=True)

    def out_of_place(self, peer: PeerState) -> None:
        """Pass over what a peer may not say here, a second hello too, unless he goes on and on.

        It may be meant for the link that this one replaced, or come from one who learned
        from others that he is a member, before we did.
        """
        peer.out_of_place += 1
        if peer.out_of_place > OUT_OF_PLACE_MAX:
            self.drop(peer, "speaks out of place")

    def ended(self, peer: PeerState, reason: str, *, by_us: bool) -> None:
        """Remember why a link ended, for who asks about the peer; strangers push nobody out."""
        before = self.ends.pop(peer.key, None)
        if len(self.ends) >= ENDS_KEPT_MAX:
            strangers = (key for key, end in self.ends.items() if end.device is None)
            del self.ends[next(strangers, next(iter(self.ends)))]
        device, dropped = peer.device, reason if by_us else None
        if before is not None:
            device, dropped = device or before.device, dropped or before.dropped
        self.ends[peer.key] = LinkEnd(reason, self.now_ms, dropped, device, peer.address)

    def members(self) -> list[PeerState]:
        """Return the sessions with members, in the order of connecting."""
        return [peer for peer in self.peers.values() if peer.is_member]
