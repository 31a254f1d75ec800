"""The record server: sends the records that a peer asked for, in frames it can take at once.

Records leave in the order of their clocks, so whatever a record cites was sent before it or with
it: a frame is causally closed with all frames before it. Every run of a frame ends in a record
whose own signature was verified here. Few frames are under way at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import accumulate

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica.replica import Replica
from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.records import log
from commonweal.protocol.records.record import body_from_bytes, clock_from_bytes
from commonweal.protocol.wire import messages

FRAMES_IN_FLIGHT_MAX = 8
"""Frames of records that are sent to a peer before it says that it took them."""
FRAMES_MORE = 2
"""Frames that are under way at first, and added each time that the peer took some."""
CHUNK_RECORDS = 256
"""Records of one log that are read ahead while a frame is filled."""
AHEAD_RECORDS_KEPT = 4_096
"""Records read ahead that stay in memory between two frames, of all logs for one peer."""
FIRST_RECORDS = 4
"""Records that a newcomer writes before being admitted."""
RECORD_BYTES_GUESSED = 512
"""The size of records of which none was read yet."""
BODIES_READ = 64
"""Bodies that are read at once: 8 MiB at most."""
INLINE_BODY_BYTES_MAX = 128 * 1024
"""A permanent body up to this size travels with its record; a larger one in parts before it."""


class RecordServer:
    """Answers to `WantRecords`, for all peers."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._flows: dict[PeerKey, _Flow] = {}
        self._in_flight: dict[PeerKey, int] = {}
        """Frames that a peer asked for, were sent, and that it has not taken yet."""

    def asked(self, peer: PeerState, message: messages.WantRecords) -> None:
        """Note what a peer wants, the last range of each log, and begin to send it."""
        flow = self._flows.get(peer.key)
        if flow is None or not flow.cursors:
            flow = self._flows[peer.key] = _Flow({}, [])
        for wanted in {wanted.author: wanted for wanted in message.ranges}.values():
            if wanted.author == peer.device and wanted.stop == wanted.start + 1:
                self._show(peer, wanted)
                continue
            stop = min(wanted.stop, self.core.replica.row(wanted.author).length)
            flow.put(_Cursor(self.core.replica, wanted.author, wanted.start, stop))
        if not flow.cursors:
            self._send(peer, (), 0)
        self.pump(peer)

    def _show(self, peer: PeerState, wanted: messages.Range) -> None:
        """Show a device a record of its own log before all else: it may be an older copy."""
        place = (wanted.author, wanted.start, wanted.stop)
        run = self.closed(wanted.author, wanted.start, self.core.replica.sound_wires(*place))
        if run is not None:
            self.core.send(peer, messages.Runs((run,), 0, asked=False))

    def taken(self, peer: PeerState, frames: int) -> None:
        """Note that a peer took `frames` of those that it was sent."""
        self._in_flight[peer.key] = max(0, self._in_flight.get(peer.key, 0) - frames)

    def pump(self, peer: PeerState) -> None:
        """Send as many frames as may be under way: few at first, since they leave together."""
        flow = self._flows.get(peer.key)
        if flow is None:
            return
        flow.frames_max = min(flow.frames_max + FRAMES_MORE, FRAMES_IN_FLIGHT_MAX)
        while (
            flow.cursors
            and self._in_flight.get(peer.key, 0) < flow.frames_max
            and self.core.is_linked(peer)
        ):
            runs = self._fill(flow)
            self._send(peer, runs, flow.remaining())

    def left(self, key: PeerKey) -> None:
        """Forget what a peer asked for and was sent."""
        self._flows.pop(key, None)
        self._in_flight.pop(key, None)

    def _send(self, peer: PeerState, runs: tuple[messages.Run, ...], remaining: int) -> None:
        self.core.send(peer, messages.Runs(runs, remaining, asked=True))
        self._in_flight[peer.key] = self._in_flight.get(peer.key, 0) + 1

    def _fill(self, flow: _Flow) -> tuple[messages.Run, ...]:
        """Take the records of the lowest clocks, about a frame of them."""
        touched: dict[DeviceKey, _Cursor] = {}
        room = messages.RUNS_BYTES_AIM
        while room > 0 and len(touched) < messages.RUNS_MAX:
            limit, cursors = flow.sweep(room)
            if not cursors:
                break
            for cursor in cursors:
                if room > 0:  # where it ends early all are of one clock, and none cites another
                    touched[cursor.author] = cursor
                    room -= cursor.take(limit)
                flow.push(cursor)
        flow.learn(
            messages.RUNS_BYTES_AIM - room, sum(len(used.taken) for used in touched.values())
        )
        runs: list[messages.Run] = []
        room, kept = messages.FRAME_BYTES_MAX // 2, flow.kept()
        for author, cursor in touched.items():
            run = self.closed(author, cursor.start, cursor.taken)
            size = run.size if run is not None else 0
            if runs and size > room:  # runs that were extended, or have bodies: the next frame
                flow.put(cursor.after(0, kept))
                continue
            room -= size
            if run is not None:
                runs.append(run)
            flow.put(cursor.after(len(run.wires) if run is not None else cursor.stop, kept))
        return tuple(runs)

    def closed(self, author: DeviceKey, start: int, wires: list[bytes]) -> messages.Run | None:
        """Return the run of `wires` cut or extended to end in a well-signed record, with bodies."""
        if not wires:
            return None
        replica = self.core.replica
        row = replica.row(author)
        last = start + len(wires) - 1
        if last >= row.checked:
            wires = log.trim_to_signed(wires) or log.trim_to_signed(
                replica.store.wires(author, start, row.length, messages.RUNS_BYTES_AIM * 2)
            )
        return messages.Run(author, start, tuple(wires), self._bodies(wires)) if wires else None

    def _bodies(self, wires: list[bytes]) -> tuple[tuple[int, bytes], ...]:
        refs = [(index, ref) for index, data in enumerate(wires) if (ref := body_from_bytes(data))]
        bodies = []
        # A run that had to be extended leaves less room for them in a frame.
        room = min(messages.RUNS_BYTES_AIM, messages.RUN_BYTES_MAX - messages.size_of(wires))
        for at in range(0, len(refs), BODIES_READ):
            part = [
                (index, ref)
                for index, ref in refs[at : at + BODIES_READ]
                if ref.size <= min(INLINE_BODY_BYTES_MAX, room)
            ]
            held = self.core.replica.sound_bodies([ref.hash for _, ref in part])
            for index, ref in part:
                body = held.get(ref.hash)
                # Of another size it is not what this record names.
                if body is not None and len(body) == ref.size <= room:
                    room -= len(body) + messages.BODY_BYTES_MORE
                    bodies.append((index, body))
        return tuple(bodies)


class _Cursor:
    """Reads one log forward: `taken` are the records of this frame, from seq `start` on.

    clock: of the next record. horizon: up to this clock all its records are read ahead.
    """

    clock: int
    horizon: int
    _ahead: list[bytes]
    _clocks: Sequence[int]
    _sums: list[int]
    _at: int

    def __init__(self, replica: Replica, author: DeviceKey, start: int, stop: int) -> None:
        self.replica, self.author, self.start, self.stop = replica, author, start, stop
        self.next = start
        self.taken: list[bytes] = []
        # A newcomer's first records go just before the vouch that cites them: alone they
        # are a stranger's, of which a node takes few.
        self._floor = replica.admitted_at(author) - 1 if start < FIRST_RECORDS else 0
        self._hold(self._more(start, 1))

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to read."""
        return self._at == len(self._ahead)

    def after(self, count: int, kept: int) -> _Cursor:
        """Return the cursor for the next frame, `count` records after this one's start.

        kept: so many records may stay in memory.
        """
        if self.start + count != self.next:
            return _Cursor(self.replica, self.author, self.start + count, self.stop)
        self.start, self.taken = self.next, []
        self._hold(self._ahead[self._at : self._at + kept])
        return self

    def reach(self, limit: int) -> None:
        """Read further ahead when that is needed to know all records up to a clock."""
        ahead = self._ahead[self._at :]
        if self.horizon < limit and len(ahead) < CHUNK_RECORDS:
            self._hold(ahead + self._more(self.next + len(ahead), CHUNK_RECORDS))

    def weigh(self, limit: int) -> int:
        """Return the bytes of the records read ahead whose clock is at most `limit`."""
        return self._sums[self._count(limit)] - self._sums[self._at]

    def take(self, limit: int) -> int:
        """Take the records read ahead whose clock is at most `limit`; return their bytes."""
        stop = self._count(limit)
        size = self._sums[stop] - self._sums[self._at]
        self.taken += self._ahead[self._at : stop]
        self.next += stop - self._at
        self._at = stop
        if stop < len(self._ahead):
            self.clock = self._clocks[stop]
        else:
            self._hold(self._more(self.next, CHUNK_RECORDS))
        return size

    def _count(self, limit: int) -> int:
        return bisect_right(self._clocks, limit, self._at)

    def _more(self, start: int, count: int) -> list[bytes]:
        stop = min(start + count, self.stop)
        if start >= stop:
            return []
        return self.replica.sound_wires(self.author, start, stop, messages.RUNS_BYTES_AIM)

    def _hold(self, ahead: list[bytes]) -> None:
        """Have these read ahead. Along a log clocks rise, so mostly the ends tell them all."""
        self._ahead, self._at = ahead, 0
        self._sums = [0, *accumulate(len(wire) + 3 for wire in ahead)]
        self._clocks = ()
        self.clock = self.horizon = 0
        if ahead:
            first, last = clock_from_bytes(ahead[0]), clock_from_bytes(ahead[-1])
            if last - first == len(ahead) - 1 and first >= self._floor:
                self._clocks = range(first, last + 1)
            else:
                self._clocks = [max(clock_from_bytes(wire), self._floor) for wire in ahead]
            self.clock = self._clocks[0]
            is_last = self.next + len(ahead) == self.stop
            self.horizon = codec.INT_MAX if is_last else self._clocks[-1]


@dataclass(slots=True)
class _Flow:
    """What one peer waits for: cursors by author, and a heap of (clock, author).

    size: about the bytes of one record. frames_max: how many frames may be under way.
    """

    cursors: dict[DeviceKey, _Cursor]
    heap: list[tuple[int, DeviceKey]]
    size: int = RECORD_BYTES_GUESSED
    frames_max: int = 0

    def put(self, cursor: _Cursor) -> None:
        """Serve a log by this cursor from now on."""
        if cursor.is_done:
            self.cursors.pop(cursor.author, None)
        else:
            self.cursors[cursor.author] = cursor
            self.push(cursor)
            if len(self.heap) > 2 * len(self.cursors):  # most entries are stale
                self.heap = [(waiting.clock, author) for author, waiting in self.cursors.items()]
                heapify(self.heap)

    def push(self, cursor: _Cursor) -> None:
        """Queue the cursor again within a frame, where it has more."""
        if not cursor.is_done:
            heappush(self.heap, (cursor.clock, cursor.author))

    def sweep(self, room: int) -> tuple[int, list[_Cursor]]:
        """Return a clock, and who has records up to it: all of them together are closed.

        They fit in `room`, or are all of the lowest clock. About half of the room at a
        time, since of one log at most one record has each clock. The heap lacks them now.
        """
        first = self._pop(codec.INT_MAX)
        if first is None:
            return 0, []
        low = first.clock
        limit = low + room // (2 * self.size * len(self.cursors))
        low_cursors = {first.author: first}  # the heap may name one twice
        while (cursor := self._pop(limit)) is not None:
            low_cursors[cursor.author] = cursor
        cursors = list(low_cursors.values())
        for cursor in cursors:
            cursor.reach(limit)
        limit = min(limit, *[cursor.horizon for cursor in cursors], codec.INT_MAX)
        while limit > low and sum(cursor.weigh(limit) for cursor in cursors) > room:
            limit = (low + limit) // 2
        for cursor in cursors:
            if cursor.clock > limit:
                self.push(cursor)
        return limit, [cursor for cursor in cursors if cursor.clock <= limit]

    def learn(self, size: int, count: int) -> None:
        """Note how large the records of a frame were."""
        if count:
            self.size = max(1, size // count)

    def kept(self) -> int:
        """Return how many records of each log may stay in memory between two frames."""
        return max(1, AHEAD_RECORDS_KEPT // (len(self.cursors) + 1))

    def _pop(self, limit: int) -> _Cursor | None:
        """Return the cursor of the lowest clock, if up to `limit`; drop stale heap entries."""
        while self.heap and self.heap[0][0] <= limit:
            clock, author = heappop(self.heap)
            cursor = self.cursors.get(author)
            if cursor is not None and not cursor.is_done and cursor.clock == clock:
                return cursor
        return None

    def remaining(self) -> int:
        """Return how many records are still to be sent."""
        return sum(cursor.stop - cursor.next for cursor in self.cursors.values())
