"""The chain of seals, this device's own votes above its end, and evidence against others.

Heights have no gap, from where the chain begins. Everything stored here was verified by
`protocol.seal` before; nothing here checks a signature. Nothing is durable before the store's
`commit`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

from commonweal.protocol import codec
from commonweal.protocol.errors import DamagedDatabase, InvalidRecord, Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.cut import Delta, SealedLog, delta_from_bytes, delta_to_bytes
from commonweal.storage.records.settings import SettingStore

if TYPE_CHECKING:  # loaded when a seal is read, or voted on
    from commonweal.protocol.seal.consensus.events import Lock
    from commonweal.protocol.seal.formats import SealedHeight
    from commonweal.protocol.seal.votes import Certificate, DoubleVote, SealId, Vote

TRUSTED_SEAL = "checkpoint"
"""Setting of the seal that this home trusts because the link it joined by names it."""


class KeptSeal(NamedTuple):
    """A stored height: what a light client follows the chain by, and the delta of its cut."""

    sealed: SealedHeight
    delta: Delta


class SealBytes(NamedTuple):
    """A stored height as bytes for peers."""

    sealed: bytes
    delta: bytes


class StoredSeal(NamedTuple):
    """A stored height as it is on the disk, which may have changed it."""

    id: bytes
    clock: int
    sealed: bytes
    delta: bytes


class RecordPlace(NamedTuple):
    """Where a record is: its log, its number in it, and its clock."""

    author: DeviceKey
    seq: int
    clock: int


class SealStore:
    """The chain of seals in one database, and this device's votes above its end."""

    def __init__(self, database: SettingStore, community: CommunityId) -> None:
        self._database, self._community = database, community

    # The chain

    @property
    def height(self) -> int:
        """Height of the last seal; 0 before the first."""
        row = self._database.row("SELECT max(height) FROM seal")
        return (row[0] if row else None) or 0

    @property
    def heights(self) -> range:
        """The sealed heights; those of a re-founded community continue its parent's."""
        row = self._database.row("SELECT min(height), max(height) FROM seal")
        return range(0) if row is None or row[0] is None else range(row[0], row[1] + 1)

    def at(self, height: int) -> KeptSeal | None:
        """Return the seal of a height; None where there is none.

        Raises DamagedDatabase where its parts do not fit each other; no signature is checked.
        """
        from commonweal.protocol.seal.formats import sealed_from_bytes
        from commonweal.protocol.seal.witnesses import witness_set_root

        row = self.stored(height)
        if row is None:
            return None
        try:
            kept = KeptSeal(
                sealed_from_bytes(row.sealed, self._community), delta_from_bytes(row.delta)
            )
        except Malformed as error:
            raise _damaged(height, str(error)) from error
        seal, certificate = kept.sealed.seal, kept.sealed.certificate
        names = (row.id, row.clock, height, certificate.height, certificate.seal)
        if names != (seal.id, seal.clock, seal.height, seal.height, seal.id):
            raise _damaged(height, "its parts are of several seals")
        if witness_set_root(kept.sealed.witnesses) != seal.witnesses:
            raise _damaged(height, "its witnesses are others than it names")
        return kept

    def stored(self, height: int) -> StoredSeal | None:
        """Return what is stored of a height, unread; None where there is nothing."""
        row = self._database.row(
            "SELECT id, clock, sealed, delta FROM seal WHERE height = ?", (height,)
        )
        return StoredSeal(*row) if row else None

    def chain(self, start: int, heights_max: int, bytes_max: int) -> list[SealBytes]:
        """Return seals from a height on, within both limits, and at least one when there is any."""
        seals: list[SealBytes] = []
        size = 0
        for height in range(start, start + heights_max):
            row = self._database.row("SELECT sealed, delta FROM seal WHERE height = ?", (height,))
            if row is None or (seals and size + len(row[0]) + len(row[1]) > bytes_max):
                break
            seals.append(SealBytes(*row))
            size += len(row[0]) + len(row[1])
        return seals

    def height_of(self, seal: SealId) -> int | None:
        """Return the height of a seal by its id; None when it is not of this chain."""
        row = self._database.row("SELECT height FROM seal WHERE id = ?", (seal,))
        return row[0] if row else None

    def clock_of(self, seal: SealId) -> int | None:
        """Return the largest clock that a seal covers; None when it is not of this chain."""
        row = self._database.row("SELECT clock FROM seal WHERE id = ?", (seal,))
        return row[0] if row else None

    def cut(self) -> dict[DeviceKey, SealedLog]:
        """Return the whole cut of the last seal; reads the deltas of all seals."""
        whole: dict[DeviceKey, SealedLog] = {}
        for height, data in self.deltas():
            whole.update((log.author, log) for log in _delta_of(height, data).logs)
        return whole

    def deltas(self) -> Iterator[tuple[int, bytes]]:
        """Return each height and what is stored as its delta, unread, as they are read."""
        rows = self._database.each("SELECT height, delta FROM seal ORDER BY height")
        return ((height, data) for height, data in rows)

    def heights_covering(self, places: Iterable[RecordPlace]) -> dict[RecordPlace, int]:
        """Return the height that sealed each of these records, as far as one did.

        Begins for each record at the first seal whose clock is not below the record's, so that few
        deltas are read, however old the record is.
        """
        lengths, clock_at = cache(self._lengths), cache(self._clock_at)
        sealed, heights = cache(self._sealed_length), self.heights
        covering: dict[RecordPlace, int] = {}
        for place in places:
            if place.seq < sealed(place.author):
                first = bisect_left(heights, place.clock, key=clock_at)
                for height in heights[first:]:
                    if lengths(height).get(place.author, 0) > place.seq:
                        covering[place] = height
                        break
        return covering

    def growth(self, author: DeviceKey, above: int) -> Iterator[tuple[int, int]]:
        """Yield the heights above one that sealed more of a log, and its length there.

        SQLite looks for the log in all their deltas, which takes 1 us each. Raises DamagedDatabase
        where one cannot be read.
        """
        for height, data in self._database.each(
            "SELECT height, delta FROM seal WHERE height > ? AND instr(delta, ?) ORDER BY height",
            (above, _named(author)),
        ):
            for log in _delta_of(height, data).logs:
                if log.author == author:
                    yield height, log.length

    def last(self) -> tuple[int, bytes]:
        """Return height and id of the last seal; 0 and empty before the first."""
        row = self._database.row("SELECT height, id FROM seal ORDER BY height DESC LIMIT 1")
        return (0, b"") if row is None else (row[0], row[1])

    def trusted_seal(self) -> tuple[int, SealId] | None:
        """Return height and id of the seal that this home's link named; None without one."""
        data = self._database.setting(TRUSTED_SEAL)
        match codec.decode(data) if data else None:
            case [int(height), bytes(seal)]:
                return height, cast("SealId", seal)
            case _:
                return None

    def put_trusted_seal(self, height: int, seal: bytes) -> None:
        """Store the seal that a link names; height 0: it names none."""
        if height:
            self._database.put_setting(TRUSTED_SEAL, codec.encode([height, seal]))

    def put(self, sealed: SealedHeight, delta: Delta) -> None:
        """Append the next height, or replace one; delete this device's votes up to it."""
        from commonweal.protocol.seal.formats import sealed_to_bytes

        seal = sealed.seal
        assert seal.height <= (self.height or seal.height) + 1, "the chain has no gaps"
        self._database.change(
            "INSERT OR REPLACE INTO seal VALUES (?, ?, ?, ?, ?)",
            (seal.height, seal.id, seal.clock, sealed_to_bytes(sealed), delta_to_bytes(delta)),
        )
        self._database.change("DELETE FROM own_vote WHERE height <= ?", (seal.height,))
        self._database.change("DELETE FROM own_lock WHERE height <= ?", (seal.height,))

    def _clock_at(self, height: int) -> int:
        row = self._database.row("SELECT clock FROM seal WHERE height = ?", (height,))
        assert row is not None, "the chain has no gaps"
        return int(row[0])

    def _lengths(self, height: int) -> dict[DeviceKey, int]:
        """Return how long the logs are that a height covers further than the one before."""
        row = self._database.row("SELECT delta FROM seal WHERE height = ?", (height,))
        logs = _delta_of(height, row[0]).logs if row is not None else ()
        return {log.author: log.length for log in logs}

    def _sealed_length(self, author: DeviceKey) -> int:
        """Return how many records of a log are sealed; SQLite finds the delta that says so."""
        for height, data in self._database.each(
            "SELECT height, delta FROM seal WHERE instr(delta, ?) ORDER BY height DESC",
            (_named(author),),
        ):
            for log in _delta_of(height, data).logs:
                if log.author == author:
                    return log.length
        return 0

    # Votes of this device

    def put_vote(self, vote: Vote, lock: Lock | None = None) -> None:
        """Store a vote of this device, and the lock that it took with it."""
        from commonweal.protocol.seal.votes import vote_to_bytes

        self._database.change(
            "INSERT INTO own_vote VALUES (?, ?, ?, ?)",
            (vote.height, vote.round, vote.step.value, vote_to_bytes(vote)),
        )
        if lock is not None:
            from commonweal.protocol.seal.consensus.messages import lock_to_bytes

            self._database.change(
                "INSERT OR REPLACE INTO own_lock VALUES (?, ?)", (vote.height, lock_to_bytes(lock))
            )

    def votes(self, height: int) -> list[Vote]:
        """Return this device's votes at a height that is not sealed here, by round and step.

        Raises DamagedDatabase: who forgets a vote may cast another.
        """
        from commonweal.protocol.seal.votes import vote_from_bytes

        rows = self._database.rows(
            "SELECT vote FROM own_vote WHERE height = ? ORDER BY round, step", (height,)
        )
        with _sound(f"an own vote at height {height}"):
            return [vote_from_bytes(data, self._community) for (data,) in rows]

    def lock(self, height: int) -> Lock | None:
        """Return this device's lock at a height that is not sealed here, or None.

        Raises DamagedDatabase.
        """
        from commonweal.protocol.seal.consensus.messages import lock_from_bytes

        row = self._database.row("SELECT lock FROM own_lock WHERE height = ?", (height,))
        with _sound(f"the own lock at height {height}"):
            return lock_from_bytes(row[0], self._community) if row else None

    # Evidence

    def put_double_vote(self, proof: DoubleVote) -> bool:
        """Store the first proof against a device; return whether it is new."""
        from commonweal.protocol.seal.votes import double_vote_to_bytes

        known = self._database.row("SELECT 1 FROM double_vote WHERE device = ?", (proof.device,))
        if known is None:
            self._database.change(
                "INSERT INTO double_vote VALUES (?, ?, ?)",
                (proof.id, proof.device, double_vote_to_bytes(proof)),
            )
        return known is None

    def double_votes(self) -> dict[DeviceKey, DoubleVote]:
        """Return the proofs of double votes, by the device that cast them.

        Raises DamagedDatabase.
        """
        from commonweal.protocol.seal.votes import double_vote_from_bytes

        rows = self._database.rows("SELECT proof FROM double_vote ORDER BY device")
        with _sound("the proof of a double vote"):
            proofs = [double_vote_from_bytes(data, self._community) for (data,) in rows]
        return {proof.device: proof for proof in proofs}

    def put_fork(self, first: Certificate, second: Certificate) -> None:
        """Store the proof that finality forked; only the first one of a height."""
        from commonweal.protocol.seal.votes import certificate_to_bytes

        self._database.change(
            "INSERT OR IGNORE INTO finality_fork VALUES (?, ?, ?)",
            (first.height, certificate_to_bytes(first), certificate_to_bytes(second)),
        )

    def fork(self) -> tuple[Certificate, Certificate] | None:
        """Return two certificates of one height, which prove that finality forked; or None.

        Raises DamagedDatabase.
        """
        from commonweal.protocol.seal.votes import certificate_from_bytes

        row = self._database.row("SELECT first, second FROM finality_fork ORDER BY height LIMIT 1")
        with _sound("the proof that finality forked"):
            return (certificate_from_bytes(row[0]), certificate_from_bytes(row[1])) if row else None


def _named(author: DeviceKey) -> bytes:
    """Return how a delta names a log."""
    head, _, _ = codec.encode([author, 0, b""]).partition(author)
    return head + author


def _delta_of(height: int, data: bytes) -> Delta:
    try:
        return delta_from_bytes(data)
    except Malformed as error:
        raise _damaged(height, str(error)) from error


@contextmanager
def _sound(what: str) -> Iterator[None]:
    """Read what this node wrote itself; where it is not as written, the disk changed it."""
    try:
        yield
    except (Malformed, InvalidRecord, TypeError) as error:
        raise DamagedDatabase(f"{what}: {error}") from error


def _damaged(height: int, why: str) -> DamagedDatabase:
    return DamagedDatabase(f"seal {height}: {why}")
