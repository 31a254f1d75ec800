"""Serving: sending the records that a peer asked for, in frames it can take at once.

Records leave in the order of their clocks, so that whatever one cites was sent before it
or with it; a frame is therefore causally closed with all before it. Every run of a frame
ends in a record whose own signature was checked here. Few frames are under way at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from heapq import heappop, heappush

from commonweal.node.replica import Replica
from commonweal.node.session import FRAMES_IN_FLIGHT_MAX, Desk, Session
from commonweal.protocol import evidence, log, wire
from commonweal.protocol.evidence import Proof
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.record import NO_ID, RecordId, clock_in, from_bytes_unchecked

CHUNK_RECORDS = 128
"""Records of one log that are read ahead while a frame is filled."""
AHEAD_RECORDS_KEPT = 16
"""Of these, so many stay in memory between two frames."""
FIRST_RECORDS = 4
"""A newcomer writes so many before he is admitted."""
TURNS_MAX = 8_192
"""Changes from log to log in one frame."""
INLINE_BODY_BYTES_MAX = 128 * 1024
"""A permanent body up to this size travels with its record; a larger one in parts before it."""


class Serving:
    """Answers to `Fetch`, for all sessions."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._flows: dict[PeerKey, _Flow] = {}

    def asked(self, session: Session, message: wire.Fetch) -> None:
        """Note what a peer wants, and begin to send it."""
        flow = self._flows.setdefault(session.peer, _Flow({}, []))
        for wanted in message.ranges:
            stop = min(wanted.stop, self.desk.replica.row(wanted.author).length)
            flow.put(_Cursor(self.desk.replica, wanted.author, wanted.start, stop))
        if not flow.cursors:
            self._send(session, (), 0)
        self.pump(session)

    def pump(self, session: Session) -> None:
        """Send as many frames as may be under way."""
        flow = self._flows.get(session.peer)
        while (
            flow
            and flow.cursors
            and session.in_flight < FRAMES_IN_FLIGHT_MAX
            and self.desk.is_linked(session)
        ):
            runs = self._fill(flow)
            self._send(session, runs, flow.remaining())

    def left(self, peer: PeerKey) -> None:
        """Forget what a peer wanted."""
        self._flows.pop(peer, None)

    def is_busy(self, peer: PeerKey) -> bool:
        """Say whether a peer still waits for records that it asked for."""
        flow = self._flows.get(peer)
        return flow is not None and bool(flow.cursors)

    def _send(self, session: Session, runs: tuple[wire.Run, ...], remaining: int) -> None:
        self.desk.send(session, wire.Runs(runs, remaining, asked=True))
        session.in_flight += 1

    def _fill(self, flow: _Flow) -> tuple[wire.Run, ...]:
        """Take the records of the lowest clocks, about a frame of them."""
        touched: dict[DeviceKey, _Cursor] = {}
        room, turns = wire.RUNS_BYTES_AIM, 0
        while room > 0 and len(touched) < wire.RUNS_MAX and turns < TURNS_MAX:
            cursor = flow.pop()
            if cursor is None:
                break
            touched[cursor.author] = cursor
            room -= cursor.take(flow.next_clock(), room)
            flow.push(cursor)
            turns += 1
        runs: list[wire.Run] = []
        room = wire.FRAME_BYTES_MAX // 2
        for author, cursor in touched.items():
            run = self.closed(author, cursor.start, cursor.taken)
            size = run.size if run is not None else 0
            if runs and size > room:  # runs that were extended, or have bodies: the next frame
                flow.put(cursor.after(0))
                continue
            room -= size
            if run is not None:
                runs.append(run)
            flow.put(cursor.after(len(run.wires) if run is not None else cursor.stop))
        return tuple(runs)

    def closed(self, author: DeviceKey, start: int, wires: list[bytes]) -> wire.Run | None:
        """Return the run of `wires` cut or extended to end in a well-signed record, with bodies."""
        if not wires:
            return None
        replica = self.desk.replica
        row = replica.row(author)
        last = start + len(wires) - 1
        proof = replica.store.proof(author) if row.frozen is not None else None
        if last >= row.checked:
            end = self._good_end(wires, proof)
            if end == 0:
                wires = replica.store.wires(author, start, row.length, wire.RUNS_BYTES_AIM * 2)
                end = self._good_end(wires, proof)
            wires = wires[:end]
        return wire.Run(author, start, tuple(wires), self._bodies(wires)) if wires else None

    def _good_end(self, wires: list[bytes], proof: Proof | None) -> int:
        trusted = proof.prev if proof is not None else NO_ID
        for end in range(len(wires), 0, -1):
            record = from_bytes_unchecked(wires[end - 1])
            if record.id == trusted or log.is_signed(record):
                return end
        return 0

    def _bodies(self, wires: list[bytes]) -> tuple[tuple[int, bytes], ...]:
        found = []
        room = wire.RUNS_BYTES_AIM
        for index, data in enumerate(wires):
            if not _has_body(data):
                continue
            ref = from_bytes_unchecked(data).body
            body = self.desk.replica.store.body(ref.hash) if ref is not None else None
            if body is not None and len(body) <= min(INLINE_BODY_BYTES_MAX, room):
                room -= len(body)
                found.append((index, body))
        return tuple(found)

    # Evidence, branches and bodies, by name.

    def want_evidence(self, session: Session, message: wire.WantEvidence) -> None:
        """Send the proofs against these devices, as far as we have them."""
        for author in message.authors:
            if not self.desk.is_linked(session):
                return
            proof = self.desk.replica.store.proof(author)
            if proof is not None:
                self.desk.send(session, wire.Evidence((evidence.to_bytes(proof),)))

    def want_branch(self, session: Session, message: wire.WantBranch) -> None:
        """Send the chains of frozen logs that end in these records."""
        for id in message.ids:
            if not self.desk.is_linked(session):
                return
            wires = self.desk.replica.store.branch_wires(id, wire.RUNS_BYTES_AIM)
            if wires:
                # A log that is void from its first record stands in no frontier, so nothing
                # else brings the proof, without which a branch is not taken.
                self.want_evidence(
                    session, wire.WantEvidence((from_bytes_unchecked(wires[0]).author,))
                )
                self.desk.send(session, wire.Branch(tuple(wires)))
            else:
                self._send_cited(session, id)

    def _send_cited(self, session: Session, id: RecordId) -> None:
        """Send a newcomer's log up to a record that others cite: no comparison brings it."""
        store = self.desk.replica.store
        record = store.record(id)
        if record is not None and record.author not in self.desk.replica.frontier:
            wires = store.wires(record.author, 0, record.seq + 1, wire.RUNS_BYTES_AIM)
            run = self.closed(record.author, 0, wires)
            if run is not None:
                self.desk.send(session, wire.Runs((run,), 0, asked=False))

    def want_bodies(self, session: Session, message: wire.WantBodies) -> None:
        """Send bodies in parts; size 0 says that we do not hold one."""
        for digest in message.hashes:
            if not self.desk.is_linked(session):
                return
            body = self.desk.replica.store.body(digest) or b""
            for offset in range(0, len(body) or 1, wire.PART_BYTES_MAX):
                part = body[offset : offset + wire.PART_BYTES_MAX]
                self.desk.send(session, wire.Part(digest, len(body), offset, part))


class _Cursor:
    """Reads one log forward: `taken` are the records of this frame, from seq `start` on."""

    __slots__ = ("_ahead", "_floor", "author", "clock", "next", "replica", "start", "stop", "taken")

    def __init__(self, replica: Replica, author: DeviceKey, start: int, stop: int) -> None:
        self.replica, self.author, self.start, self.stop = replica, author, start, stop
        self.next = start
        self.taken: list[bytes] = []
        self._ahead: list[bytes] = []
        # A newcomer's first records go just before the vouch that cites them: alone they
        # are a stranger's, of which a node takes few.
        self._floor = replica.admitted_at(author) - 1 if start < FIRST_RECORDS else 0
        self._read(1)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read."""
        return not self._ahead

    def after(self, count: int) -> _Cursor:
        """Return the cursor for the next frame, `count` records after this one's start."""
        if self.start + count != self.next:
            return _Cursor(self.replica, self.author, self.start + count, self.stop)
        self.start, self.taken = self.next, []
        del self._ahead[AHEAD_RECORDS_KEPT:]
        return self

    def take(self, limit: int | None, room: int) -> int:
        """Take records whose clock is at most `limit`, the first one in any case; return bytes.

        Stops when `room` bytes are taken, or at the end of what was read ahead.
        """
        if len(self._ahead) == 1:
            self._read(CHUNK_RECORDS)
        most = len(self._ahead) if limit is None else self._count_until(limit)
        size = count = 0
        while count < most and size < room:
            size += len(self._ahead[count]) + 3
            count += 1
        self.taken += self._ahead[:count]
        self.next += count
        del self._ahead[:count]
        if self._ahead:
            self.clock = max(clock_in(self._ahead[0]), self._floor)
        else:
            self._read(CHUNK_RECORDS)
        return size

    def _count_until(self, limit: int) -> int:
        """Return how many of the records ahead have a clock up to `limit`, at least one.

        Looks at few of them: first 1, 2, 4 ... ahead, then between the last two.
        """
        ahead, high = self._ahead, 1
        while high < len(ahead) and clock_in(ahead[high]) <= limit:
            high *= 2
        return bisect_right(ahead, limit, high // 2 + 1, min(high, len(ahead)), key=clock_in)

    def _read(self, count: int) -> None:
        stop = min(self.next + count, self.stop)
        self._ahead = []
        if self.next < stop:
            sound = self.replica.sound_wires
            self._ahead = sound(self.author, self.next, stop, wire.RUNS_BYTES_AIM)
        self.clock = max(clock_in(self._ahead[0]), self._floor) if self._ahead else 0


@dataclass(slots=True)
class _Flow:
    """What one peer waits for: cursors by author, and a heap of (clock, author)."""

    cursors: dict[DeviceKey, _Cursor]
    heap: list[tuple[int, DeviceKey]]

    def put(self, cursor: _Cursor) -> None:
        """Serve a log by this cursor from now on."""
        if cursor.is_done:
            self.cursors.pop(cursor.author, None)
        else:
            self.cursors[cursor.author] = cursor
            heappush(self.heap, (cursor.clock, cursor.author))

    def push(self, cursor: _Cursor) -> None:
        """Queue the cursor again within a frame, where it has more."""
        if not cursor.is_done:
            heappush(self.heap, (cursor.clock, cursor.author))

    def pop(self) -> _Cursor | None:
        """Return the cursor whose next record has the lowest clock; drop stale heap entries."""
        while self.heap:
            clock, author = heappop(self.heap)
            cursor = self.cursors.get(author)
            if cursor is not None and not cursor.is_done and cursor.clock == clock:
                return cursor
        return None

    def next_clock(self) -> int | None:
        """Return the lowest clock that is queued, None when nothing is."""
        return self.heap[0][0] if self.heap else None

    def remaining(self) -> int:
        """Return how many records are still to be sent."""
        return sum(cursor.stop - cursor.next for cursor in self.cursors.values())


def _has_body(data: bytes) -> bool:
    """Say quickly whether the header ends in a body reference: nil is the byte 0xc0."""
    return data[-65] != 0xC0
