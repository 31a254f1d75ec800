"""Snapshots for state sync: the final state in chunks, offered to peers and restored from them.

Both are stored in the state file. An offer is of one height and stays while newer seals arrive, so
that a peer gets all chunks of one state. A fetched state replaces the folded one, completely or
not at all, when every chunk is here and the roots are those of a stored seal. It says which of the
records below it count for nothing. When all have arrived, `audit` folds them once, and checks every
root on the way. Nothing here asks a peer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from commonweal.protocol import merkle
from commonweal.protocol.errors import OlderSeal, WrongState
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.ledger.checkpoint import snapshot
from commonweal.protocol.ledger.checkpoint.roots import MEMBERS, Trees
from commonweal.protocol.ledger.state.advance import FOLD, CutHeader
from commonweal.protocol.ledger.state.state import LOCAL
from commonweal.protocol.ledger.things.event_row import local_rows
from commonweal.protocol.seal.cut import SealedLog, tree_changes
from commonweal.protocol.seal.formats import Seal
from commonweal.storage.ledger.contributions.event_times import adopt_times
from commonweal.storage.ledger.ledger import TAKING, LedgerState
from commonweal.storage.ledger.state.checkpoint import BEGUN
from commonweal.storage.ledger.state.state_db import FINAL, StateDb, TreePages
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.seal_store import SealStore

OFFER_MS = 10 * 60 * 1000
"""Minimum age of an offer before a new one replaces it; a peer that fetches it starts over."""

CUT_TREE, STATE_TREE, MEMBERS_TREE = range(len(Trees._fields))

OFFERED, TAKEN = "offered", "taken"
"""Marks: the offer, and the height of a restored state. See also `TAKING`."""


class Offer(NamedTuple):
    """A snapshot: its height, and the depth in the state tree of its chunks."""

    height: int
    depth: int

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return 1 << self.depth


TRIED = "audit tried"
"""Mark of the number of proofs at the last audit that failed for want of evidence."""

NOTHING_YET = Offer(0, 0)
"""The offer while a state is wanted and no peer has offered one."""


@dataclass(frozen=True, slots=True)
class SnapshotProgress:
    """Progress of a restore. wanted: number of the next chunk; None when all are here."""

    offer: Offer
    wanted: int | None


class Held(NamedTuple):
    """A restored state: its height, and how many of its records are here, of how many."""

    height: int
    records: int
    of: int


def held(layers: StateDb, store: Store) -> Held | None:
    """Return how many records of the restored state have arrived.

    None without a restored state, and after all records arrived and were folded.
    """
    height = layers.mark(TAKEN)
    if height is None:
        return None
    rows = {row.author: row.length for row in store.logs()}
    logs = layers.rows("SELECT author, length FROM sealed_log")
    here = sum(min(length, rows.get(author, 0)) for author, length in logs)
    return Held(height, here, sum(length for _, length in logs))


class Snapshots:
    """Offers the state of the ledger in `kept`, and restores it from peers."""

    def __init__(self, kept: LedgerState) -> None:
        self.kept, self._layers = kept, kept.layers
        self._seals = SealStore(kept.store, kept.community)

    # Offered to peers

    def offer(self, now_ms: int) -> Offer | None:
        """Return the offer, renewed when it is old; None before the first seal."""
        marked = self._layers.mark(OFFERED)
        height = self.kept.cut.height
        if marked is not None:
            *offered, made_ms = marked
            if offered[0] == height or 0 <= now_ms - made_ms < OFFER_MS:
                return Offer(*offered)
        if not height or self.kept.alarm or not self.has_root():
            return None
        with self._writing():
            offer = self._make()
            if offer is not None:
                self._layers.put_mark(OFFERED, [*offer, now_ms])
        return offer

    def has_root(self) -> bool:
        """Whether the last seal names the root of the state as this program lays it out."""
        kept = self._seals.at(self.kept.cut.height)
        return kept is not None and kept.sealed.seal.fold == FOLD

    def chunk(self, height: int, number: int) -> bytes | None:
        """Return a chunk of the offer; None when the offer has another height."""
        marked = self._layers.mark(OFFERED)
        if marked is None or marked[0] != height:
            return None
        rows = self._layers.rows("SELECT data FROM offered_chunk WHERE number = ?", (number,))
        return rows[0][0] if rows else None

    def whole(self) -> tuple[Offer, list[bytes]]:
        """Return an offer of the present final state and all its chunks; stores nothing.

        Raises OlderSeal where the last seal names no root of the state as it is kept here.
        """
        if not self.has_root():
            raise OlderSeal(short(self.kept.last.seal))
        offer, below = self._cut_up()
        return offer, [self._chunk(offer.depth, number, some) for number, some in below.items()]

    # Restored from peers

    def progress(self) -> SnapshotProgress | None:
        """Return the progress of the restore; None without one."""
        marked = self._layers.mark(TAKING)
        if marked is None:
            return None
        offer = Offer(*marked)
        ((count,),) = self._layers.rows("SELECT count(*) FROM taken_chunk")
        return SnapshotProgress(offer, count if count < offer.chunks else None)

    def hold(self) -> None:
        """Fold no seal until a state is restored, or the restore is given up."""
        if self._layers.mark(TAKING) is None:
            with self._writing():
                self._layers.put_mark(TAKING, [*NOTHING_YET])

    def take(self, offer: Offer, number: int, data: bytes) -> SnapshotProgress:
        """Check a chunk against the seal's state root and store it; return the progress.

        The last chunk restores the state, unless this ledger has folded as far by itself. A chunk
        out of order is ignored. Raises `WrongState` or `Malformed` when the chunk is not of the
        state that the stored seal names.
        """
        if offer.height <= self.kept.cut.height:
            self.give_up()
            return SnapshotProgress(offer, None)
        seal = self._seal(offer.height)
        if seal.fold != FOLD:
            raise WrongState(f"the state at height {offer.height} is laid out by another fold")
        snapshot.read_chunk(data, seal.state_root, offer.depth, number)
        with self._writing():
            progress = self.progress()
            if progress is None or progress.offer != offer:
                self._layers.change("DELETE FROM taken_chunk")
                self._layers.put_mark(TAKING, [*offer])
                progress = SnapshotProgress(offer, 0)
            if number == progress.wanted:
                self._layers.change("INSERT INTO taken_chunk VALUES (?, ?)", (number, data))
                last = number + 1 == offer.chunks
                progress = SnapshotProgress(offer, None if last else number + 1)
            if progress.wanted is None:
                self._put_in_place(offer, seal)
        self.kept.refresh(whole=False)
        return progress

    def give_up(self) -> None:
        """Forget what was taken so far of a snapshot that nobody offers any more.

        The next refresh folds the seals that waited, although no record came since.
        """
        if self._layers.mark(TAKING) is None:
            return
        with self._writing():
            self._layers.change("DELETE FROM taken_chunk")
            for mark in (TAKING, "ledger"):
                self._layers.put_mark(mark, None)

    # What follows.

    def held(self) -> Held | None:
        """Return how far the records followed the state that was taken; None when no matter."""
        return held(self._layers, self.kept.store)

    def audit(self) -> bool:
        """Fold all sealed records anew beside the state that was taken, once all are here.

        Return whether that is done. It raises the alarm when the records come to another root than
        a seal names.
        """
        logs = self.kept.last.logs.values()
        if self._layers.mark(TAKEN) is None:
            return True
        if any(self.kept.store.wire(log.head) is None for log in logs):
            return False
        proofs = self.kept.store.row(
            "SELECT (SELECT count(*) FROM proof), (SELECT count(*) FROM double_vote)"
        )
        if self._layers.mark(TRIED) == list(proofs or ()):
            return False
        place = self._layers.path
        beside = StateDb(place if place == ":memory:" else f"{place}.audit")
        try:
            again = LedgerState(self.kept.store, beside, self.kept.community, whole=False)
            if not again.alarm and again.cut.height < self.kept.cut.height:
                self._note_tried(list(proofs or ()))
                return False
            with self._writing():
                adopt_times(self._layers, beside)
                if again.alarm:
                    self.kept.raise_alarm(again.alarm)
                self._layers.put_mark(TAKEN, None)
        finally:
            beside.remove()
        return True

    # Inside

    def _note_tried(self, proofs: list[int]) -> None:
        """Note that evidence that seals name is missing: no audit before more arrives."""
        with self._writing():
            self._layers.put_mark(TRIED, proofs)

    def _seal(self, height: int) -> Seal:
        kept = self._seals.at(height)
        if kept is None:
            raise WrongState(f"no seal of height {height} is kept here")
        return kept.sealed.seal

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._layers.begin()
        try:
            yield
            self._layers.commit()
        finally:
            self._layers.rollback()
            self.kept.last.read()

    def _make(self) -> Offer | None:
        """Write the chunks of a new offer; None when one would be too large."""
        offer, below = self._cut_up()
        self._layers.change("DELETE FROM offered_chunk")
        for number, some in below.items():
            data = self._chunk(offer.depth, number, some)
            if len(data) > snapshot.CHUNK_BYTES_MAX:
                return None
            self._layers.change("INSERT INTO offered_chunk VALUES (?, ?)", (number, data))
        return offer

    def _cut_up(self) -> tuple[Offer, dict[int, list[bytes]]]:
        """Return an offer of the final state, and the keys in each chunk."""
        keys: list[bytes] = []
        size = 0
        for pair in self._pairs():
            keys.append(pair.key)
            size += len(pair.key) + len(pair.value)
        depth = snapshot.depth_for(size, keys)
        below: dict[int, list[bytes]] = {number: [] for number in range(1 << depth)}
        for key in keys:
            below[merkle.prefix_of(key, depth)].append(key)
        return Offer(self.kept.cut.height, depth), below

    def _chunk(self, depth: int, number: int, keys: list[bytes]) -> bytes:
        values = ((key, self._layers.get(key, FINAL)) for key in keys)
        tree = TreePages(self._layers, STATE_TREE)
        return snapshot.chunk_to_bytes(tree, depth, number, snapshot.pairs_of(values))

    def _pairs(self) -> Iterator[snapshot.Pair]:
        pairs = self._layers.each_final()
        yield from (snapshot.Pair(*pair) for pair in pairs if pair[0][:1] != LOCAL)

    def _put_in_place(self, offer: Offer, seal: Seal) -> None:
        """Replace the folded state by the fetched one. Raises `WrongState` on other roots."""
        from commonweal.storage.ledger import views

        layers = self._layers
        for table in views.TABLES:
            if table not in ("mark", "taken_chunk"):
                layers.change(" ".join(("DELETE FROM", table)))
        for mark in ("older", "newest", "ledger", "cut", "alarm", TAKING):
            layers.put_mark(mark, None)
        touched: list[bytes] = []
        state = members = merkle.EMPTY
        for number in range(offer.chunks):
            ((data,),) = layers.rows("SELECT data FROM taken_chunk WHERE number = ?", (number,))
            pairs = snapshot.read_chunk(data, seal.state_root, offer.depth, number)
            rows = [(pair.key, snapshot.value_of(pair)) for pair in pairs]
            layers.put(FINAL, [*rows, *local_rows(rows)])
            layers.put_refused(rows)
            state = self._grow(STATE_TREE, dict(pairs))
            of_members = {key: value for key, value in pairs if key[:1] in MEMBERS}
            members = self._grow(MEMBERS_TREE, of_members)
            touched += [pair.key for pair in pairs]
        if (state, members) != (seal.state_root, seal.members_root):
            raise WrongState(f"the state at height {seal.height} has other roots than its seal")
        self._put_cut(seal)
        layers.change("DELETE FROM taken_chunk")
        layers.put_mark(TAKEN, seal.height)
        layers.put_mark(BEGUN, True)
        views.refresh(layers, self.kept.store, touched)

    def _grow(self, tree: int, pairs: dict[bytes, bytes]) -> bytes:
        grown = merkle.update(TreePages(self._layers, tree), dict(pairs))
        self._layers.put_pages(tree, grown.pages)
        return grown.root

    def _put_cut(self, last: Seal) -> None:
        """Write the cut of a seal, from the deltas up to it, and a row for each seal."""
        logs: dict[DeviceKey, SealedLog] = {}
        for height in self._seals.heights:
            kept = self._seals.at(height)
            assert kept is not None, "the chain has no gaps"
            if height > last.height:
                break
            seal, records = kept.sealed.seal, 0
            for log in kept.delta.logs:
                before = logs.get(log.author)
                records += log.length - (before.length if before else 0)
                logs[log.author] = log
            self._layers.change(
                "INSERT OR REPLACE INTO seal_row VALUES (?, ?, ?, ?, ?, ?)",
                (height, seal.time_ms, seal.id, seal.ruleset, len(logs), records),
            )
        changes = tree_changes(logs.values())
        self._grow(CUT_TREE, {key: value for key, value in changes.items() if value is not None})
        cut = CutHeader(last.height, last.time_ms, last.clock, last.prev, last.cut_root)
        self.kept.last.write(cut, last.id, tuple(logs.values()))
