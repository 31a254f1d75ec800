"""The stored seals that are as they were certified, and the heights where the disk changed one.

What is damaged is neither served nor built on. It is asked for from members, and replaced by what
the seal before it and its own id vouch for. Nothing is ever removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from commonweal.protocol import keys, merkle
from commonweal.protocol.errors import CommonwealError, DamagedDatabase, Malformed, StorageError
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.chain import TrustedPoint, verify_adjacent
from commonweal.protocol.seal.cut import Delta, SealedLog, cut_root, delta_from_bytes, tree_changes
from commonweal.protocol.seal.formats import Seal, SealedHeight, sealed_to_bytes
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import KeptSeal, SealBytes, SealStore

log = logging.getLogger(__name__)

DAMAGED_MAX = 1_024
"""Damaged heights that are remembered; the rest is found on the next round."""

CHECKED_MAX = 16_384
"""Heights of which it is remembered that they were verified as they are stored."""


class SoundSeals:
    """Reads seals of one store."""

    def __init__(
        self, store: Store, community: CommunityId, begin: Callable[[], TrustedPoint | None]
    ) -> None:
        """begin: returns where the chain begins."""
        self.seals = SealStore(store, community)
        self._store, self._community, self._begin = store, community, begin
        self.reload()

    def reload(self) -> None:
        """Begin the round again; what was found damaged is found again."""
        self.damaged: dict[int, None] = {}
        self._checked: dict[int, bytes] = {}
        """The hash of what is stored, by height that was verified."""
        self._next = 0

    def at(self, height: int) -> KeptSeal | None:
        """Return the seal of a height; None where there is none, or a damaged one."""
        try:
            return self.seals.at(height)
        except DamagedDatabase:
            self._note(height)
            return None

    def point_at(self, height: int) -> TrustedPoint | None:
        """Return the point of a height that is sealed here, or the beginning; else None."""
        kept, begin = self.at(height), self._begin()
        if kept is None:
            return begin if begin is not None and begin.height == height else None
        seal = kept.sealed.seal
        return TrustedPoint(
            *(self._community, seal.height, seal.id, seal.clock, seal.time_ms),
            tuple(sorted(kept.sealed.witnesses)),
        )

    def cut(self, height_max: int) -> dict[DeviceKey, SealedLog]:
        """Return the whole cut of a height, as far as the deltas up to it can be read."""
        whole: dict[DeviceKey, SealedLog] = {}
        for height, data in self.seals.deltas():
            if height > height_max:
                break
            try:
                whole.update((sealed.author, sealed) for sealed in delta_from_bytes(data).logs)
            except Malformed:
                self._note(height)
        return whole

    def given(self, start: int, heights_max: int, bytes_max: int) -> list[SealBytes]:
        """Return what `SealStore.chain` does, up to the first height that is damaged."""
        cut = _CutTree(self)
        rows = self.seals.chain(start, heights_max, bytes_max)
        for height, row in enumerate(rows, start):
            if self._checked.get(height) == _digest(row):
                continue
            if not self._is_sound(height, cut):
                return rows[: height - start]
            self.verified(height, row)
        return rows

    def verified(self, height: int, row: SealBytes) -> None:
        """Note that what is stored of a height is as it was certified."""
        self.damaged.pop(height, None)
        self._checked.pop(height, None)
        self._checked[height] = _digest(row)
        if len(self._checked) > CHECKED_MAX:
            del self._checked[next(iter(self._checked))]

    def look(self) -> None:
        """Look at the next height of an endless round."""
        heights = self.seals.heights
        if heights:
            self._next = self._next if self._next in heights else heights.start
            cut = _CutTree(self) if self._next in self.damaged else None
            if self._is_sound(self._next, cut):
                self.damaged.pop(self._next, None)
            self._next += 1

    def seek(self) -> None:
        """Find the first delta that does not make the cut of its seal; reads all."""
        cut = _CutTree(self)
        for height in self.seals.heights:
            kept = self.at(height)
            if kept is None or not cut.grows(kept.sealed.seal, kept.delta):
                self._note(height)
                return

    def is_ours(self, sealed: SealedHeight) -> bool:
        """Whether a seal that a peer sent may stand where one is stored here, or where none is."""
        height = sealed.seal.height
        row, after = self.seals.stored(height), self.at(height + 1)
        if row is None or sealed.seal.id == row.id:
            return True
        is_next = after is not None and after.sealed.seal.prev == sealed.seal.id
        return is_next or row.sealed == sealed_to_bytes(sealed)

    def mend(self, sealed: SealedHeight, delta: Delta) -> bool:
        """Put what a peer sent in the place of a damaged seal, if it is right; say whether it is.

        The seal before it must be sound, and its id must be known here.
        """
        height = sealed.seal.height
        before = self.point_at(height - 1)
        if before is None or not self.is_ours(sealed):
            return False
        try:
            verify_adjacent(before, sealed)
        except CommonwealError:
            return False
        if not _CutTree(self).grows(sealed.seal, delta):
            return False
        self.seals.put(sealed, delta)
        self.damaged.pop(height, None)
        log.info("seal %d, which the disk had changed, was repaired from a peer", height)
        return True

    # Inside

    def _note(self, height: int) -> None:
        if height not in self.damaged and len(self.damaged) < DAMAGED_MAX:
            self.damaged[height] = None
            log.warning("the stored seal %d is damaged: members are asked for it", height)

    def _is_sound(self, height: int, cut: _CutTree | None) -> bool:
        """Verify a stored height, its delta by the records that are held at the ends of its logs.

        cut: for logs of which they are not held; None: those are believed.
        """
        before, kept = self.point_at(height - 1), self.at(height)
        if before is None or kept is None:
            return False
        try:
            verify_adjacent(before, kept.sealed)
        except StorageError:
            raise
        except CommonwealError:
            self._note(height)
            return False
        logs, present = kept.delta
        held = [self._store.id_at(sealed.author, sealed.length - 1) for sealed in logs]
        if held == [sealed.head for sealed in logs] and all(map(self._knows, present)):
            return True
        if cut is None and None in held:
            return True
        if not (cut or _CutTree(self)).grows(kept.sealed.seal, kept.delta):
            self._note(height)
            return False
        return True

    def _knows(self, device: DeviceKey) -> bool:
        return self._store.log(device).length > 0


class _CutTree:
    """The tree of the whole cut, which grows height by height; read when it is needed."""

    def __init__(self, sound: SoundSeals) -> None:
        self._sound = sound
        self._height = -1
        self._pages: dict[bytes, bytes] = {}

    def grows(self, seal: Seal, delta: Delta) -> bool:
        """Grow by a delta; say whether that makes the cut of its seal."""
        if self._height != seal.height - 1:
            self._pages = {}
            self._grow(tuple(self._sound.cut(seal.height - 1).values()))
        self._height = seal.height
        return cut_root(self._grow(delta.logs), delta.present) == seal.cut_root

    def _grow(self, logs: tuple[SealedLog, ...]) -> bytes:
        tree = merkle.update(self._pages, tree_changes(logs))
        for place, page in tree.pages.items():
            if page is None:
                self._pages.pop(place, None)
            else:
                self._pages[place] = page
        return tree.root


def _digest(row: SealBytes) -> bytes:
    return keys.hash32(keys.SEAL, row.sealed, row.delta)
