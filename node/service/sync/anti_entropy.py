"""Comparing frontiers: finding, at a cost that grows with the difference, who lacks what.

One asks with `Compare`; equal digests end it there. Otherwise the two exchange entries:
what changed since the digest that both last had in common, or, where that is unknown,
the entries of the buckets that differ. Each then knows what to fetch and what the other
lacks. Every message stands alone, so a lost one costs a later comparison, no more.
"""

from __future__ import annotations

from collections.abc import Iterable

from commonweal.node.service.peer import Core, PeerState
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records import fork_proof, frontier
from commonweal.protocol.records.frontier import BUCKETS, FrontierEntry
from commonweal.protocol.wire import messages

WHOLE_FRONTIER_MAX = 64
"""Up to so many logs are compared without buckets."""
PROBE_RECORDS = 16
"""How far back the search for a fork first looks; then 8 times as far, and so on."""


class AntiEntropy:
    """The exchange of digests and entries with every member's session."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def begin(self, peer: PeerState) -> None:
        """Ask a peer to compare."""
        held = self.core.replica.frontier
        peer.compare_mark, peer.compare_digest = held.changes, held.digest()
        peer.compare_ms = self.core.now_ms
        self.core.send(peer, messages.Compare(peer.compare_digest, peer.base))
        newcomers = self.core.replica.newcomers()
        if newcomers:
            row = self.core.replica.row
            lengths = tuple((author, row(author).length) for author in newcomers)
            self.core.send(peer, messages.Have(lengths[: messages.RUNS_MAX], 0))

    def asked(self, peer: PeerState, message: messages.Compare) -> None:
        """Answer a peer that asks to compare."""
        held = self.core.replica.frontier
        if message.digest == held.digest():
            self._equal(peer, message.digest, held.changes)
            self.core.send(peer, messages.Same(message.digest))
        elif message.base and message.base == peer.base:
            self._send_entries(peer, b"", held.changed_since(peer.base_mark), reply=True)
        elif len(held) <= WHOLE_FRONTIER_MAX:
            self._send_entries(peer, bytes(range(BUCKETS)), held, reply=True)
        else:
            self.core.send(peer, messages.Buckets(held.buckets()))

    def same(self, peer: PeerState, message: messages.Same) -> None:
        """Note that the peer holds what we held when we asked."""
        if message.digest == peer.compare_digest:
            self._equal(peer, message.digest, peer.compare_mark)

    def buckets(self, peer: PeerState, message: messages.Buckets) -> None:
        """Answer bucket digests with the entries of those that differ."""
        held = self.core.replica.frontier
        self._send_buckets(
            peer, frontier.differing_buckets(held.buckets(), message.digests), reply=True
        )

    def entries(self, peer: PeerState, message: messages.Entries) -> None:
        """Take in a peer's entries; ask for what we lack, and answer when asked."""
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
            changed = {one.author: one for one in replica.frontier.changed_since(peer.base_mark)}
            changed |= {author: replica.entry(author) for author in sorted(named)}
            self._send_entries(peer, b"", changed.values(), reply=False)

    def _compare_entry(self, peer: PeerState, entry: FrontierEntry) -> None:
        """Note one difference: what to ask for, what the peer lacks, what contradicts."""
        author = entry.author
        ours = self.core.replica.entry(author)
        if ours.frozen != entry.frozen:
            self._exchange_evidence(peer, ours, entry)
        complete = ours.frozen is not None and ours.length >= ours.frozen
        peer.confirm(author, entry.length, ours.length)
        if (
            entry.length > ours.length
            and not complete
            and not self.core.replica.quota.waits(author)
        ):
            peer.wanted.setdefault(author, entry.length)
        elif entry.length == ours.length and entry.head != ours.head and ours.length:
            self.probe(peer, author)

    def probe(self, peer: PeerState, author: DeviceKey) -> None:
        """Ask for earlier records of a log of which the peer holds another branch."""
        back = peer.probing.get(author, PROBE_RECORDS // 8) * 8
        peer.probing[author] = back
        length = self.core.replica.row(author).length
        start = max(0, length - back)
        if start < length:
            message = messages.WantRecords((messages.Range(author, start, length + 1),))
            self.core.send(peer, message)

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
        peer.base, peer.base_mark = digest, mark
        peer.compared = True
        if mark == self.core.replica.frontier.changes:
            peer.theirs.clear()
            peer.sent.clear()

    def _send_buckets(self, peer: PeerState, numbers: Iterable[int], *, reply: bool) -> None:
        """Send whole buckets, as many to a message as it takes entries.

        One that takes more goes in parts that name no bucket: what they leave out is unknown,
        and is found when the peer compares with us.
        """
        group: list[int] = []
        entries: list[FrontierEntry] = []
        for number in numbers:
            found = self.core.replica.frontier.bucket(number)
            if group and len(entries) + len(found) > messages.ENTRIES_MAX:
                self._send_entries(peer, bytes(group), entries, reply=reply)
                group, entries = [], []
            if len(found) > messages.ENTRIES_MAX:
                for first in range(0, len(found), messages.ENTRIES_MAX):
                    part = tuple(found[first : first + messages.ENTRIES_MAX])
                    is_last = first + messages.ENTRIES_MAX >= len(found)
                    self.core.send(peer, messages.Entries(b"", part, reply and is_last))
                continue
            group.append(number)
            entries += found
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
