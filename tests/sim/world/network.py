"""A virtual network that behaves to a node as `node.network` does, and to links as weather does.

A link is one ordered stream each way. It may break at any moment, and then what was under
way is lost and either end learns of it in its own time. A stranger's frames are limited, one
of them waits at a time, and it is dropped when no member admits it. Of two links that two
nodes dial at once the one of the smaller key stays.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from random import Random
from typing import Protocol

from commonweal.node.transport import (
    FRAME_BYTES_MAX,
    FRAME_PROGRESS_MS,
    GUEST_FRAME_BYTES_MAX,
    HELLO_BYTES_MAX,
    HELLO_MS_MAX,
    Connected,
    DialFailed,
    Disconnected,
    FrameProgress,
    FrameReceived,
    GossipMessage,
    GossipReceived,
    TransportEvent,
    ValidatedGossip,
    ValidationResult,
)
from commonweal.protocol.keys import PeerKey
from tests.sim.world.agenda import Agenda
from tests.sim.world.weather import CALM, Weather

DIAL_MS_MAX = 8_000
SIMULTANEOUS_MS = 10_000
LEARNS_MS_MAX = 4_000
"""How long an end may not know that its link broke."""
LATE_MS_MAX = 3_000
LIMITS = {"stranger": HELLO_BYTES_MAX, "guest": GUEST_FRAME_BYTES_MAX, "member": FRAME_BYTES_MAX}


class Port(Protocol):
    """What the network needs of a node."""

    key: PeerKey
    address: str
    is_up: bool
    ends: dict[PeerKey, End]
    dialling: dict[PeerKey, None]

    def emit(self, event: TransportEvent) -> None:
        """Take in an event."""

    def validate(self, message: GossipMessage) -> ValidatedGossip:
        """Say whether a gossip message is passed on, and what it says."""


class End:
    """One end of a link. `queue`: what is on its way here; None closes behind it."""

    __slots__ = (
        "address",
        "due_ms",
        "held",
        "is_over",
        "met",
        "other",
        "outbound",
        "owner",
        "pumping",
        "queue",
        "since_ms",
        "standing",
        "waiting",
    )
    other: End

    def __init__(self, owner: Port, address: str, since_ms: int, *, outbound: bool) -> None:
        self.owner, self.address, self.outbound = owner, address, outbound
        self.since_ms = self.due_ms = since_ms
        self.standing = "stranger"
        self.is_over = self.pumping = self.met = False
        self.held = 0
        self.queue: deque[tuple[int, bytes | None]] = deque()
        self.waiting: deque[bytes] = deque()

    @property
    def peer(self) -> PeerKey:
        """The peer at the other end."""
        return self.other.owner.key


class Network:
    """All links between all nodes."""

    def __init__(self, agenda: Agenda, rng: Random) -> None:
        self.agenda, self.rng = agenda, rng
        self.weather: Weather = CALM
        self.ports: dict[str, Port] = {}
        self.blocked: dict[tuple[PeerKey, PeerKey], None] = {}
        """Directions (from, to) in which nothing moves now."""
        self.pace = 0
        """Bytes in a ms that a link takes each way; 0 for no limit."""
        self.sent: Counter[tuple[PeerKey, PeerKey, str]] = Counter()
        """Bytes by (from, to, kind of message)."""
        self.gossiped: Counter[tuple[PeerKey, bytes]] = Counter()
        """How often gossip was sent, by (from, content)."""
        self.refused: Counter[PeerKey] = Counter()
        """Gossip messages that are held against who handed them on."""
        self._gossips = 0
        self._seen: dict[PeerKey, set[int]] = {}

    # What a node asks for.

    def dial(self, port: Port, peer: PeerKey, addresses: Sequence[str]) -> None:
        """Try to reach a peer; Connected or DialFailed follow."""
        if peer in port.dialling or peer in port.ends:
            return
        port.dialling[peer] = None
        self._try(port, peer, tuple(addresses), port.dialling)

    def send(self, port: Port, peer: PeerKey, frame: bytes) -> None:
        """Put one frame on its way."""
        end = port.ends.get(peer)
        assert len(frame) <= FRAME_BYTES_MAX, "the service keeps frames within the limit"
        if end is not None:
            self.sent[port.key, peer, kind_of(frame)] += len(frame) + 4
            self._transmit(end.other, frame)

    def publish(self, port: Port, topic: str, data: bytes) -> None:
        """Gossip to all members who can be reached over links."""
        self._gossips += 1
        self._seen.setdefault(port.key, set()).add(self._gossips)
        self._pass_on(port, GossipMessage(topic, data, port.key, self._gossips))

    def rise(self, port: Port, peer: PeerKey, standing: str) -> None:
        """Give a peer another standing."""
        end = port.ends.get(peer)
        if end is not None and end.standing != "member":
            end.standing = standing
            self._deliver(end)

    def done(self, port: Port, peer: PeerKey) -> None:
        """Note that a frame is taken in and counts no more."""
        end = port.ends.get(peer)
        if end is not None:
            end.held = max(0, end.held - 1)
            self._deliver(end)

    def drop(self, port: Port, peer: PeerKey, reason: str) -> None:
        """Close a link; what was sent before still goes out."""
        end = port.ends.get(peer)
        if end is not None:
            self._end(end, reason)

    # What happens to it.

    def crash(self, port: Port) -> None:
        """Let a node be gone: its links break."""
        port.dialling = {}
        for end in list(port.ends.values()):
            end.is_over = True
            end.queue.clear()
            end.other.queue.clear()
            self.agenda.after(self._latency(), self._end, end.other, "connection reset")
        port.ends.clear()
        self._seen.pop(port.key, None)

    def cut(self, end: End) -> None:
        """Break a link: what is under way is lost, and each end learns of it on its own."""
        for one in (end, end.other):
            one.queue.clear()
            one.due_ms = 1 << 60
            self.agenda.after(self.rng.randint(0, LEARNS_MS_MAX), self._end, one, "cut")

    def links(self) -> list[End]:
        """Return one end of each link that stands."""
        return [end for port in self.ports.values() for end in port.ends.values() if end.outbound]

    # Inside: dialling.

    def _try(
        self,
        port: Port,
        peer: PeerKey,
        addresses: tuple[str, ...],
        dialling: dict[PeerKey, None],
    ) -> None:
        if port.dialling is not dialling:
            return
        if not addresses or peer in port.ends:
            dialling.pop(peer, None)
            return
        target = self.ports.get(addresses[0])
        blocked = target is not None and (
            (port.key, target.key) in self.blocked or (target.key, port.key) in self.blocked
        )
        wait_ms = DIAL_MS_MAX if blocked else 2 * self._latency()
        self.agenda.after(wait_ms, self._reach, port, peer, addresses, dialling, blocked)

    def _reach(
        self,
        port: Port,
        peer: PeerKey,
        addresses: tuple[str, ...],
        dialling: dict[PeerKey, None],
        blocked: bool,
    ) -> None:
        if port.dialling is not dialling:
            return
        target = self.ports.get(addresses[0])
        if blocked or target is None or not target.is_up or target.key != peer or target is port:
            port.emit(DialFailed(peer, addresses[0], "no answer"))
            self._try(port, peer, addresses[1:], dialling)
            return
        dialling.pop(peer, None)
        now_ms = self.agenda.now_ms
        near = End(port, addresses[0], now_ms, outbound=True)
        far = End(target, f"{port.address}0", now_ms, outbound=False)
        near.other, far.other = far, near
        self._link(near)
        self.agenda.after(self._latency(), self._link, far)

    def _link(self, end: End) -> None:
        owner = end.owner
        if end.is_over or not owner.is_up:
            end.is_over = True
            return
        old = owner.ends.get(end.peer)
        if old is not None and not self._prevails(end, old):
            end.is_over = True
            self._close(end.other)
            return
        if old is not None:
            self._end(old, "replaced by another connection to this peer")
        owner.ends[end.peer] = end
        owner.emit(Connected(end.peer, end.address, end.outbound))
        self.agenda.after(HELLO_MS_MAX, self._expire, end)
        self._pump(end)

    def _prevails(self, new: End, old: End) -> bool:
        if new.outbound == old.outbound or new.since_ms - old.since_ms > SIMULTANEOUS_MS:
            return True
        return new.outbound == (new.owner.key < new.peer)

    def _expire(self, end: End) -> None:
        if not end.is_over and end.standing == "stranger":
            self._end(end, "not admitted in time")

    def _end(self, end: End, reason: str) -> None:
        if end.is_over:
            return
        end.is_over = True
        end.waiting.clear()
        self._close(end.other)
        if end.owner.ends.get(end.peer) is end:
            del end.owner.ends[end.peer]
            end.owner.emit(Disconnected(end.peer, reason))

    def _close(self, end: End) -> None:
        """Let an end see that the other closed, behind what was sent before."""
        if not end.is_over:
            end.due_ms = max(end.due_ms, self.agenda.now_ms + self._latency())
            end.queue.append((end.due_ms, None))
            self._pump(end)

    # Inside: frames.

    def _latency(self) -> int:
        return self.rng.randint(*self.weather.latency_ms)

    def _transmit(self, end: End, frame: bytes) -> None:
        if end.due_ms == 1 << 60 or end.is_over:
            return
        weather = self.weather
        if weather.scrambles and end.met:
            for _ in range(2 if self.rng.random() < weather.double else 1):
                if self.rng.random() >= weather.loss:
                    delay = self._latency()
                    if self.rng.random() < weather.late:
                        delay += self.rng.randint(0, LATE_MS_MAX)
                    self.agenda.after(delay, self._stray, end, frame)
            return
        end.met = True
        end.due_ms = max(end.due_ms, self.agenda.now_ms + self._latency())
        if self.pace:
            for ms in range(FRAME_PROGRESS_MS, len(frame) // self.pace, FRAME_PROGRESS_MS):
                self.agenda.at(end.due_ms + ms, self._come, end, ms * self.pace)
            end.due_ms += len(frame) // self.pace
        end.queue.append((end.due_ms, frame))
        self._pump(end)

    def _pump(self, end: End) -> None:
        """Come back when the next thing of the queue is due, unless that is planned already."""
        if end.queue and not end.pumping and end.owner.ends.get(end.peer) is end:
            end.pumping = True
            self.agenda.at(end.queue[0][0], self._move, end)

    def _move(self, end: End) -> None:
        end.pumping = False
        queue, now_ms = end.queue, self.agenda.now_ms
        if self.blocked and (end.peer, end.owner.key) in self.blocked:
            if not end.is_over and queue:
                end.pumping = True
                self.agenda.after(100, self._move, end)
            return
        while queue and queue[0][0] <= now_ms and not end.is_over:
            _, frame = queue.popleft()
            if frame is None:
                self._end(end, "closed by the peer")
                return
            self._arrive(end, frame)
        self._pump(end)

    def _come(self, end: End, size: int) -> None:
        """Let a node hear that a part of a frame has come."""
        is_there = not end.is_over and end.queue and end.owner.ends.get(end.peer) is end
        if is_there and end.standing == "member" and (end.peer, end.owner.key) not in self.blocked:
            end.owner.emit(FrameProgress(end.peer, size))

    def _stray(self, end: End, frame: bytes) -> None:
        """Let a frame arrive that keeps no order, but never before the first of its link."""
        if end.queue and not end.is_over:
            self.agenda.after(50, self._stray, end, frame)
        elif (end.peer, end.owner.key) not in self.blocked:
            self._arrive(end, frame)

    def _arrive(self, end: End, frame: bytes) -> None:
        if not end.is_over and end.owner.ends.get(end.peer) is end:
            end.waiting.append(frame)
            self._deliver(end)

    def _deliver(self, end: End) -> None:
        waiting = end.waiting
        while waiting and not end.is_over and not (end.standing == "stranger" and end.held):
            if len(waiting[0]) > LIMITS[end.standing]:
                self._end(end, "sent a frame that is too large")
                return
            end.held += 1
            end.owner.emit(FrameReceived(end.peer, waiting.popleft()))

    def _pass_on(self, port: Port, message: GossipMessage) -> None:
        for peer, end in port.ends.items():
            other = end.other.owner
            seen = self._seen.setdefault(peer, set())
            if (
                end.standing == "member"
                and message.number not in seen
                and (port.key, peer) not in self.blocked
                and self.rng.random() >= self.weather.gossip_loss
            ):
                seen.add(message.number)
                self.gossiped[port.key, message.data] += 1
                self.agenda.after(self._latency(), self._hear, other, end, message)

    def _hear(self, port: Port, end: End, message: GossipMessage) -> None:
        if port.is_up and not end.is_over:
            judged = port.validate(message)
            if judged.verdict is ValidationResult.REJECT:
                self.refused[end.owner.key] += 1
            if judged.verdict is ValidationResult.ACCEPT:
                port.emit(
                    GossipReceived(end.owner.key, message.topic, message.data, judged.content)
                )
                self._pass_on(port, message)


def kind_of(frame: bytes) -> str:
    """Return the name of the message in a frame, as far as its first bytes show one."""
    size = frame[1] - 0xA0 if len(frame) > 1 and 0xA0 <= frame[1] <= 0xBF else 0
    return frame[2 : 2 + size].decode("ascii", "replace")
