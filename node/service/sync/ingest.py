"""Intake: what arrives is checked at this door, kept, and leads to what is to be asked next.

Replication checks only what bytes decide: canonical, authentic, chained, dependencies
held, exact clock, community, limits. What a record means is the fold's. Contradictions
become proofs; a log that a proof froze is wanted only as far as it is good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from commonweal.node.service import quota
from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.replica import (
    NEWCOMERS_MAX,
    NEWCOMERS_PER_INVITER_MAX,
    UNINVITED_MAX,
    Replica,
    rare,
)
from commonweal.node.service.sync.anti_entropy import AntiEntropy
from commonweal.node.service.sync.blobs import BlobFetch, bodies_of
from commonweal.node.service.sync.fetch import RecordFetch
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    CommonwealError,
    ForkedLog,
    InvalidRecord,
    Malformed,
    MissingDependency,
)
from commonweal.protocol.keys import DeviceKey, MemberId, PeerKey
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.fork_proof import ForkProof
from commonweal.protocol.records.record import (
    RECORD_BYTES_MAX,
    Record,
    RecordId,
    clock_from_bytes,
    from_bytes_unchecked,
)
from commonweal.protocol.wire import messages

NEWCOMER_RECORDS_MAX = 4
NEWCOMER_BYTES_MAX = 16 * 1024
REFOLD_MS = 1_000
"""So long nothing of newcomers is taken from a peer who sent more of such than is kept."""
CITED_MAX = 256
"""Records that others cite and that are asked for, remembered at a time."""


@dataclass(slots=True)
class _Read:
    """One run of a frame on its way into the store."""

    author: DeviceKey
    records: list[Record]
    bodies: dict[bytes, bytes]

    @property
    def size(self) -> int:
        """The bytes of what is kept of it."""
        bodies = sum(map(len, self.bodies.values()))
        return bodies + sum(len(record.wire) for record in self.records)

    def cut(self, count: int) -> None:
        """Keep `count` records at most, and end in one that is well signed."""
        if count < len(self.records):
            while count and not log.is_signed(self.records[count - 1]):
                count -= 1
            del self.records[count:]


class Ingest:
    """Runs, proofs and branches from peers."""

    def __init__(
        self,
        core: Core,
        anti_entropy: AntiEntropy,
        fetch: RecordFetch,
        blobs: BlobFetch,
        ask_seals: Callable[[PeerState], None],
    ) -> None:
        """ask_seals: asks a peer for the seals after ours, on which its records rest."""
        self.core, self.anti_entropy, self.fetch, self.blobs = core, anti_entropy, fetch, blobs
        self._ask_seals = ask_seals
        self._cited: dict[RecordId, None] = {}
        self._refolded_ms: dict[PeerKey, int] = {}
        """When not everything that a peer brought could be kept after it was folded."""
        self._spare_proofs: dict[PeerKey, ForkProof] = {}
        """The last proof of a peer for which there was no room."""

    def left(self, key: PeerKey) -> None:
        """Forget what a peer brought that was not kept."""
        self._refolded_ms.pop(key, None)
        self._spare_proofs.pop(key, None)

    def runs(self, peer: PeerState, message: messages.Runs) -> bool:
        """Take in a frame of records; say whether anything was new.

        Drops the peer when something in it is his fault.
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
        """Keep a record that follows its log and was read, as far as it may be; say whether."""
        read = _Read(record.author, [record], {})
        return self._keep(peer, {record.author: read}, whole=True)

    def _read_late(
        self,
        peer: PeerState,
        run: messages.Run,
        clocks: dict[RecordId, int],
        reads: dict[DeviceKey, _Read],
    ) -> None:
        """Verify a run as far as what it cites is held or in the frame; ask for the rest.

        Its beginning must not wait: what it cites further on may itself rest on that.
        """
        try:
            self._read(peer, run, clocks, reads)
        except MissingDependency as error:
            end = error.seq - run.start
            if from_bytes_unchecked(run.wires[end]).basis == error.cited:
                self._ask_seals(peer)  # it rests on a seal that is not here
            else:
                self._want_cited(peer, RecordId(error.cited))
            self.fetch.unwant(peer, run.author)
            self.anti_entropy.request(peer)
            while end and not log.is_signed(from_bytes_unchecked(run.wires[end - 1])):
                end -= 1
            if end:
                bodies = tuple(pair for pair in run.bodies if pair[0] < end)
                self._read(peer, replace(run, wires=run.wires[:end], bodies=bodies), clocks, reads)

    def _read(
        self,
        peer: PeerState,
        run: messages.Run,
        clocks: dict[RecordId, int] | None,
        reads: dict[DeviceKey, _Read],
    ) -> None:
        """Verify a run against what is held; put it into `reads` when it brings something new."""
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
            self.freeze(proof)
            self.anti_entropy.request(peer)
            return
        reads[author] = _Read(author, records, bodies_of(records, run, overlap))

    def _differs(self, peer: PeerState, run: messages.Run, overlap: int) -> bool:
        """Compare the part of a run that is held already; prove the fork where it differs."""
        replica = self.core.replica
        ids = [keys.hash32(keys.RECORD, data) for data in run.wires[:overlap]]
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
        proof = self._contradiction(run, index)
        self.freeze(proof)
        self.anti_entropy.request(peer)
        return True

    def _contradiction(self, run: messages.Run, index: int) -> ForkProof:
        """Return the lowest proof in a run that differs from ours from `index` on.

        Raises `InvalidRecord` when there is none, which is the sender's fault.
        """
        replica, author, seq = self.core.replica, run.author, run.start + index
        theirs = [from_bytes_unchecked(data) for data in run.wires[index:]]
        proofs = [
            replica.audit(author, seq, seq + 1),
            fork_proof.find_bad_signature(theirs, replica.community),
        ]
        found = [proof for proof in proofs if proof is not None]
        (ours,) = replica.store.wires(author, seq, seq + 1, RECORD_BYTES_MAX)
        try:
            found.append(fork_proof.check(from_bytes_unchecked(ours), theirs[0], replica.community))
        except InvalidRecord:
            if not found:  # one of the two is badly signed, and nothing good follows it
                raise
        return min(found, key=lambda proof: proof.seq)

    def freeze(self, proof: ForkProof) -> None:
        """Take in a proof and pass it on to all members."""
        if self.core.replica.freeze(proof):
            message = messages.Evidence((fork_proof.to_bytes(proof),))
            for peer in self.core.members():
                self.core.send(peer, message)

    def _may_write(self, peer: PeerState, author: DeviceKey) -> bool:
        return peer.is_member or author == peer.device

    def _keep(self, peer: PeerState, reads: dict[DeviceKey, _Read], *, whole: bool) -> bool:
        """Store verified runs, newcomers' only within their quota.

        Membership is folded first, since one frame may bring a request and its vouch;
        where then not all is kept, it is folded anew from what is: of what one peer sends
        about newcomers, once in a while only.
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
        for read in reads.values():
            replica.ledger.add(rare(read.records))
        shares: Counter[MemberId | None] | None = None
        for read in reads.values():
            if not replica.was_admitted(read.author):
                full = False
                if replica.row(read.author).length == 0:
                    shares = self._shares() if shares is None else shares
                    full = self._is_full(shares, read.author)
                self._cut_to_quota(read, full=full)
                self._cut_to_bodies(peer, read)
        if brought > sum(len(read.records) for read in reads.values()):
            _close(replica, reads)
        kept = 0
        for read in reads.values():
            if read.records:
                replica.append(read.author, read.records, read.bodies)
                kept += len(read.records)
        for author in shut:
            replica.quota.shut(author)
        if kept < brought:
            self._refolded_ms[peer.key] = self.core.now_ms
            replica.refold()
        return kept > 0

    def _cut_to_room(self, read: _Read) -> bool:
        """Leave what goes beyond the budget to wait for the next seal; say whether any did."""
        came = len(read.records)
        read.cut(self.core.replica.quota.fitting(read.author, read.records))
        return len(read.records) < came

    def _is_due(self, read: _Read) -> bool:
        """Say whether a log is kept whole, as far as is known before it is folded."""
        replica, author = self.core.replica, read.author
        is_cited = any(record.id in self._cited for record in read.records)
        return replica.was_admitted(author) or replica.sealed_length(author) > 0 or is_cited

    def _shares(self) -> Counter[MemberId | None]:
        """Return how many newcomers' logs are held, by who invited them."""
        replica = self.core.replica
        state = replica.ledger.state
        return Counter(membership.inviter_of(state, one) for one in replica.newcomers())

    def _is_full(self, shares: Counter[MemberId | None], author: DeviceKey) -> bool:
        """Say whether there is no room for one more newcomer; else give him the room."""
        inviter = membership.inviter_of(self.core.replica.ledger.state, author)
        share = UNINVITED_MAX if inviter is None else NEWCOMERS_PER_INVITER_MAX
        if shares.total() >= NEWCOMERS_MAX or shares[inviter] >= share:
            return True
        shares[inviter] += 1
        return False

    def _want_cited(self, peer: PeerState, id: RecordId) -> None:
        """Ask for a record that stands in no log which is compared."""
        if len(self._cited) >= CITED_MAX:
            del self._cited[next(iter(self._cited))]
        self._cited[id] = None
        self.core.send(peer, messages.WantBranch((id,)))

    def _cut_to_quota(self, read: _Read, *, full: bool) -> None:
        """Leave a newcomer what he may write, what a member's record cites, what is sealed."""
        row = self.core.replica.row(read.author)
        room_bytes = NEWCOMER_BYTES_MAX - row.bytes
        room = max(0, NEWCOMER_RECORDS_MAX - row.length)
        if full:
            room = 0
        cited = [n for n, record in enumerate(read.records, 1) if record.id in self._cited]
        cited.append(self.core.replica.sealed_length(read.author) - row.length)
        count = 0
        for record in read.records[:room]:
            room_bytes -= len(record.wire)
            if room_bytes < 0:
                break
            count += 1
        read.cut(max(count, *cited, 0))
        read.bodies.clear()

    def _cut_to_bodies(self, peer: PeerState, read: _Read) -> None:
        """Keep only what has its documents, and ask for those of the rest."""
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

    # Proofs and branches.

    def evidence(self, peer: PeerState, message: messages.Evidence) -> None:
        """Check proofs and freeze the logs that they name; a false one costs the peer his link."""
        for data in message.proofs:
            try:
                proof = fork_proof.from_bytes_checked(data, self.core.replica.community)
            except CommonwealError as error:
                return self.core.drop(peer, f"a false proof: {error}")
            row = self.core.replica.row(proof.author)
            known = row.length > 0 or row.frozen is not None
            if known or self.core.replica.convicted() < NEWCOMERS_MAX:
                self.freeze(proof)
            else:
                self._spare_proofs[peer.key] = proof
        return None

    def _is_proved(self, peer: PeerState, message: messages.Branch) -> bool:
        """Take a proof for which there was no room, when a record that others cite rests on it."""
        proof, author = (
            self._spare_proofs.get(peer.key),
            from_bytes_unchecked(message.wires[0]).author,
        )
        if proof is None or proof.author != author:
            return False
        if any(keys.hash32(keys.RECORD, one) in self._cited for one in message.wires):
            self.freeze(proof)
        return self.core.replica.row(author).frozen is not None

    def branch(self, peer: PeerState, message: messages.Branch) -> None:
        """Keep the void chain of a frozen log, because another log cites it; then compare again."""
        replica = self.core.replica
        if not message.wires:
            return
        first = from_bytes_unchecked(message.wires[0])
        if replica.row(first.author).frozen is None and not self._is_proved(peer, message):
            return
        before = replica.store.record(first.prev) if first.prev else None
        if first.prev and (before is None or before.author != first.author):
            return
        tip = log.Tip(first.seq, first.prev, before.clock if before is not None else 0)
        try:
            records = log.read_run(
                replica.community, first.author, tip, message.wires, replica.clock_of
            )
        except MissingDependency as error:
            self._want_cited(peer, RecordId(error.cited))
            return
        except (InvalidRecord, Malformed) as error:
            self.core.drop(peer, f"a bad branch: {error}")
            return
        kept = quota.of_branch(replica, records)
        replica.store.append_branch(kept)
        if kept:
            self.anti_entropy.request(peer)


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
