"""Integrity: everything held here, checked again as if it came from a stranger.

Each record's bytes, number, link, clock and own signature; each proof; each branch; each body
against its hash; each seal with its certificate; and the file itself. Nothing is changed, and no
earlier check is trusted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from commonweal.client.access import HomeAccess, Watch, Watching, unwatched
from commonweal.client.home.old_records import check_whole
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import ENGLISH, Words
from commonweal.protocol import keys, merkle
from commonweal.protocol.errors import (
    CommonwealError,
    DamagedDatabase,
    InvalidRecord,
    InvalidSeal,
    StorageError,
)
from commonweal.protocol.identity.founding import FOUNDING_CLOCK
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    check_community,
    from_bytes,
)
from commonweal.protocol.seal.chain import chain_start, verify_adjacent
from commonweal.protocol.seal.cut import SealedLog, cut_root, extend, tree_changes
from commonweal.protocol.seal.votes import SealId
from commonweal.storage.home.contents import FOLDER, Contents
from commonweal.storage.home.home import Settings
from commonweal.storage.records.logs.log_store import LogRow, Store
from commonweal.storage.records.seal_store import SealStore

RUN_BYTES = 256 * 1024
BODIES_READ = 100
FILE_FAULTS_MAX = 10


@dataclass(frozen=True, slots=True)
class IntegrityFault:
    """What is not as it must be, and where: of a log, a body or the file."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """How many records, texts, proofs and seals were checked, and what is wrong with them."""

    records: int
    bodies: int
    proofs: int
    seals: int
    faults: tuple[IntegrityFault, ...]


UNREADABLE = (DamagedDatabase, sqlite3.Error, TypeError, ValueError, IndexError)
"""What reading a damaged page raises: its values may be of any type and length."""


class Integrity(HomeAccess):
    """Whether what is held here is as its authors signed it."""

    def verify(self, *, watching: Watching = unwatched) -> IntegrityReport:
        """Check every hash, chain, signature, text and content that is held here; fold nothing.

        watching: is told how many records and texts are checked, and of how many. Raises LightHome.
        """
        check_whole(self.home, self.words)
        faults: list[IntegrityFault] = []
        with self.home.store(readonly=True) as store, store.snapshot(), watching() as watch:
            check = Checking(store, Settings.read(store).here, self.words)
            try:
                counts = store.counts()
                faults.extend(check.faults(_summed(watch, counts.records + counts.bodies)))
            except UNREADABLE as error:
                faults.append(IntegrityFault(self.words("the database"), _why(error)))
        for digest, why in Contents(self.home).damaged():
            place = self.words("content {id}").format(id=short(digest)) if digest else FOLDER
            faults.append(
                IntegrityFault(place, self.words("its hash is another") if digest else why)
            )
        checked = (check.records, check.bodies, check.proofs, check.seals)
        return IntegrityReport(*checked, tuple(faults))


class Checking:
    """One pass over a store; it counts what it has checked."""

    def __init__(self, store: Store, community: CommunityId, words: Words = ENGLISH) -> None:
        """Read `store`, whose records must be of `community`; faults are said in `words`."""
        self._store, self._community, self._words = store, community, words
        self._sealed = SealStore(store, community)
        self.records = self.bodies = self.proofs = self.seals = 0

    def faults(
        self, advance: Callable[[int], None] = lambda _more: None
    ) -> Iterator[IntegrityFault]:
        """Yield what is wrong. advance: is told how many records and bodies more were checked."""
        yield from self._file()
        for row in self._store.logs():
            yield from self._log(row, advance)
        yield from self._branches()
        yield from self._proofs()
        yield from self._seals()
        yield from self._bodies(advance)

    def _file(self) -> Iterator[IntegrityFault]:
        for (fault,) in self._store.rows(f"PRAGMA integrity_check({FILE_FAULTS_MAX})"):
            if fault != "ok":
                yield IntegrityFault(self._words("the database"), str(fault))

    def _log(self, row: LogRow, advance: Callable[[int], None]) -> Iterator[IntegrityFault]:
        place = self._words("log {device}").format(device=short(row.author))
        seq, tip, sound = 0, log.Tip(), True
        while seq < row.length:
            wires = self._store.wires(row.author, seq, row.length, RUN_BYTES)
            if not wires:
                break
            for wire in wires:
                try:
                    record = from_bytes(wire)
                    self._follows(record, row, seq, tip if sound else None)
                    tip, sound = log.Tip(seq + 1, record.id, record.clock), True
                except StorageError:
                    raise
                except CommonwealError as error:
                    yield IntegrityFault(f"{place} #{seq}", _why(error))
                    sound = False
                else:
                    if (missing := self._missing(record)) is not None:
                        yield IntegrityFault(f"{place} #{seq}", missing)
                seq += 1
            self.records += len(wires)
            advance(len(wires))
        if seq != row.length or (sound and (tip.head, tip.clock) != (row.head, row.clock)):
            yield IntegrityFault(
                place,
                self._words("it does not end where it must, at #{seq}").format(seq=row.length),
            )

    def _follows(self, record: Record, row: LogRow, seq: int, tip: log.Tip | None) -> None:
        """Raise unless the record stands here; after a bad one (tip None) its link is not asked."""
        check_community(record, self._community)
        if record.author != row.author or record.seq != seq:
            raise InvalidRecord(self._words("it stands in the wrong place"))
        if tip is not None:
            if record.prev != tip.head:
                raise InvalidRecord(self._words("it does not follow the record before it"))
            log.check_clock(record, tip.clock, self._clock_of)

    def _clock_of(self, id: RecordId) -> int | None:
        # Where the founding record is not fetched yet, as in a home restored from words.
        if id == RecordId(self._community):
            return FOUNDING_CLOCK
        clock = self._store.clock_of(id)
        return self._sealed.clock_of(SealId(id)) if clock is None else clock

    def _missing(self, record: Record) -> str | None:
        """Return what should be found with a record and is not."""
        if self._store.wire(record.id) is None:
            return self._words("it is not found by its id")
        if record.body is None:
            return None
        known = self._store.row(
            "SELECT 1 FROM body WHERE hash = ? UNION ALL SELECT 1 FROM wanted WHERE hash = ?",
            (record.body.hash, record.body.hash),
        )
        if record.body.permanent and not self._store.has_body(record.body.hash):
            return self._words("its document is missing")
        return None if known else self._words("its text is missing and is not asked for")

    def _branches(self) -> Iterator[IntegrityFault]:
        for id, wire in self._store.each("SELECT id, wire FROM branch"):
            self.records += 1
            if keys.hash32(keys.RECORD, wire) != id:
                yield IntegrityFault(
                    self._words("branch {id}").format(id=short(id)),
                    self._words("its hash is another"),
                )

    def _proofs(self) -> Iterator[IntegrityFault]:
        for author, frozen, wire in self._store.each(
            "SELECT author, frozen, coalesce(wire, x'') FROM log"
            " LEFT JOIN proof ON log.id = proof.log WHERE wire NOTNULL OR frozen NOTNULL"
        ):
            self.proofs += 1
            try:
                proof = fork_proof.from_bytes_checked(wire, self._community)
                if proof.author != author:
                    raise InvalidRecord(self._words("it names another device"))
                if proof.seq != frozen:
                    ends = self._words("it does not end where it must, at #{seq}")
                    raise InvalidRecord(ends.format(seq=proof.seq))
            except CommonwealError as error:
                yield IntegrityFault(
                    self._words("proof against {device}").format(device=short(author)), _why(error)
                )

    def _seals(self) -> Iterator[IntegrityFault]:
        """Follow the chain from the founding record; what is above a fault is not looked at."""
        founding = self._store.record(RecordId(self._community))
        if founding is None:
            return
        tree: dict[bytes, bytes] = {}
        cut: dict[DeviceKey, SealedLog] = {}
        try:
            point = chain_start(founding)
            for height in range(point.height + 1, self._sealed.height + 1):
                kept = self._sealed.at(height)
                if kept is None:
                    raise InvalidSeal(self._words("it is missing"))
                point = verify_adjacent(point, kept.sealed)
                cut = extend(cut, kept.delta)
                grown = merkle.update(tree, tree_changes(kept.delta.logs))
                if cut_root(grown.root, kept.delta.present) != kept.sealed.seal.cut_root:
                    raise InvalidSeal(self._words("its cut has another root"))
                for at, page in grown.pages.items():
                    if page is None:
                        tree.pop(at, None)
                    else:
                        tree[at] = page
                self.seals = height
        except CommonwealError as error:
            if isinstance(error, StorageError) and not isinstance(error, DamagedDatabase):
                raise
            yield IntegrityFault(
                self._words("seal {height}").format(height=self.seals + 1), _why(error)
            )
        for sealed in cut.values():
            if self._store.id_at(sealed.author, sealed.length - 1) not in (sealed.head, None):
                place = self._words("log {device}").format(device=short(sealed.author))
                yield IntegrityFault(place, self._words("it holds something else than was sealed"))

    def _bodies(self, advance: Callable[[int], None]) -> Iterator[IntegrityFault]:
        after = b""
        while page := self._store.rows(
            "SELECT hash, content FROM body WHERE hash > ? ORDER BY hash LIMIT ?",
            (after, BODIES_READ),
        ):
            for digest, content in page:
                if content is not None:
                    self.bodies += 1
                    if keys.hash32(keys.BODY, content) != digest:
                        yield IntegrityFault(
                            self._words("text {id}").format(id=short(digest)),
                            self._words("its hash is another"),
                        )
            advance(len(page))
            after = page[-1][0]


def _summed(watch: Watch, total: int) -> Callable[[int], None]:
    """Return what is called with how many more are checked, and tells `watch` the sum."""
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        watch(done, total)

    return advance


def _why(error: Exception) -> str:
    return visible(str(error)) or type(error).__name__
