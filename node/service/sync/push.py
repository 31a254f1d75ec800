"""Live replication: what was committed goes at once to the neighbours who lack it.

Small news travels whole; large news, as a node sees while it catches up, is only
announced, and whoever lacks it fetches it from one peer. Nothing is sent twice over a
link. `Have` confirms what is committed, so that an author knows who holds his records.
"""

from __future__ import annotations

from commonweal.node.service.peer import Core, PeerState
from commonweal.node.service.replica import NEWCOMERS_MAX
from commonweal.node.service.sync.chain_sync import ChainSync
from commonweal.node.service.sync.serve import RecordServer
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.wire import messages
from commonweal.storage.records.log_pages import SEQ_MAX
from commonweal.storage.records.settings import RESTORING

PUSH_BYTES_MAX = 64 * 1024
"""News of one log up to this size is sent unasked."""
FETCH_STALL_MS = 5_000
"""A peer that sends nothing of what we asked for so long keeps others waiting no longer."""
STALLED_REST_MS = 10_000
"""Others are asked first for so long: who promises again and again would be the first each time."""
FETCH_LOGS_MAX = messages.RANGES_MAX
TURN_MS = 10_000
"""How fast a peer sends is measured so often."""
LONG_MS = 60_000
"""What takes a peer longer is asked of another, too, to see whether he is faster."""


class Push:
    """Pushing news, confirming it, and asking for what a peer has and we lack."""

    def __init__(self, core: Core, record_server: RecordServer, chain_sync: ChainSync) -> None:
        self.core = core
        self.record_server = record_server
        self.chain_sync = chain_sync

    def spread(self) -> dict[DeviceKey, int]:
        """Send what was committed; return for each log that grew its length before."""
        replica = self.core.replica
        dirty, replica.dirty = replica.dirty, {}
        for peer in list(self.core.peers.values()):
            peer.turn_bytes = peer.turn_frames = 0
            if dirty and peer.is_member and peer.compared:
                self._push(peer, dirty)
            self._acknowledge(peer)
        return dirty

    def confirmed(self, peer: PeerState, message: messages.Have) -> None:
        """Take in what a peer keeps; go on serving it, or fetch what it has and we lack."""
        peer.in_flight = max(0, peer.in_flight - message.took)
        for author, length in message.lengths:
            ours = self.core.replica.row(author).length
            peer.confirm(author, length, ours)
            if length > ours and self._is_wanted(author):
                peer.wanted[author] = max(length, peer.wanted.get(author, 0))
        self.record_server.pump(peer)

    def _is_wanted(self, author: DeviceKey) -> bool:
        """Say whether more of a log would be taken: of an unknown newcomer only with room."""
        replica = self.core.replica
        if replica.row(author).length or replica.was_admitted(author):
            return replica.takes(author)
        return replica.sealed_length(author) > 0 or len(replica.newcomers()) < NEWCOMERS_MAX

    def fetch(self, peer: PeerState) -> None:
        """Ask a peer for what it has and we lack, unless another peer is sending it.

        Not before all that it has was compared: only the whole is sure to be closed.
        """
        ready = peer.compared and not peer.fetching and self.core.keeps
        if self._rests(peer):
            return
        if not peer.wanted or not ready or self.chain_sync.is_awaited(peer):
            return
        busy = {
            author
            for other in self.core.peers.values()
            if other is not peer
            for author in other.fetching
        }
        ranges: list[messages.Range] = []
        for author, stop in list(peer.wanted.items()):
            start = self.core.replica.row(author).length
            if start >= stop or not self.core.replica.takes(author):
                del peer.wanted[author]
            elif author not in busy and len(ranges) < FETCH_LOGS_MAX:
                del peer.wanted[author]
                stop = max(start + 1, min(stop, self.core.replica.quota.stop(author)))
                ranges.append(messages.Range(author, start, stop))
        if ranges:
            peer.fetching = {one.author: one.stop for one in ranges}
            peer.remaining = sum(one.stop - one.start for one in ranges)
            peer.progress_ms = peer.fetched_ms = self.core.now_ms
            peer.turn_ms, peer.brought = self.core.now_ms, 0
            self.core.send(peer, messages.WantRecords(tuple(ranges)))

    def fetched(self, peer: PeerState) -> None:
        """Note that all that was asked for has come; compare again when it was not enough."""
        short = any(
            self.core.replica.row(author).length < stop and self.core.replica.takes(author)
            for author, stop in peer.fetching.items()
        )
        was_asked, peer.fetching = bool(peer.fetching), {}
        if short:
            peer.compare_ms = min(peer.compare_ms, self.core.now_ms - 2_000)
        for other in self.core.members() if was_asked else ():
            if other is not peer:  # who promises little again and again keeps nobody waiting
                self.fetch(other)
        self.fetch(peer)

    def restored(self, peer: PeerState) -> None:
        """End the wait of a restored home once it holds all that a peer holds."""
        store = self.core.replica.store
        takes = self.core.replica.takes
        complete = peer.compared and not any(map(takes, peer.theirs))
        if complete and self.core.keeps and store.setting(RESTORING):
            store.put_setting(RESTORING, None)

    def give_up(self) -> None:
        """Release what stalled and slow peers were asked for, so that others are."""
        now_ms = self.core.now_ms
        for peer in self.core.members():
            if peer.fetching and now_ms - peer.progress_ms > FETCH_STALL_MS:
                self._stop(peer)
                peer.stalled_ms = now_ms
            elif peer.fetching and now_ms - peer.turn_ms >= TURN_MS:
                brought = max(0, peer.brought + peer.coming)
                peer.pace = brought * 1_000 // (now_ms - peer.turn_ms)
                peer.turn_ms, peer.brought = now_ms, -peer.coming
                faster = self._faster(peer)
                if faster is not None:
                    for author, stop in self._stop(peer).items():
                        peer.wanted.setdefault(author, stop)
                    self.fetch(faster)

    def _stop(self, peer: PeerState) -> dict[DeviceKey, int]:
        """Ask a peer no more for what he was asked for, and return that; he is told."""
        asked, peer.fetching = peer.fetching, {}
        if len(self.core.members()) == 1:
            return asked
        nothing = tuple(messages.Range(author, SEQ_MAX - 1, SEQ_MAX) for author in sorted(asked))
        self.core.send(peer, messages.WantRecords(nothing))
        return asked

    def _faster(self, peer: PeerState) -> PeerState | None:
        """Return a peer who has some of what one is asked for, and may be much faster; or None."""
        assert peer.pace is not None
        lasts_ms = self.core.now_ms - peer.fetched_ms
        is_slow = peer.is_slow or lasts_ms >= LONG_MS
        found: list[tuple[int, PeerState]] = []
        for other in self.core.members():
            is_free = other.compared and not other.fetching and not self._rests(other)
            if is_free and not peer.fetching.keys().isdisjoint(other.wanted):
                if other.pace is None and is_slow:
                    return other
                if other.pace is not None and other.pace > 2 * peer.pace:
                    found.append((other.pace, other))
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def _rests(self, peer: PeerState) -> bool:
        """Say whether a peer stalled lately, brought nothing since, and is not the only one."""
        is_stalled = peer.stalled_ms > peer.news_ms
        late_ms = self.core.now_ms - peer.stalled_ms
        return is_stalled and late_ms < STALLED_REST_MS and len(self.core.members()) > 1

    def _push(self, peer: PeerState, dirty: dict[DeviceKey, int]) -> None:
        replica = self.core.replica
        runs: list[messages.Run] = []
        haves: list[tuple[DeviceKey, int]] = []
        room = messages.RUNS_BYTES_AIM
        for author, before in dirty.items():
            length = replica.row(author).length
            if peer.theirs.get(author) == length:
                del peer.theirs[author]
                peer.sent.pop(author, None)
                continue
            start = peer.has(author, before)
            if start >= length:
                continue
            peer.theirs.setdefault(author, before)
            if start < before:
                haves.append((author, length))
                continue
            wires = replica.store.wires(author, start, length, PUSH_BYTES_MAX)
            run = self.record_server.closed(author, start, wires)
            size = run.size if run is not None else 0
            if run is None or len(run.wires) < length - start or size > room:
                haves.append((author, length))
                continue
            room -= size
            runs.append(run)
            peer.sent[author] = length
            peer.acks.pop(author, None)
        if runs:
            self.core.send(peer, messages.Runs(tuple(runs), 0, asked=False))
        peer.acks.update(haves)

    def _acknowledge(self, peer: PeerState) -> None:
        """Send the `Have`s that are due: logs taken from this peer, and large news."""
        if peer.acks or peer.took:
            lengths = sorted(peer.acks.items())[: messages.RUNS_MAX]
            self.core.send(peer, messages.Have(tuple(lengths), peer.took))
            peer.acks, peer.took = {}, 0
