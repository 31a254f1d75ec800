"""State sync: a final state is restored from chunks that peers give, whether its records are here.

Each chunk is checked against the root that a stored seal names, and placed at once in a file beside
the state, so that memory is bounded and a restart goes on where it was. When all are placed and
the roots are those of the seal, the file replaces the folded state, completely or not at all.
Records that came before, or come after, are not folded again: what of them counts stands in the
state. `audit` does that later. Nothing here asks a peer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commonweal.protocol import merkle
from commonweal.protocol.errors import WrongState
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.checkpoint import snapshot
from commonweal.protocol.ledger.checkpoint.roots import MEMBERS, Trees
from commonweal.protocol.ledger.governance.membership_end import LISTED, listed_rows
from commonweal.protocol.ledger.state.advance import FOLD, CutHeader
from commonweal.protocol.ledger.state.rejections import REFUSED
from commonweal.protocol.ledger.things.event_row import EVENT, UNVALUED, index_rows
from commonweal.protocol.seal.cut import SealedLog, tree_changes
from commonweal.protocol.seal.formats import Seal
from commonweal.storage.consensus.offers import Offer
from commonweal.storage.consensus.restored import NOTED, TAKEN
from commonweal.storage.ledger.ledger import TAKING, LedgerState
from commonweal.storage.ledger.state.checkpoint import BEGUN, Checkpoint
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb, TreePages
from commonweal.storage.ledger.state.state_rows import NUMBERED, packed, unpacked
from commonweal.storage.records.seal_store import SealStore

CUT_TREE, STATE_TREE, MEMBERS_TREE = range(len(Trees._fields))

PLACED = "placed"
"""Mark of the file beside: height and depth of the offer, and the number of placed chunks."""

KEYS_AT_ONCE = 5_000
"""Rows that are listed by member in one transaction."""

BESIDE = "taking"
"""Name of the file beside the state."""

_TOLD = (EVENT, REFUSED)
"""Tables of which something is kept beside the state, too."""

_ABOUT = tuple(table for table in NUMBERED if table not in (EVENT, UNVALUED))
"""Tables of what is said about events, which may be in other chunks than the events are."""

_WAIT = "INSERT INTO offered_pairs VALUES (?, ?)"

NOTHING_YET = Offer(0, 0)
"""The offer while a state is wanted and no peer has offered one."""


@dataclass(frozen=True, slots=True)
class SnapshotProgress:
    """Progress of a restore. wanted: number of the next chunk; None when all are here."""

    offer: Offer
    wanted: int | None


class Snapshots:
    """Restores the state of the ledger in `kept` from what peers give."""

    def __init__(self, kept: LedgerState) -> None:
        self.kept, self._layers = kept, kept.layers
        self._seals = SealStore(kept.store, kept.community)

    def progress(self) -> SnapshotProgress | None:
        """Return the progress of the restore; None without one."""
        marked = self._layers.mark(TAKING)
        if marked is None:
            return None
        offer = Offer(*marked)
        if offer == NOTHING_YET:
            return SnapshotProgress(offer, 0)
        placed = self._layers.beside(BESIDE).mark(PLACED)
        count = placed[2] if placed is not None and Offer(*placed[:2]) == offer else 0
        return SnapshotProgress(offer, count if count < offer.chunks else None)

    def hold(self) -> None:
        """Fold no seal until a state is restored, or the restore is given up.

        A restore of which an earlier process had placed all chunks is ended.
        """
        progress = self.progress()
        if progress is None:
            self._mark(NOTHING_YET)
        elif progress.wanted is None:
            self._put_in_place(progress.offer)

    def take(self, offer: Offer, number: int, data: bytes) -> SnapshotProgress:
        """Check a chunk against the seal's state root and place it; return the progress.

        The last chunk restores the state, unless this ledger has folded as far by itself. A chunk
        out of order is ignored. Raises `WrongState` or `Malformed` when the chunk is not of the
        state that the stored seal names.
        """
        if offer.height <= self.kept.cut.height:
            self.give_up()
            return SnapshotProgress(offer, None)
        seal = self._seal(offer.height)
        chunk = snapshot.read_chunk(data, seal.state_root, offer.depth, number)
        progress = self.progress()
        if progress is None or progress.offer != offer:
            self._layers.remove_beside(BESIDE)
            self._mark(offer)
            progress = SnapshotProgress(offer, 0)
        if number == progress.wanted:
            self._place(offer, number, chunk)
            is_last = number + 1 == offer.chunks
            progress = SnapshotProgress(offer, None if is_last else number + 1)
        if progress.wanted is None:
            self._put_in_place(offer)
        return progress

    def give_up(self) -> None:
        """Forget what was taken so far of a snapshot that nobody offers any more.

        The next refresh folds the seals that waited, although no record came since.
        """
        if self._layers.mark(TAKING) is None:
            return
        self._layers.remove_beside(BESIDE)
        with self._layers.writing():
            for mark in (TAKING, "ledger"):
                self._layers.put_mark(mark, None)
        self.kept.last.read()

    def tidy(self) -> None:
        """Delete the file beside that a process left which ended while it put it in place."""
        if self._layers.mark(TAKING) is None:
            self._layers.remove_beside(BESIDE)

    # Inside

    def _mark(self, offer: Offer) -> None:
        with self._layers.writing():
            self._layers.put_mark(TAKING, [*offer])

    def _seal(self, height: int) -> Seal:
        kept = self._seals.at(height)
        if kept is None:
            raise WrongState(f"no seal of height {height} is kept here")
        if kept.sealed.seal.fold != FOLD:
            raise WrongState(f"the state at height {height} is laid out by another fold")
        return kept.sealed.seal

    def _place(self, offer: Offer, number: int, chunk: snapshot.Chunk) -> None:
        """Write the pairs of a checked chunk into the file beside."""
        beside, pairs = self._layers.beside(BESIDE), chunk.pairs
        with beside.writing():
            beside.drop_indexes("local_id")
            told = [(key, unpacked(value)) for key, value in pairs if key.startswith(_TOLD)]
            self._place_told(beside, told)
            beside.put_encoded(p for p in pairs if not p.key.startswith((*_TOLD, *_ABOUT)))
            waiting = [pair for pair in pairs if pair.key.startswith(_ABOUT)]
            if waiting:
                beside.change(_WAIT, (number, packed(waiting)))
            grown = merkle.graft(TreePages(beside, STATE_TREE), chunk.subtree)
            beside.put_pages(STATE_TREE, grown.pages)
            members = {key: value for key, value in pairs if key[:1] in MEMBERS}
            _grow(beside, MEMBERS_TREE, members)
            beside.put_mark(PLACED, [*offer, number + 1])

    def _place_told(self, beside: StateDb, told: list[tuple[bytes, Any]]) -> None:
        """Write events and refusals, and what is kept beside the state of them."""
        from commonweal.storage.ledger.views import event_views

        events = {key[len(EVENT) :]: value for key, value in told if key.startswith(EVENT)}
        event_views.write_new(beside, beside.put_new_events(events))
        refused = [(key, value) for key, value in told if not key.startswith(EVENT)]
        beside.put_encoded((), [*refused, *index_rows(told)])
        beside.put_refused(refused)

    def _place_waiting(self, beside: StateDb) -> None:
        """Write the pairs about events, by their numbers, now that all events have one."""
        beside.make_indexes("local_id")
        while rows := beside.rows("SELECT number, pairs FROM offered_pairs LIMIT 1"):
            ((number, data),) = rows
            with beside.writing():
                beside.put_encoded(unpacked(data))
                beside.change("DELETE FROM offered_pairs WHERE number = ?", (number,))

    def _put_in_place(self, offer: Offer) -> None:
        """Replace the folded state by the fetched one. Raises `WrongState` on other roots."""
        from commonweal.storage.ledger.views import views

        seal, beside = self._seal(offer.height), self._layers.beside(BESIDE)
        roots = tuple(_grow(beside, tree, {}) for tree in (STATE_TREE, MEMBERS_TREE))
        if roots != (seal.state_root, seal.members_root):
            self.give_up()
            raise WrongState(f"the state at height {seal.height} has other roots than its seal")
        self._place_waiting(beside)
        _list_rows(beside)
        views.write_all(beside, self.kept.store)
        with beside.writing():
            self._put_cut(beside, seal)
            beside.put_mark("community", bytes(self.kept.community))
            beside.put_mark(TAKEN, seal.height)
            beside.put_mark(NOTED, {})
            beside.put_mark(BEGUN, True)
            beside.put_mark(PLACED, None)
        self._layers.replace_by(beside)
        self._layers.remove_beside(BESIDE)
        self.kept.ready = None
        self.kept.last.read()
        self.kept.refresh(whole=False)

    def _put_cut(self, beside: StateDb, last: Seal) -> None:
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
            beside.change(
                "INSERT OR REPLACE INTO seal_row VALUES (?, ?, ?, ?, ?, ?)",
                (height, seal.time_ms, seal.id, seal.ruleset, len(logs), records),
            )
        changes = tree_changes(logs.values())
        _grow(beside, CUT_TREE, {key: value for key, value in changes.items() if value is not None})
        cut = CutHeader(last.height, last.time_ms, last.clock, last.prev, last.cut_root)
        Checkpoint(beside, self.kept.community).write(cut, last.id, tuple(logs.values()))


def _list_rows(beside: StateDb) -> None:
    """Write the lists of members, which are local, some rows at a time.

    Nothing is listed twice where a process ended while it did so.
    """
    for table in LISTED:
        last = table
        while keys := beside.final_keys(last, KEYS_AT_ONCE):
            rows = [(key, beside.get(key, FINAL)) for key in keys if key.startswith(table)]
            with beside.writing():
                beside.put(FINAL, listed_rows(rows, LayeredState(beside, FINAL)))
            if len(rows) < KEYS_AT_ONCE:
                break
            last = keys[-1]


def _grow(layers: StateDb, tree: int, pairs: dict[bytes, bytes]) -> bytes:
    """Write pairs to a tree; return its root."""
    grown = merkle.update(TreePages(layers, tree), dict(pairs))
    layers.put_pages(tree, grown.pages)
    return grown.root
