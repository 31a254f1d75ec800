"""The tree of the stored branches of one log: which record follows which, by hashes.

It finds the record of any number below another one in a few steps, however long the branch is, and
takes 48 bytes for each record. It reads no database; what it was told stays true, since an id
names all records before it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.records.record import RecordId

NOWHERE = -1
"""The place of a record that is not in a tree."""


class BranchTree:
    """Records of one log by place: the order in which they were added, each after its parent."""

    def __init__(self, records: Iterable[tuple[RecordId, int, RecordId]] = ()) -> None:
        """records: id, seq and id of the previous one of each, by seq."""
        self._ids = bytearray()
        self._seqs, self._parents = array("q"), array("i")
        self._jumps = array("i")
        """A place further down, so that any place below is a few jumps away."""
        self._followers = array("i")
        """The first record that was added after each."""
        self._awaited = set[RecordId]()
        """The records before the lowest ones, which are not here."""
        self._last: tuple[bytes, int] = b"", NOWHERE
        below, here, at = dict[bytes, int](), dict[bytes, int](), NOWHERE
        for id, seq, prev in records:
            if seq != at:
                below, here, at = here if seq == at + 1 else {}, {}, seq
            here[id] = self._add(id, seq, prev, below.get(prev, NOWHERE))

    def __len__(self) -> int:
        """Return how many records it has."""
        return len(self._seqs)

    def add(self, id: RecordId, seq: int, prev: RecordId) -> bool:
        """Add a record; False where others that follow it are here already, which cannot be."""
        if id in self._awaited:
            return False
        self._last = id, self._add(id, seq, prev, self.place(prev))
        return True

    def place(self, id: bytes) -> int:
        """Return the place of a record; NOWHERE when it is not here."""
        if id == self._last[0]:
            return self._last[1]
        at = self._ids.find(id) if len(id) == HASH_BYTES else NOWHERE
        while at % HASH_BYTES and at != NOWHERE:  # parts of two ids
            at = self._ids.find(id, at + 1)
        place = at // HASH_BYTES if at != NOWHERE else NOWHERE
        if place != NOWHERE:
            self._last = id, place
        return place

    def id(self, place: int) -> RecordId:
        """Return the id of the record at a place."""
        return RecordId(bytes(self._ids[place * HASH_BYTES : (place + 1) * HASH_BYTES]))

    def seq(self, place: int) -> int:
        """Return the number in its log of the record at a place."""
        return self._seqs[place]

    def root(self, place: int) -> int:
        """Return the place of the lowest record of the branch that ends at a place."""
        while self._parents[place] != place:
            place = self._jumps[place]
        return place

    def below(self, place: int, seq: int) -> int:
        """Return the place of record number `seq` on the branch that ends at a place.

        seq: not below that of its root.
        """
        while self._seqs[place] > seq:
            jump = self._jumps[place]
            place = jump if self._seqs[jump] >= seq else self._parents[place]
        return place

    def onward(self, place: int) -> Iterator[int]:
        """Yield the places of those that follow, of several always the one that came first."""
        while (place := self._followers[place]) != NOWHERE:
            yield place

    def _add(self, id: RecordId, seq: int, prev: RecordId, parent: int) -> int:
        place = len(self._seqs)
        if parent == NOWHERE:
            parent = jump = place
            self._awaited.add(prev)
        else:
            jump = self._jumps[parent]
            seqs, further = self._seqs, self._jumps[jump]
            is_far = seqs[parent] - seqs[jump] == seqs[jump] - seqs[further]
            jump = further if is_far else parent
            if self._followers[parent] == NOWHERE:
                self._followers[parent] = place
        self._ids += id
        self._seqs.append(seq)
        self._parents.append(parent)
        self._jumps.append(jump)
        self._followers.append(NOWHERE)
        return place
