"""Offers for state sync: the final state of one height, handed out to peers in chunks.

An offer is made when a peer asks for a state, in one pass over the keys in their order, into a file
beside the state. There the pairs lie by chunk, as they are sent, so that memory is bounded and the
state may go on meanwhile. An offer stays while newer seals arrive, so that a peer gets all chunks
of one state; it is deleted when nobody asks any more. Nothing here writes to the state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import msgpack

from commonweal.protocol import merkle
from commonweal.protocol.errors import OlderSeal
from commonweal.protocol.keys import HASH_BYTES, short
from commonweal.protocol.ledger.checkpoint import snapshot
from commonweal.protocol.ledger.checkpoint.roots import Trees
from commonweal.protocol.ledger.state.advance import FOLD
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.ledger.state.state_db import StateDb, TreePages
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import SealStore

OFFER_MS = 10 * 60 * 1000
"""Minimum age of an offer before a new one replaces it; a peer that fetches it starts over."""

OFFER_UNUSED_MS_MAX = 60 * 60 * 1000
"""An offer is deleted when no chunk of it was asked for in this time."""

USE_NOTED_MS = 60 * 1000
"""Pause between two notes that an offer is used."""

SORTED_BYTES_MAX = 8 * 1024 * 1024
"""Pairs that are held in memory, by chunk, before they are written: the memory of an offer."""

PAIR_MORE_BYTES = 48
"""Memory that a pair takes beside its bytes."""

PARTS_BITS = 20
"""Of a number in `offered_pairs`: how often the pairs of one chunk may be written."""

STATE_TREE = Trees._fields.index("state")

OFFERED, USED = "offered", "used"
"""Marks of the file beside: the offer with the depth of its places, and when it was asked for."""

BESIDE, BESIDE_WHOLE = "offer", "whole"
"""Names of the file beside the state: that of a node, and that of a command."""


class Offer(NamedTuple):
    """A snapshot: its height, and the depth in the state tree of its chunks."""

    height: int
    depth: int

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return 1 << self.depth


class StateOffers:
    """Hands out the final state in `layers`."""

    def __init__(
        self, store: Store, layers: StateDb, community: CommunityId, name: str = BESIDE
    ) -> None:
        """name: of the file beside the state."""
        self._store, self._layers, self._community = store, layers, community
        self._name = name

    def offer(self, now_ms: int) -> Offer | None:
        """Return the offer, renewed when it is old; None when this state cannot be offered.

        It cannot before the first seal, when this ledger does not follow its seals, and when the
        last seal is of another fold and names no root of the state as it is kept here.
        """
        self._layers.pin()
        try:
            height, marked = self._height(), self._kept.mark(OFFERED)
            if marked is not None:
                offered, depth, _, made_ms = marked
                if offered == height or 0 <= now_ms - made_ms < OFFER_MS:
                    self._note_use(now_ms)
                    return Offer(offered, depth)
            return self.made(now_ms)
        finally:
            self._layers.rollback()

    def made(self, now_ms: int) -> Offer | None:
        """Return a new offer of the state that `layers` reads; else as `offer`."""
        height = self._height()
        return self._make(height, now_ms) if self.has_root(height) else None

    def chunk(self, height: int, number: int) -> bytes | None:
        """Return a chunk of the offer; None when the offer has another height."""
        kept, marked = self._kept, self._kept.mark(OFFERED)
        if marked is None or marked[0] != height:
            return None
        _, depth, places, _ = marked
        path = kept.rows("SELECT hashes FROM offered_path WHERE number = ?", (number,))
        if not path:
            return None
        bits = places - depth + PARTS_BITS
        rows = kept.rows(
            "SELECT pairs FROM offered_pairs WHERE number >= ? AND number < ?",
            (number << bits, number + 1 << bits),
        )
        return snapshot.chunk_of(_hashes(path[0][0]), _pairs(rows))

    def tidy(self, now_ms: int) -> bool:
        """Delete an offer that nobody asks for any more; return whether there still is one."""
        if not self._layers.has_beside(self._name):
            return False
        used_ms = self._kept.mark(USED)
        if used_ms is not None and 0 <= now_ms - used_ms < OFFER_UNUSED_MS_MAX:
            return True
        self._layers.remove_beside(self._name)
        return False

    # Inside

    @property
    def _kept(self) -> StateDb:
        return self._layers.beside(self._name)

    def _height(self) -> int:
        """Return the height of the state in `layers`."""
        cut = self._layers.mark("cut")
        return 0 if cut is None else int(cut[0])

    def has_root(self, height: int) -> bool:
        """Whether the seal of this state names its root as it is kept here."""
        alarm = self._layers.mark("alarm")
        kept = SealStore(self._store, self._community).at(height)
        is_followed = alarm is None or alarm[1] != FOLD
        return is_followed and kept is not None and kept.sealed.seal.fold == FOLD

    def _note_use(self, now_ms: int) -> None:
        kept = self._kept
        if not 0 <= now_ms - kept.mark(USED) < USE_NOTED_MS:
            kept.begin()
            kept.put_mark(USED, now_ms)
            kept.commit()

    def _make(self, height: int, now_ms: int) -> Offer | None:
        """Write a new offer; None when a chunk would be too large."""
        kept = self._kept
        kept.begin()
        try:
            kept.change("DELETE FROM offered_pairs")
            kept.change("DELETE FROM offered_path")
            places = snapshot.depth_by_size(self._layers.final_bytes())
            counts, sizes = self._sort_out(kept, places)
            offer = Offer(height, snapshot.filled_depth(counts))
            wide = 1 << places - offer.depth
            largest = max(sum(sizes[at : at + wide]) for at in range(0, len(sizes), wide))
            if largest + CHUNK_HEAD_BYTES_MAX > snapshot.CHUNK_BYTES_MAX:
                return None
            self._note_paths(kept, offer)
            kept.put_mark(OFFERED, [*offer, places, now_ms])
            kept.put_mark(USED, now_ms)
            kept.commit()
        finally:
            kept.rollback()
        return offer

    def _sort_out(self, kept: StateDb, places: int) -> tuple[list[int], list[int]]:
        """Write all pairs of the state by place; return how many lie below each, and their bytes.

        places: depth of the places.
        """
        pack = msgpack.Packer(use_bin_type=True).pack
        below: list[list[bytes]] = [[] for _ in range(1 << places)]
        counts, sizes = [0] * len(below), [0] * len(below)
        held = part = 0

        def write() -> None:
            rows = (
                ((place << PARTS_BITS) + part, b"".join(pairs))
                for place, pairs in enumerate(below)
                if pairs
            )
            kept.change_many("INSERT INTO offered_pairs VALUES (?, ?)", rows)
            for pairs in below:
                pairs.clear()

        for pair in self._layers.each_final():
            place, data = merkle.prefix_of(pair[0], places), pack(pair)
            below[place].append(data)
            counts[place] += 1
            sizes[place] += len(data)
            held += len(data) + PAIR_MORE_BYTES
            if held >= SORTED_BYTES_MAX:
                write()
                held, part = 0, part + 1
        write()
        return counts, sizes

    def _note_paths(self, kept: StateDb, offer: Offer) -> None:
        nodes = TreePages(self._layers, STATE_TREE)

        def paths() -> Iterator[tuple[int, bytes]]:
            for number in range(offer.chunks):
                hashes = merkle.siblings_above(nodes, offer.depth, number)
                assert hashes is not None, "two pairs lie below each place"
                yield number, b"".join(hashes)

        kept.insert_many("INSERT INTO offered_path VALUES (?, ?)", paths())


CHUNK_HEAD_BYTES_MAX = 16 + snapshot.DEPTH_CHUNKS_MAX * (HASH_BYTES + 2)
"""Bytes of a chunk that are not pairs."""


def _hashes(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _pairs(rows: list[tuple[bytes]]) -> Iterator[snapshot.Pair]:
    reader = msgpack.Unpacker(raw=False, use_list=False, max_buffer_size=snapshot.CHUNK_BYTES_MAX)
    for (data,) in rows:
        reader.feed(data)
        for pair in reader:
            yield snapshot.Pair(*pair)


Whole: TypeAlias = tuple[Offer, list[bytes]]
"""An offer and all its chunks."""


def whole(store: Store, layers: StateDb, community: CommunityId) -> Whole:
    """Return an offer of the present final state and all its chunks; keeps nothing.

    Raises OlderSeal where the last seal names no root of the state as it is kept here, or where a
    chunk would be too large.
    """
    offers = StateOffers(store, layers, community, BESIDE_WHOLE)
    try:
        offer = offers.made(0)
        if offer is None:
            raise OlderSeal(short(layers.mark("cut")[-1]))
        return offer, [offers.chunk(offer.height, number) or b"" for number in range(offer.chunks)]
    finally:
        layers.remove_beside(BESIDE_WHOLE)
