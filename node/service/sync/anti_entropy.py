"""Anti-entropy: finding, at a cost that grows with the difference, which records a peer lacks.

One side asks with `Compare`; equal digests end the exchange. Otherwise both exchange entries:
what changed since the digest that both last had in common or, where that is unknown, the
entries of the buckets that differ. Each message stands alone, so a lost one only costs a
later comparison. This part compares; it fetches and sends no records.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.node.service.sync.fetch import RecordFetch
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.records import fork_proof, frontier
from commonweal.protocol.records.frontier import BUCKETS, FrontierEntry
from commonweal.protocol.wire import messages

WHOLE_FRONTIER_MAX = 64
"""Frontiers of up to this many logs are compared without buckets."""
PROBE_RECORDS = 16
"""How far back the search for a fork first looks; each further step looks 8 times as far."""
COMPARE_SOON_MS = 300
"""Minimum time between two comparisons that this node begins with one peer."""


@dataclass(slots=True)
class _Comparison:
    """How far the comparison with one peer is.

    base: the last digest that both had, base_mark: our frontier's count of changes then.
    asked_digest, asked_mark: the same at our last question. begun_ms: when this node last
    asked; 0 when a comparison is due. probing: how many records back the search for a fork
    has looked, by log.
    """

    base: bytes = b""
    base_mark: int = 0
    asked_digest: bytes = b""
    asked_mark: int = 0
    begun_ms: int = 0
    probing: dict[DeviceKey, int] = field(default_factory=dict)


class AntiEntropy:
    """The exchange of digests and entries with every member's node."""

    def __init__(self, core: Core, fetch: RecordFetch) -> None:
        self.core, self.fetch = core, fetch
        self._comparisons: dict[PeerKey, _Comparison] = {}

    def left(self, key: PeerKey) -> None:
        """Forget how far the comparison with a peer was."""
        self._comparisons.pop(key, None)

    # When.

    def request(self, peer: PeerState) -> None:
        """Have frontiers compared with this peer at the next tick, whenever the last one was."""
        self._of(peer).begun_ms = 0

    def allow(self, peer: PeerState) -> None:
        """Let the next comparison begin without the pause of COMPARE_SOON_MS."""
        comparison = self._of(peer)
        comparison.begun_ms = min(comparison.begun_ms, self.core.now_ms - COMPARE_SOON_MS)

    def is_requested(self, peer: PeerState) -> bool:
        """Say whether a comparison is due; it is with every new peer."""
        return self._of(peer).begun_ms == 0

    def begin_soon(self, peer: PeerState) -> None:
        """Begin a comparison, unless one began a moment ago."""
        if self.core.now_ms - self._of(peer).begun_ms >= COMPARE_SOON_MS:
            self.begin(peer)

    def begin(self, peer: PeerState) -> None:
        """Ask a peer to compare."""
        held, comparison = self.core.replica.frontier, self._of(peer)
        comparison.asked_mark, comparison.asked_digest = held.changes, held.digest()
        comparison.begun_ms = self.core.now_ms
        self.core.send(peer, messages.Compare(comparison.asked_digest, comparison.base))
        newcomers = self.core.replica.newcomers()
        if newcomers:
            row = self.core.replica.row
            lengths = tuple((author, row(author).length) for author in newcomers)
            self.core.send(peer, messages.Have(lengths[: messages.RUNS_MAX], 0))

    # The exchange.

    def asked(self, peer: PeerState, message: messages.Compare) -> None:
        """Answer a peer that asks to compare."""
        held, comparison = self.core.replica.frontier, self._of(peer)
        if message.digest == held.digest():
            self._equal(peer, message.digest, held.changes)
            self.core.send(peer, messages.Same(message.digest))
        elif message.base and message.base == comparison.base:
            self._send_entries(peer, b"", held.changed_since(comparison.base_mark), reply=True)
        elif len(held) <= WHOLE_FRONTIER_MAX:
            self._send_entries(peer, bytes(range(BUCKETS)), held, reply=True)
        else:
            self.core.send(peer, messages.Buckets(held.buckets()))

    def same(self, peer: PeerState, message: messages.Same) -> None:
        """Note that the peer holds what this node held when it asked."""
        comparison = self._of(peer)
        if message.digest == comparison.asked_digest:
            self._equal(peer, message.digest, comparison.asked_mark)

    def buckets(self, peer: PeerState, message: messages.Buckets) -> None:
        """Answer bucket digests with the entries of the buckets that differ."""
        ours = self.core.replica.frontier.buckets()
        self._send_buckets(peer, frontier.differing_buckets(ours, message.digests), reply=True)

    def entries(self, peer: PeerState, message: messages.Entries) -> None:
        """Take in a peer's entries: note what is lacking on each side, and answer if asked."""
        replica = self.core.replica
        named = {entry.author for entry in message.entries}
        for number in message.buckets:
            for ours in replica.frontier.bucket(number):
                if ours.author not in named:
                    peer.confirm(ours.author, 0, ours.length)
        for entry in message.entries:
            self._compare_entry(peer, entry)
        peer.compared = True
        if not message.reply:
            return
        if message.buckets:
            self._send_buckets(peer, message.buckets, reply=False)
        else:
            since = replica.frontier.changed_since(self._of(peer).base_mark)
            changed = {entry.author: entry for entry in since}
            changed |= {author: replica.entry(author) for author in sorted(named)}
            self._send_entries(peer, b"", changed.values(), reply=False)

    def probe(self, peer: PeerState, author: DeviceKey) -> None:
        """Ask for earlier records of a log of which the peer holds another branch."""
        probing = self._of(peer).probing
        back = probing[author] = probing.get(author, PROBE_RECORDS // 8) * 8
        length = self.core.replica.row(author).length
        start = max(0, length - back)
        if start < length:
            wanted = messages.Range(author, start, length + 1)
            self.core.send(peer, messages.WantRecords((wanted,)))

    def probe_ended(self, peer: PeerState, author: DeviceKey) -> None:
        """Note that the search for a fork of this log has met a record that both hold."""
        self._of(peer).probing.pop(author, None)

    # Inside.

    def _of(self, peer: PeerState) -> _Comparison:
        return self._comparisons.setdefault(peer.key, _Comparison())

    def _compare_entry(self, peer: PeerState, entry: FrontierEntry) -> None:
        """Note one difference: what to ask for, what the peer lacks, what contradicts."""
        author = entry.author
        ours = self.core.replica.entry(author)
        if ours.frozen != entry.frozen:
            self._exchange_evidence(peer, ours, entry)
        complete = ours.frozen is not None and ours.length >= ours.frozen
        peer.confirm(author, entry.length, ours.length)
        waits = self.core.replica.quota.waits
        if entry.length > ours.length and not complete and not waits(author):
            self.fetch.want(peer, author, entry.length)
        elif entry.length == ours.length and entry.head != ours.head and ours.length:
            self.probe(peer, author)

    def _exchange_evidence(
        self, peer: PeerState, ours: FrontierEntry, theirs: FrontierEntry
    ) -> None:
        if ours.frozen is None or (theirs.frozen is not None and theirs.frozen < ours.frozen):
            self.core.send(peer, messages.WantEvidence((ours.author,)))
        else:
            proof = self.core.replica.store.proof(ours.author)
            assert proof is not None, "a frozen log has its proof"
            self.core.send(peer, messages.Evidence((fork_proof.to_bytes(proof),)))

    def _equal(self, peer: PeerState, digest: bytes, mark: int) -> None:
        comparison = self._of(peer)
        comparison.base, comparison.base_mark = digest, mark
        peer.compared = True
        if mark == self.core.replica.frontier.changes:
            peer.theirs.clear()
            peer.sent.clear()

    def _send_buckets(self, peer: PeerState, numbers: Iterable[int], *, reply: bool) -> None:
        """Send whole buckets, several in a message as far as ENTRIES_MAX allows.

        A larger bucket is sent in parts that name no bucket. What such a part leaves out stays
        unknown, and is learned when the peer compares with this node.
        """
        group: list[int] = []
        entries: list[FrontierEntry] = []
        for number in numbers:
            bucket = self.core.replica.frontier.bucket(number)
            if group and len(entries) + len(bucket) > messages.ENTRIES_MAX:
                self._send_entries(peer, bytes(group), entries, reply=reply)
                group, entries = [], []
            if len(bucket) > messages.ENTRIES_MAX:
                for first in range(0, len(bucket), messages.ENTRIES_MAX):
                    part = tuple(bucket[first : first + messages.ENTRIES_MAX])
                    is_last = first + messages.ENTRIES_MAX >= len(bucket)
                    self.core.send(peer, messages.Entries(b"", part, reply and is_last))
                continue
            group.append(number)
            entries += bucket
        if group:
            self._send_entries(peer, bytes(group), entries, reply=reply)

    def _send_entries(
        self, peer: PeerState, buckets: bytes, entries: Iterable[FrontierEntry], *, reply: bool
    ) -> None:
        message = messages.Entries(buckets, tuple(entries), reply)
        if len(message.entries) <= messages.ENTRIES_MAX:
            self.core.send(peer, message)
        else:
            self._send_buckets(peer, buckets or range(BUCKETS), reply=reply)
