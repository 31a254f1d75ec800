"""A member who breaks every rule: the node speaks the protocol, and lies in it.

It has several faces, each a service with a store of its own, and shows a peer always the
same one. The faces write different records in the one log of its device, and never
believe a proof against it. Beside that it heckles: junk, replays, false proofs, boasts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from commonweal.node import transport
from commonweal.node.service import events
from commonweal.node.service.events import Action, Event
from commonweal.node.service.peer import Identity, PeerState
from commonweal.node.service.service import Service
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.fork_proof import ForkProof
from commonweal.protocol.records.frontier import BUCKET_DIGEST_BYTES, HEAD_BYTES, FrontierEntry
from commonweal.protocol.records.record import (
    CommunityId,
    LogPosition,
    Record,
    RecordDraft,
    RecordId,
    from_bytes_unchecked,
    sign,
)
from commonweal.protocol.wire import frame_codec, messages
from commonweal.storage.records.logs.log_store import Store

HEARD_KEPT_MAX = 64


class Face(Service):
    """One face of a liar."""

    def __init__(
        self,
        store: Store,
        community: CommunityId,
        identity: Identity,
        rng: Random,
        invite: Invite | None = None,
    ) -> None:
        super().__init__(store, community, identity, rng, invite)
        self.heard: deque[bytes] = deque(maxlen=HEARD_KEPT_MAX)
        self.stalls = False
        """Whether it answers a Fetch with nothing, for ever."""
        replica = self.core.replica
        believe = replica.freeze

        def freeze(proof: ForkProof) -> bool:
            return proof.author != identity.device and believe(proof)

        replica.freeze = freeze  # type: ignore[method-assign]

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Do as a service does, but remember what was said, and do not serve when stalling."""
        if isinstance(event, transport.FrameReceived):
            self.heard.append(event.frame)
            if self.stalls and event.frame[2:7] == b"fetch":
                frame = frame_codec.encode(messages.Runs((), 1, asked=True))
                return [events.Send(event.peer, frame), events.Taken(event.peer, len(event.frame))]
        return super().handle(event, now_ms)

    def write(self, *flaws: Flaw, kind: str = "event", deps: tuple[RecordId, ...] = ()) -> None:
        """Put one run into the own log, a record for each of `flaws`, as if all were well."""
        replica = self.core.replica
        device = self.core.me.device
        tip = replica.tip(device)
        run: list[Record] = []
        for flaw in flaws:
            cited = tuple(sorted({*deps} - {tip.head}))
            clocks = [replica.clock_of(id) or 0 for id in cited]
            basis = RecordId(replica.community)
            place = log.next_position(replica.community, tip, basis, clocks, 1)
            one = flaw(
                self, place, RecordDraft(kind, {"n": self.core.rng.getrandbits(40)}, 1, cited)
            )
            run.append(one)
            tip = log.Tip(one.seq + 1, one.id, one.clock)
            deps = ()
        replica.append(device, run, {}, checked=True)


Flaw = Callable[[Face, LogPosition, RecordDraft], Record]


def good(face: Face, place: LogPosition, draft: RecordDraft) -> Record:
    """Sign as one should."""
    return sign(face.core.me.signer, place, draft)


def unsigned(face: Face, place: LogPosition, draft: RecordDraft) -> Record:
    """Spoil the signature."""
    made = good(face, place, draft)
    return from_bytes_unchecked(made.header + bytes(64))


def wrong_clock(face: Face, place: LogPosition, draft: RecordDraft) -> Record:
    """Claim a clock that nothing cited gives."""
    late = LogPosition(place.community, place.seq, place.prev, place.clock + 1_000, place.basis)
    return good(face, late, draft)


def invented(face: Face, place: LogPosition, draft: RecordDraft) -> Record:
    """Cite a record that does not exist."""
    deps = tuple(sorted({*draft.deps, RecordId(face.core.rng.randbytes(32))}))
    return good(face, place, RecordDraft(draft.kind, draft.data, draft.claimed_at, deps))


class Liar:
    """The mind of a byzantine node: what a Service is to an honest one."""

    def __init__(
        self,
        store: Store,
        community: CommunityId,
        identity: Identity,
        rng: Random,
        invite: Invite | None,
    ) -> None:
        self.rng = rng
        self.faces = [Face(store, community, identity, rng, invite)]
        self._parts = (community, identity, invite)
        self._where: dict[PeerKey, Face] = {}
        self._numbers: dict[PeerKey, int] = {}
        self._wakes: dict[int, int] = {}

    @property
    def core(self) -> Any:
        """What the first face works on."""
        return self.faces[0].core

    def split(self, face: Face, store: Store | None = None) -> Face:
        """Begin another face, which knows all that `face` knows; peers are dealt out anew."""
        community, identity, invite = self._parts
        if store is None:
            store = copy_of(face.core.replica.store)
        made = Face(store, community, identity, self.rng, invite)
        made.overlay.listening = face.overlay.listening
        self.faces.append(made)
        return made

    def write(self, *flaws: Flaw) -> None:
        """Put other records into the one log with each face."""
        for face in self.faces:
            face.write(*flaws)

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Let the face that a peer knows take in what the peer says, or all when nobody says it."""
        match event:
            case transport.Connected(peer):
                # By number, so that each face has some.
                number = self._numbers.setdefault(peer, len(self._numbers))
                face = self._where[peer] = self.faces[number % len(self.faces)]
                return face.handle(event, now_ms)
            case (
                transport.Disconnected(peer)
                | transport.FrameReceived(peer)
                | transport.GossipReceived(peer)
            ):
                return self._where.get(peer, self.faces[0]).handle(event, now_ms)
            case transport.DialFailed():
                return self.faces[0].handle(event, now_ms)
            case _:
                actions = []
                for number, face in enumerate(self.faces):
                    actions += [
                        one
                        for one in face.handle(event, now_ms)
                        if not (number and isinstance(one, events.Dial))
                    ]
                for face in self.faces[1:]:
                    if isinstance(event, events.Committed):
                        face.core.replica.store.commit()
                return actions

    def reload(self) -> None:
        """Never needed: a liar's disk does not refuse."""

    # What it does beside lying about its own log.

    def heckle(self, now_ms: int) -> list[Action]:
        """Return some attacks on some peers."""
        actions: list[Action] = []
        for face in self.faces:
            for session in face.core.members():
                if self.rng.random() < 0.5:
                    attack = self.rng.choice(ATTACKS)
                    frames = attack(face, session, self.rng)
                    actions += [events.Send(session.key, frame) for frame in frames]
        return actions


def copy_of(store: Store, without: bytes = b"") -> Store:
    """Return a store in memory that holds what another one does, but the log of `without`."""
    store.commit()
    made = Store(":memory:")
    made._connection.deserialize(store._connection.serialize())
    for (number,) in made.rows("SELECT id FROM log WHERE author = ?", (without,)):
        for table in ("record", "record_id", "rare"):
            made.change(f"DELETE FROM {table} WHERE key >> 40 = ?", (number,))
        made.change("DELETE FROM log WHERE id = ?", (number,))
    made.commit()
    return made


def _some(face: Face, rng: Random) -> FrontierEntry:
    return rng.choice(list(face.core.replica.frontier))


def junk(_face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Send what is no message."""
    return [rng.randbytes(rng.randint(1, 200))]


def mutated(face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Send what was heard with one byte changed."""
    if not face.heard:
        return []
    frame = bytearray(rng.choice(face.heard))
    frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
    return [bytes(frame)]


def replayed(face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Send what others said before."""
    return [rng.choice(face.heard) for _ in range(5) if face.heard]


def boasting(face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Claim to have very much of everybody's log."""
    entry = _some(face, rng)
    lengths = ((entry.author, 1 << 39),)
    return [frame_codec.encode(messages.Have(lengths, rng.getrandbits(20)))]


def absurd_entries(face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Claim entries that nobody has: absurd lengths, other heads, frozen logs, unknown authors."""
    head = rng.randbytes(HEAD_BYTES)
    held = _some(face, rng)
    entries = (
        FrontierEntry(held.author, (1 << 63) - 1, head, None),
        FrontierEntry(DeviceKey(rng.randbytes(32)), 1 << 50, head, 1 << 51),
    )
    other = FrontierEntry(held.author, held.length, head, rng.choice((None, held.length)))
    return [
        frame_codec.encode(messages.Entries(b"", entries, reply=True)),
        frame_codec.encode(messages.Entries(bytes(range(256)), (other,), reply=True)),
    ]


def greedy(face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Ask for everything, many times, and never say that it came."""
    ranges = tuple(messages.Range(entry.author, 0, 1 << 39) for entry in face.core.replica.frontier)
    return [frame_codec.encode(messages.WantRecords(ranges))] * 20 + [
        frame_codec.encode(
            messages.WantBranch(tuple(RecordId(rng.randbytes(32)) for _ in range(64)))
        ),
        frame_codec.encode(messages.WantBodies(tuple(rng.randbytes(32) for _ in range(64)))),
        frame_codec.encode(
            messages.WantEvidence(tuple(DeviceKey(rng.randbytes(32)) for _ in range(64)))
        ),
    ] * 5


def comparing(_face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Ask to compare again and again, with digests of nothing."""
    return [frame_codec.encode(messages.Compare(rng.randbytes(32), b""))] * 10 + [
        frame_codec.encode(messages.Buckets(rng.randbytes(256 * BUCKET_DIGEST_BYTES))),
        frame_codec.encode(messages.Same(rng.randbytes(32))),
    ]


def false_proof(face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Accuse somebody honest, with two records that do not contradict each other."""
    entry = _some(face, rng)
    wires = face.core.replica.store.wires(entry.author, 0, 2, 1 << 20)
    if len(wires) < 2:
        return []
    one, two = map(from_bytes_unchecked, wires)
    proof = ForkProof(one.author, 0, one.prev, (one.wire, two.wire))
    return [frame_codec.encode(messages.Evidence((fork_proof.to_bytes(proof),)))]


def parts(_face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Send parts of bodies that nobody asked for."""
    return [
        frame_codec.encode(messages.BodyChunk(rng.randbytes(32), 1 << 20, 0, rng.randbytes(500)))
    ]


def of_nobody(face: Face, _session: PeerState, rng: Random) -> list[bytes]:
    """Send records in the name of a device that is nobody's, and a foreign run with a gap."""
    entry = _some(face, rng)
    wires = tuple(face.core.replica.store.wires(entry.author, 0, 3, 1 << 20))
    stranger = DeviceKey(rng.randbytes(32))
    return [
        frame_codec.encode(
            messages.Runs((messages.Run(entry.author, entry.length + 7, wires),), 0, asked=False)
        ),
        frame_codec.encode(messages.Runs((messages.Run(stranger, 0, wires),), 0, asked=True)),
    ]


Attack = Callable[[Face, PeerState, Random], list[bytes]]
ATTACKS: tuple[Attack, ...] = (
    junk,
    mutated,
    replayed,
    boasting,
    absurd_entries,
    greedy,
    comparing,
    false_proof,
    parts,
    of_nobody,
)
