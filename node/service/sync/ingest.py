"""Ingest: checking the records that peers send, and keeping what is sound.

Checked is only what bytes decide: canonical form, signature, chaining, dependencies, clock,
community, limits. What a record means is for the fold. A contradiction becomes a proof. What a
record cites and is not held is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica.replica import Replica
from commonweal.node.service.sync.blobs import BlobFetch, bodies_of
from commonweal.node.service.sync.fetch import RecordFetch
from commonweal.node.service.sync.fork_evidence import ForkEvidence
from commonweal.node.service.sync.lookup import OldRecordLookup
from commonweal.node.service.sync.newcomers import NewcomerLimits
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    ForkedLog,
    InvalidRecord,
    Malformed,
    MissingDependency,
)
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.record import (
    Record,
    RecordId,
    clock_from_bytes,
    from_bytes_unchecked,
)
from commonweal.protocol.wire import messages
from commonweal.storage.records.logs.run_pages import governance_records

REFOLD_MS = 1_000
"""Back-off for a peer that sent newcomers' records beyond what is kept of them."""

_WIRE = attrgetter("wire")


@dataclass(slots=True)
class _Read:
    """One run of a frame on its way into the store."""

    author: DeviceKey
    records: list[Record]
    bodies: dict[bytes, bytes]

    @property
    def size(self) -> int:
        """The bytes of its records and bodies."""
        bodies = sum(map(len, self.bodies.values()))
        return bodies + sum(map(len, map(_WIRE, self.records)))

    def cut(self, count: int) -> None:
        """Keep at most `count` records, ending in one that is well signed."""
        if count < len(self.records):
            while count and not log.is_signed(self.records[count - 1]):
                count -= 1
            del self.records[count:]


class Ingest:
    """The runs of records that peers send."""

    def __init__(
        self,
        core: Core,
        forks: ForkEvidence,
        fetch: RecordFetch,
        blobs: BlobFetch,
        lookup: OldRecordLookup,
        ask_seals: Callable[[PeerState], None],
    ) -> None:
        """ask_seals: asks a peer for the seals after ours, on which its records rest."""
        self.core, self.forks, self.fetch, self.blobs = core, forks, fetch, blobs
        self.anti_entropy, self.lookup = forks.anti_entropy, lookup
        self._ask_seals = ask_seals
        self._refolded_ms: dict[PeerKey, int] = {}
        """When not everything that a peer brought could be kept after it was folded."""

    def left(self, key: PeerKey) -> None:
        """Forget what a peer brought that was not kept."""
        self._refolded_ms.pop(key, None)

    def runs(self, peer: PeerState, message: messages.Runs) -> bool:
        """Take in a frame of records; say whether anything was new.

        Drops the peer when something in the frame is its fault.
        """
        clocks: dict[RecordId, int] | None = None
        reads: dict[DeviceKey, _Read] = {}
        missing: list[messages.Run] = []
        try:
            for run in message.runs:
                try:
                    self._read(peer, run, clocks, reads)
                except MissingDependency:
                    missing.append(run)
            if missing:
                clocks = {
                    RecordId(keys.hash32(keys.RECORD, data)): clock_from_bytes(data)
                    for run in message.runs
                    for data in run.wires
                }
                for run in missing:
                    self._read_late(peer, run, clocks, reads)
            kept = self._keep(peer, reads, whole=not missing)
            if kept:  # frames that bring nothing do not keep us waiting for this peer
                peer.news_ms = self.core.now_ms
                self.fetch.brought(peer, sum(read.size for read in reads.values()))
            return kept
        except (InvalidRecord, Malformed) as error:
            self.core.drop(peer, f"{type(error).__name__}: {error}")
            return False

    def take(self, peer: PeerState, record: Record) -> bool:
        """Keep a verified record that comes next in its log, if limits allow; say whether."""
        read = _Read(record.author, [record], {})
        return self._keep(peer, {record.author: read}, whole=True)

    def _read_late(
        self,
        peer: PeerState,
        run: messages.Run,
        clocks: dict[RecordId, int],
        reads: dict[DeviceKey, _Read],
    ) -> None:
        """Verify a run up to the first citation that is neither held nor in the frame; ask for it.

        The beginning must not wait, since what is cited may itself rest on it.
        """
        try:
            self._read(peer, run, clocks, reads)
        except MissingDependency as error:
            end = error.seq - run.start
            if from_bytes_unchecked(run.wires[end]).basis == error.cited:
                self._ask_seals(peer)  # it rests on a seal that is not here
            else:
                self.forks.want_cited(peer, RecordId(error.cited))
                self._look_up(run.wires[end:])
            self.fetch.unwant(peer, run.author)
            self.anti_entropy.request(peer)
            while end and not log.is_signed(from_bytes_unchecked(run.wires[end - 1])):
                end -= 1
            if end:
                bodies = tuple(pair for pair in run.bodies if pair[0] < end)
                self._read(peer, replace(run, wires=run.wires[:end], bodies=bodies), clocks, reads)

    def _look_up(self, wires: Sequence[bytes]) -> None:
        """In a light home, ask for what these records cite and may lie below a base.

        Only for records of members that are well signed: what they cite is fetched at the account
        of their author.
        """
        replica = self.core.replica
        if not replica.light.is_light:
            return
        for record in map(from_bytes_unchecked, wires):
            missing = [cited for cited in record.deps if replica.clock_of(cited) is None]
            if missing and not (replica.was_admitted(record.author) and log.is_signed(record)):
                return
            citer = replica.member_of(record.author) or record.author
            for cited in missing:
                if not self.lookup.want_cited(cited, citer):
                    return

    def _read(
        self,
        peer: PeerState,
        run: messages.Run,
        clocks: dict[RecordId, int] | None,
        reads: dict[DeviceKey, _Read],
    ) -> None:
        """Verify a run against what is held; put it into `reads` if it brings something new."""
        replica, author = self.core.replica, run.author
        if author in reads:
            raise InvalidRecord("two runs of one log in a frame")
        if messages.size_of(run.wires) > messages.RUN_BYTES_MAX:
            raise InvalidRecord("a run that is too large to be passed on")
        row = replica.row(author)
        stop = run.start + len(run.wires)
        peer.confirm(author, stop, row.length)
        if not run.wires or not self._may_write(peer, author):
            return
        if run.start > row.length:
            if not replica.is_frozen(author):
                self.anti_entropy.request(peer)
            return
        overlap = min(row.length, stop) - run.start
        if overlap and self._differs(peer, run, overlap):
            return
        if replica.is_frozen(author):
            return
        wires = run.wires[overlap:]
        if row.frozen is not None:
            wires = tuple(log.trim_to_signed(wires[: row.frozen - row.length]))
        if not wires:
            return
        known = clocks or {}
        try:
            records = log.read_run(
                replica.community,
                author,
                row.tip,
                wires,
                lambda id: known.get(id) or replica.clock_of(id),
            )
        except ForkedLog:
            if run.start == 0 or overlap:
                raise
            self.anti_entropy.probe(peer, author)
            return
        if log.last_badly_signed(records, log.ALWAYS_CHECKED) is not None:
            proof = fork_proof.find_bad_signature(records, replica.community)
            assert proof is not None, "a run ends in a well-signed record"
            self.forks.freeze(proof)
            self.anti_entropy.request(peer)
            return
        reads[author] = _Read(author, records, bodies_of(records, run, overlap))

    def _differs(self, peer: PeerState, run: messages.Run, overlap: int) -> bool:
        """Compare the part of a run that is held; prove the fork where it differs."""
        replica = self.core.replica
        ids = keys.hash_each(keys.RECORD, run.wires[:overlap])
        if replica.store.id_at(run.author, run.start + overlap - 1) == ids[-1]:
            self.anti_entropy.probe_ended(peer, run.author)
            return False
        if not replica.is_sound(run.author, run.start, run.start + overlap):
            return True  # our disk's fault, which is mended first
        for index, id in enumerate(ids):
            if replica.store.id_at(run.author, run.start + index) != id:
                break
        if index == 0 and run.start > 0:
            self.anti_entropy.probe(peer, run.author)
            return True
        self.anti_entropy.probe_ended(peer, run.author)
        proof = self.forks.contradiction(run, index)
        self.forks.freeze(proof)
        self.anti_entropy.request(peer)
        return True

    def _may_write(self, peer: PeerState, author: DeviceKey) -> bool:
        return peer.is_member or author == peer.device

    def _keep(self, peer: PeerState, reads: dict[DeviceKey, _Read], *, whole: bool) -> bool:
        """Store verified runs, those of newcomers within their limits; say whether any.

        Membership is folded first, since one frame may bring a request and its vouch. Where not
        everything is kept, it is folded again from what is kept; a peer can cause that once in
        REFOLD_MS.
        """
        replica = self.core.replica
        came = sum(len(read.records) for read in reads.values())
        rests = self.core.now_ms - self._refolded_ms.get(peer.key, 0) < REFOLD_MS
        for read in reads.values():
            if rests and not self._is_due(read):
                read.cut(0)
            self._cut_to_bodies(peer, read)
        shut = [read.author for read in reads.values() if self._cut_to_room(read)]
        brought = sum(len(read.records) for read in reads.values())
        if not whole or brought < came:
            _close(replica, reads)
            brought = sum(len(read.records) for read in reads.values())
        kept = self._keep_founding(reads)
        brought -= kept
        for read in reads.values():
            replica.ledger.add(governance_records(read.records))
        limits = NewcomerLimits(replica)
        for read in reads.values():
            if not replica.was_admitted(read.author):
                self._cut_to_limits(limits, read)
                self._cut_to_bodies(peer, read)
        if brought > sum(len(read.records) for read in reads.values()):
            _close(replica, reads)
        left = sum(len(read.records) for read in reads.values())
        for read in reads.values():
            if read.records:
                replica.append(read.author, read.records, read.bodies)
        for author in shut:
            replica.quota.shut(author)
        if left < brought:
            self._refolded_ms[peer.key] = self.core.now_ms
            replica.refold()
        return kept + left > 0

    def _keep_founding(self, reads: dict[DeviceKey, _Read]) -> int:
        """Keep the founding record before the others, and say whether it came (1 or 0).

        Its document says how many may begin, and so whose logs in this frame are members'.
        """
        replica = self.core.replica
        for read in reads.values():
            if read.records and read.records[0].id == RecordId(replica.community):
                replica.append(read.author, read.records[:1], read.bodies)
                del read.records[:1]
                return 1
        return 0

    def _cut_to_room(self, read: _Read) -> bool:
        """Remove what exceeds the budget until the next seal; say whether anything did."""
        came = len(read.records)
        read.cut(self.core.replica.quota.fitting(read.author, read.records))
        return len(read.records) < came

    def _is_due(self, read: _Read) -> bool:
        """Say whether a log is kept whole, as far as is known before the fold."""
        replica, author = self.core.replica, read.author
        is_cited = any(map(self.forks.is_cited, read.records))
        return replica.was_admitted(author) or replica.sealed_length(author) > 0 or is_cited

    def _cut_to_limits(self, limits: NewcomerLimits, read: _Read) -> None:
        """Keep of a newcomer what there is room for, what is cited, and what is sealed."""
        replica, author = self.core.replica, read.author
        cited = [n for n, record in enumerate(read.records, 1) if self.forks.is_cited(record)]
        sealed = replica.sealed_length(author) - replica.row(author).length
        read.cut(max(limits.fitting(author, read.records), *cited, sealed))
        read.bodies.clear()

    def _cut_to_bodies(self, peer: PeerState, read: _Read) -> None:
        """Keep the records whose documents are held, and ask for the documents of the rest."""
        store = self.core.replica.store
        missing = {
            index: record.body.hash
            for index, record in enumerate(read.records)
            if record.body and record.body.permanent
            if len(read.bodies.get(record.body.hash, b"")) != record.body.size
            if not store.holds(record.body)
        }
        if missing:
            wanted = [digest for digest in missing.values() if not store.has_body(digest)]
            self.blobs.want(peer, wanted)
            read.cut(min(missing))


def _close(replica: Replica, reads: dict[DeviceKey, _Read]) -> None:
    """Cut the runs before the first record that cites one which is not kept."""
    changed = True
    while changed:
        changed = False
        fresh = {record.id for read in reads.values() for record in read.records}
        for read in reads.values():
            for index, record in enumerate(read.records):
                if not _is_held(replica, fresh, record):
                    read.cut(index)
                    changed = True
                    break


def _is_held(replica: Replica, fresh: set[RecordId], record: Record) -> bool:
    cited = (*record.deps, record.basis) if record.basis else record.deps
    return all(id in fresh or replica.clock_of(id) is not None for id in cited)
