"""The chain of seals that this node keeps, followed height by height from the founding record.

A seal is kept only if a quorum certified it, it links to the one before, and its delta gives the
cut root that it names; no peer and no proposer can make this node keep another. Of two certified
seals of one height the first stays, both are shown, and sealing stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from commonweal.node.service.replica.sound_seals import SoundSeals
from commonweal.protocol import merkle
from commonweal.protocol.errors import (
    CommonwealError,
    DamagedDatabase,
    FinalityForked,
    InvalidRecord,
    InvalidSeal,
    Malformed,
    OtherCheckpoint,
)
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import FOUND, CommunityId, Record, RecordId, from_bytes
from commonweal.protocol.seal.chain import (
    TrustedPoint,
    chain_start,
    check_same_certificate,
    verify_adjacent,
)
from commonweal.protocol.seal.cut import Delta, SealedLog, cut_root, extend, length_in, tree_changes
from commonweal.protocol.seal.formats import SealedHeight
from commonweal.protocol.seal.votes import Certificate, SealId, certificate_from_bytes
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import KeptSeal
from commonweal.storage.records.sealed_heights import SealedHeights


@dataclass(slots=True)
class _Whole:
    """The whole cut of the last seal, with the tree under its root.

    is_right: whether the root is the one that the seal names; else the disk changed a delta.
    """

    logs: dict[DeviceKey, SealedLog]
    pages: dict[bytes, bytes]
    is_right: bool


class SealChain:
    """The seals of one store, and the point where they end."""

    def __init__(self, store: Store, community: CommunityId) -> None:
        self.community = community
        self.sound = SoundSeals(store, community, self._begin)
        self.seals = self.sound.seals
        self._store = store
        self.reload()

    def reload(self) -> None:
        """Read from the store where the chain ends, as at start-up or after a failed commit.

        What is stored above a damaged end waits until peers showed that seal again.
        """
        self._founding: TrustedPoint | None = None
        self.sound.reload()
        self._whole: _Whole | None = None
        self.fork: tuple[Certificate, Certificate] | None = self.seals.fork()
        """Two certificates of one height; None unless finality forked."""
        self._end: TrustedPoint | None = None
        self._heights = SealedHeights(self.seals)
        for height in reversed(self.seals.heights):
            self._end = self.sound.point_at(height)
            if self._end is not None:
                break

    @property
    def is_whole(self) -> bool:
        """Whether the chain reaches as far as seals are stored: no damaged one is its end."""
        return self.seals.height <= self.height

    @property
    def height(self) -> int:
        """Of the last seal; before the first, where the chain begins."""
        point = self.point
        return point.height if point else 0

    @property
    def first(self) -> int:
        """The height of the first seal that this chain can have."""
        begin = self._begin()
        return begin.height + 1 if begin else 1

    @property
    def seal(self) -> SealId:
        """The id of the last seal; the community's before the first."""
        return self._end.seal if self._end else SealId(self.community)

    @property
    def end(self) -> tuple[int, SealId]:
        """Height and id of the last seal: of the two, a ledger not begun may have the id alone."""
        return self.height, self.seal

    @property
    def point(self) -> TrustedPoint | None:
        """The end of the chain; None while even the founding record is not known."""
        return self._end or self._begin()

    @property
    def logs(self) -> Mapping[DeviceKey, SealedLog]:
        """The whole cut of the last seal."""
        return self._cut().logs

    def learn(self, wires: Iterable[bytes]) -> None:
        """Look for the founding record among a peer's credentials: it says where to begin."""
        for data in wires if self.point is None else ():
            try:
                record = from_bytes(data)
                if record.kind == FOUND and record.id == RecordId(self.community):
                    self._found(record)
            except CommonwealError:
                continue

    def point_at(self, height: int) -> TrustedPoint | None:
        """Return the point of a height that is sealed here, or the beginning; else None."""
        return self.sound.point_at(height)

    def covering(self, record: Record) -> KeptSeal | None:
        """Return the seal that covers the place of a record; None without, or a damaged one."""
        if record.seq >= length_in(self.logs, record.author):
            return None
        try:
            height = self._heights.covering(record.author, record.seq)
        except DamagedDatabase:
            return None
        return None if height is None else self.sound.at(height)

    def mend(self, sealed: SealedHeight, delta: Delta) -> None:
        """Repair a damaged seal by what a peer sent, if it is right."""
        if self.sound.mend(sealed, delta):
            self._whole = None
            self._heights = SealedHeights(self.seals)

    def take(self, sealed: SealedHeight, delta: Delta) -> bool:
        """Keep a height that follows, or compare an earlier one; say whether the chain grew.

        Raises `InvalidSeal`, `NotCertified` or `BadSignature`. Where it shows that finality
        forked, that is kept.
        """
        seal = sealed.seal
        if seal.height <= self.height:
            self.compare(sealed.certificate)
            return False
        point = self.point
        if point is None or seal.height > point.height + 1:
            return False
        end = verify_adjacent(point, sealed)
        checkpoint = self.seals.trusted_seal()
        if checkpoint is not None and checkpoint[0] == seal.height and checkpoint[1] != seal.id:
            raise OtherCheckpoint(f"height {seal.height} has another seal in the link of this home")
        whole = self._cut()
        if not whole.is_right or not self.sound.is_ours(sealed):
            return False
        grown = extend(whole.logs, delta)
        tree = merkle.update(whole.pages, tree_changes(delta.logs))
        if cut_root(tree.root, delta.present) != seal.cut_root:
            raise InvalidSeal(f"the delta does not make the cut of height {seal.height}")
        self.seals.put(sealed, delta)
        self.sound.verified(seal.height, *self.seals.chain(seal.height, 1, 0))
        whole.logs = grown
        for place, page in tree.pages.items():
            if page is None:
                whole.pages.pop(place, None)
            else:
                whole.pages[place] = page
        self._end = end
        return True

    def compare(self, certificate: Certificate) -> bool:
        """Compare a certificate of a height that is sealed here; say whether finality forked.

        Raises `InvalidSeal`, `NotCertified` or `BadSignature` when it certifies nothing.
        """
        before, ours = self.point_at(certificate.height - 1), self.sound.at(certificate.height)
        if before is None or ours is None or ours.sealed.seal.id == certificate.seal:
            return False
        try:
            check_same_certificate(before, ours.sealed.certificate, certificate)
        except FinalityForked as found:
            self.keep_fork(*map(certificate_from_bytes, (found.first, found.second)))
            return True
        return False

    def keep_fork(self, first: Certificate, second: Certificate) -> None:
        """Keep that finality forked: from now on this node seals no more."""
        self.seals.put_fork(first, second)
        self.fork = self.fork or (first, second)

    # Inside

    def _begin(self) -> TrustedPoint | None:
        if self._founding is None:
            record = self._store.record(RecordId(self.community))
            if record is not None:
                with suppress(InvalidRecord, Malformed):  # then no seal can ever be made
                    self._found(record)
        return self._founding

    def _found(self, record: Record) -> None:
        self._founding = chain_start(record)

    def _cut(self) -> _Whole:
        if self._whole is None:
            logs = self.sound.cut(self.height)
            tree = merkle.update({}, tree_changes(logs.values()))
            kept = {at: page for at, page in tree.pages.items() if page is not None}
            end = self.sound.at(self.height)
            root = None if end is None else cut_root(tree.root, end.delta.present)
            is_right = end is None or root == end.sealed.seal.cut_root
            self._whole = _Whole(logs, kept, is_right)
            if not is_right and not self.sound.damaged:
                self.sound.seek()
        return self._whole
