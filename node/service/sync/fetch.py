"""Record fetch: from which peer the records are fetched that are not held here.

Each log is fetched from one peer at a time. A peer that stalls is passed over for a while, and
a slow one is replaced when a faster peer is known. This part asks; what arrives is checked and
kept by `ingest`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from commonweal.node.service.core import Core
from commonweal.node.service.peer import PeerState
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.wire import messages
from commonweal.storage.records.logs.run_pages import SEQ_MAX
from commonweal.storage.records.settings import RESTORING

FETCH_STALL_MS = 5_000
"""After this time without any of the records that were asked for, other peers are asked."""
STALLED_REST_MS = 10_000
"""Time during which other peers are preferred to one that stalled."""
FETCH_LOGS_MAX = messages.RANGES_MAX
TURN_MS = 10_000
"""How often the speed of a peer is measured."""
LONG_MS = 60_000
"""After this time another peer is tried, to learn whether it is faster."""
MANY_RECORDS = 5_000
"""As many missing records wait while a state comes; fewer take no time that it would miss."""
SLOW_BYTES_PER_S = 64 * 1024
"""Below this speed a peer of unknown speed is tried instead."""


@dataclass(slots=True)
class _Download:
    """What is fetched from one peer.

    wanted: the length that each log has there, for logs that are longer there. fetching: the
    part of it that was asked for. asked_ms: when. progress_ms: when some of it last came.
    turn_ms: since when `brought` counts bytes of records that were not held. pace: bytes per
    second at the last measurement. coming: bytes of a frame that has not fully arrived.
    stalled_ms: when the peer was last given up. lacking: of a light home, from which record on it
    gave nothing of a log.
    """

    wanted: dict[DeviceKey, int] = field(default_factory=dict)
    fetching: dict[DeviceKey, int] = field(default_factory=dict)
    lacking: dict[DeviceKey, int] = field(default_factory=dict)
    asked_ms: int = 0
    progress_ms: int = 0
    turn_ms: int = 0
    brought: int = 0
    pace: int | None = None
    coming: int = 0
    stalled_ms: int = 0

    @property
    def is_slow(self) -> bool:
        """Whether the peer brought little when its speed was last measured."""
        return self.pace is not None and self.pace < SLOW_BYTES_PER_S


class RecordFetch:
    """The open requests for records, by peer."""

    def __init__(
        self,
        core: Core,
        awaits_seals: Callable[[PeerState], bool],
        state_comes_first: Callable[[], bool],
    ) -> None:
        """awaits_seals: says whether a peer was just asked for seals that its records cite.

        state_comes_first: says whether many records wait until a state is here.
        """
        self.core, self._awaits_seals = core, awaits_seals
        self._state_comes_first = state_comes_first
        self._downloads: dict[PeerKey, _Download] = {}

    def left(self, key: PeerKey) -> None:
        """Forget what was asked of a peer; its logs may be fetched from others."""
        self._downloads.pop(key, None)

    # What others say about a peer.

    def want(self, peer: PeerState, author: DeviceKey, length: int) -> None:
        """Note that a peer holds `length` records of a log, more than are held here."""
        wanted = self._of(peer).wanted
        wanted[author] = max(length, wanted.get(author, 0))

    def unwant(self, peer: PeerState, author: DeviceKey) -> None:
        """Ask this peer no more for a log, before it is compared again."""
        self._of(peer).wanted.pop(author, None)

    def brought(self, peer: PeerState, size: int) -> None:
        """Note that a peer brought records of `size` bytes that were not held."""
        download = self._of(peer)
        download.progress_ms = self.core.now_ms
        download.brought += size

    def coming(self, peer: PeerState, size: int) -> None:
        """Note that `size` bytes of a frame have come which is not complete."""
        download = self._of(peer)
        download.progress_ms, download.coming = self.core.now_ms, size

    def frame_came(self, peer: PeerState) -> None:
        """Note that a frame is complete."""
        self._of(peer).coming = 0

    def is_fetching(self, peer: PeerState) -> bool:
        """Say whether records that were asked of this peer are still to come."""
        return bool(self._of(peer).fetching)

    def is_fetching_fast(self) -> bool:
        """Say whether records are to come from a peer that is not known to be slow."""
        downloads = self._downloads.values()
        return any(download.fetching and not download.is_slow for download in downloads)

    def waits_for_state(self) -> bool:
        """Say whether many records are missing that are asked for once a state is here."""
        return self._state_comes_first() and any(map(self._lacks_many, self._downloads.values()))

    def authors(self, besides: PeerState | None = None) -> set[DeviceKey]:
        """Return the logs that are being fetched, from any peer but `besides`."""
        return {
            author
            for key, download in self._downloads.items()
            if besides is None or key != besides.key
            for author in download.fetching
        }

    # Asking.

    def ask(self, peer: PeerState) -> None:
        """Ask a peer for the records that are missing here, unless others are sending them.

        Not before all its logs were compared: only then what it sends is causally closed.
        """
        download = self._of(peer)
        ready = peer.compared and not download.fetching and self.core.keeps
        if self._rests(peer):
            return
        if not download.wanted or not ready or self._awaits_seals(peer):
            return
        if self._state_comes_first() and self._lacks_many(download):
            return
        replica, busy = self.core.replica, self.authors(besides=peer)
        ranges: list[messages.Range] = []
        for author, stop in list(download.wanted.items()):
            start = replica.row(author).length
            is_lacking = download.lacking.get(author) == start
            if start >= stop or is_lacking or not replica.takes(author):
                del download.wanted[author]
            elif author not in busy and len(ranges) < FETCH_LOGS_MAX:
                del download.wanted[author]
                stop = max(start + 1, min(stop, replica.quota.stop(author)))
                ranges.append(messages.Range(author, start, stop))
        if ranges:
            download.fetching = {wanted.author: wanted.stop for wanted in ranges}
            download.progress_ms = download.asked_ms = self.core.now_ms
            download.turn_ms, download.brought = self.core.now_ms, 0
            self.core.send(peer, messages.WantRecords(tuple(ranges)))

    def ended(self, peer: PeerState) -> bool:
        """Note that the last frame came; ask for more. Return whether less came than promised."""
        replica, download = self.core.replica, self._of(peer)
        short = any(
            replica.row(author).length < stop and replica.takes(author)
            for author, stop in download.fetching.items()
        )
        if peer.is_light:  # below the bases of its logs it has nothing
            for author, stop in download.fetching.items():
                if (length := replica.row(author).length) < stop:
                    download.lacking[author] = length
            short = False
        was_asked, download.fetching = bool(download.fetching), {}
        for other in self.core.members() if was_asked else ():
            if other is not peer:  # a peer that often promises too much keeps no other waiting
                self.ask(other)
        self.ask(peer)
        return short

    def give_up(self) -> None:
        """Release what stalled and slow peers were asked for, so that other peers are asked."""
        now_ms = self.core.now_ms
        for peer in self.core.members():
            download = self._of(peer)
            if download.fetching and now_ms - download.progress_ms > FETCH_STALL_MS:
                self._stop(peer)
                download.stalled_ms = now_ms
            elif download.fetching and now_ms - download.turn_ms >= TURN_MS:
                brought = max(0, download.brought + download.coming)
                download.pace = brought * 1_000 // (now_ms - download.turn_ms)
                download.turn_ms, download.brought = now_ms, -download.coming
                faster = self._faster(download)
                if faster is not None:
                    for author, stop in self._stop(peer).items():
                        download.wanted.setdefault(author, stop)
                    self.ask(faster)

    def restored(self, peer: PeerState) -> None:
        """Let a restored home write again once it holds everything that a peer holds."""
        store = self.core.replica.store
        takes = self.core.replica.takes
        complete = peer.compared and not any(map(takes, peer.theirs))
        if complete and self.core.keeps and store.setting(RESTORING):
            store.put_setting(RESTORING, None)

    # Inside.

    def _of(self, peer: PeerState) -> _Download:
        return self._downloads.setdefault(peer.key, _Download())

    def _lacks_many(self, download: _Download) -> bool:
        """Whether a peer holds many records that are missing here."""
        row = self.core.replica.row
        missing = (stop - row(author).length for author, stop in download.wanted.items())
        return sum(count for count in missing if count > 0) >= MANY_RECORDS

    def _stop(self, peer: PeerState) -> dict[DeviceKey, int]:
        """Withdraw what a peer was asked for, tell the peer, and return it."""
        download = self._of(peer)
        asked, download.fetching = download.fetching, {}
        if len(self.core.members()) == 1:
            return asked
        nothing = tuple(messages.Range(author, SEQ_MAX - 1, SEQ_MAX) for author in sorted(asked))
        self.core.send(peer, messages.WantRecords(nothing))
        return asked

    def _faster(self, slow: _Download) -> PeerState | None:
        """Return a peer that has some of what `slow` fetches and may be much faster, or None."""
        assert slow.pace is not None
        is_slow = slow.is_slow or self.core.now_ms - slow.asked_ms >= LONG_MS
        faster: list[tuple[int, PeerState]] = []
        for peer in self.core.members():
            other = self._of(peer)
            is_free = peer.compared and not other.fetching and not self._rests(peer)
            if is_free and not slow.fetching.keys().isdisjoint(other.wanted):
                if other.pace is None and is_slow:
                    return peer
                if other.pace is not None and other.pace > 2 * slow.pace:
                    faster.append((other.pace, peer))
        return max(faster, key=lambda pair: pair[0])[1] if faster else None

    def _rests(self, peer: PeerState) -> bool:
        """Say whether a peer stalled lately, brought nothing since, and is not the only one."""
        stalled_ms = self._of(peer).stalled_ms
        is_stalled = stalled_ms > peer.news_ms
        late_ms = self.core.now_ms - stalled_ms
        return is_stalled and late_ms < STALLED_REST_MS and len(self.core.members()) > 1
