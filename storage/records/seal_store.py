"""The seals that this node keeps, and what its device said while they were agreed upon.

The heights stand without a gap, from where the chain begins. What is put here was verified by
`protocol.seal`; nothing here checks a signature. Nothing is durable before the store's `commit`.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol import codec
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.consensus.events import Lock
from commonweal.protocol.seal.consensus.messages import lock_from_bytes, lock_to_bytes
from commonweal.protocol.seal.cut import Delta, SealedLog, delta_from_bytes, delta_to_bytes
from commonweal.protocol.seal.formats import SealedHeight, sealed_from_bytes, sealed_to_bytes
from commonweal.protocol.seal.votes import (
    Certificate,
    DoubleVote,
    SealId,
    Vote,
    certificate_from_bytes,
    certificate_to_bytes,
    double_vote_from_bytes,
    double_vote_to_bytes,
    vote_from_bytes,
    vote_to_bytes,
)
from commonweal.storage.sqlite.database import Database

CHECKPOINT = "checkpoint"
"""The setting of a seal that is trusted because a member named it."""


class KeptSeal(NamedTuple):
    """A height as it is kept: enough to follow the chain, and the delta of its cut."""

    sealed: SealedHeight
    delta: Delta


class SealBytes(NamedTuple):
    """The same as it is handed on."""

    sealed: bytes
    delta: bytes


class SealStore:
    """The chain of seals in one database, and this device's votes above its end."""

    def __init__(self, database: Database, community: CommunityId) -> None:
        self._database, self._community = database, community

    # The chain.

    @property
    def height(self) -> int:
        """Of the last seal; 0 before the first."""
        row = self._database.row("SELECT max(height) FROM seal")
        return (row[0] if row else None) or 0

    @property
    def heights(self) -> range:
        """The heights that are sealed; those of a re-founded community go on from its parent's."""
        row = self._database.row("SELECT min(height), max(height) FROM seal")
        return range(0) if row is None or row[0] is None else range(row[0], row[1] + 1)

    def at(self, height: int) -> KeptSeal | None:
        """Return the seal of a height, or None."""
        row = self._database.row("SELECT sealed, delta FROM seal WHERE height = ?", (height,))
        if row is None:
            return None
        return KeptSeal(sealed_from_bytes(row[0], self._community), delta_from_bytes(row[1]))

    def chain(self, start: int, heights_max: int, bytes_max: int) -> list[SealBytes]:
        """Return seals from a height on, as bytes: at least one that is there, within limits."""
        found: list[SealBytes] = []
        size = 0
        for height in range(start, start + heights_max):
            row = self._database.row("SELECT sealed, delta FROM seal WHERE height = ?", (height,))
            if row is None or (found and size + len(row[0]) + len(row[1]) > bytes_max):
                break
            found.append(SealBytes(*row))
            size += len(row[0]) + len(row[1])
        return found

    def height_of(self, seal: SealId) -> int | None:
        """Return the height of a seal by its id; None when it is not of this chain."""
        row = self._database.row("SELECT height FROM seal WHERE id = ?", (seal,))
        return row[0] if row else None

    def clock_of(self, seal: SealId) -> int | None:
        """Return the largest clock that a seal covers; None when it is not of this chain."""
        row = self._database.row("SELECT clock FROM seal WHERE id = ?", (seal,))
        return row[0] if row else None

    def cut(self) -> dict[DeviceKey, SealedLog]:
        """Return the whole cut of the last seal, at the cost of all of them."""
        whole: dict[DeviceKey, SealedLog] = {}
        for (data,) in self._database.each("SELECT delta FROM seal ORDER BY height"):
            whole.update((log.author, log) for log in delta_from_bytes(data).logs)
        return whole

    def height_covering(self, author: DeviceKey, seq: int) -> int | None:
        """Return the height that made a record of a log final; None while none did.

        From the newest back, so that what was sealed lately is found soon.
        """
        found: int | None = None
        for height, data in self._database.each("SELECT height, delta FROM seal ORDER BY -height"):
            for log in delta_from_bytes(data).logs:
                if log.author == author:
                    if log.length <= seq:
                        return found
                    found = height
        return found

    def last(self) -> tuple[int, bytes]:
        """Return height and id of the last seal; 0 and empty before the first."""
        row = self._database.row("SELECT height, id FROM seal ORDER BY height DESC LIMIT 1")
        return (0, b"") if row is None else (row[0], row[1])

    def checkpoint(self) -> tuple[int, SealId] | None:
        """Return height and id of the seal that this home's link named; None for none."""
        row = self._database.row("SELECT value FROM setting WHERE name = ?", (CHECKPOINT,))
        match codec.decode(row[0]) if row else None:
            case [int(height), bytes(seal)]:
                return height, SealId(seal)
            case _:
                return None

    def put_checkpoint(self, height: int, seal: bytes) -> None:
        """Keep which seal a link names; height 0: it names none."""
        if height:
            value = codec.encode([height, seal])
            self._database.change(
                "INSERT OR REPLACE INTO setting VALUES (?, ?)", (CHECKPOINT, value)
            )

    def put(self, sealed: SealedHeight, delta: Delta) -> None:
        """Add the next height, and forget what this device said on the way to it."""
        seal = sealed.seal
        assert self.height in (0, seal.height - 1), "the chain has no gaps"
        self._database.change(
            "INSERT INTO seal VALUES (?, ?, ?, ?, ?)",
            (seal.height, seal.id, seal.clock, sealed_to_bytes(sealed), delta_to_bytes(delta)),
        )
        self._database.change("DELETE FROM own_vote WHERE height <= ?", (seal.height,))
        self._database.change("DELETE FROM own_lock WHERE height <= ?", (seal.height,))

    # What this device said.

    def put_vote(self, vote: Vote, lock: Lock | None = None) -> None:
        """Keep a vote of this device, and what it holds to with it."""
        self._database.change(
            "INSERT INTO own_vote VALUES (?, ?, ?, ?)",
            (vote.height, vote.round, vote.step.value, vote_to_bytes(vote)),
        )
        if lock is not None:
            self._database.change(
                "INSERT OR REPLACE INTO own_lock VALUES (?, ?)", (vote.height, lock_to_bytes(lock))
            )

    def votes(self, height: int) -> list[Vote]:
        """Return this device's votes at a height that is not sealed here, in order."""
        rows = self._database.rows(
            "SELECT vote FROM own_vote WHERE height = ? ORDER BY round, step", (height,)
        )
        return [vote_from_bytes(data, self._community) for (data,) in rows]

    def lock(self, height: int) -> Lock | None:
        """Return what this device holds to at a height that is not sealed here, or None."""
        row = self._database.row("SELECT lock FROM own_lock WHERE height = ?", (height,))
        return lock_from_bytes(row[0], self._community) if row else None

    # What others did wrong.

    def put_double_vote(self, proof: DoubleVote) -> bool:
        """Keep the first proof against a device; say whether it is new."""
        known = self._database.row("SELECT 1 FROM double_vote WHERE device = ?", (proof.device,))
        if known is None:
            self._database.change(
                "INSERT INTO double_vote VALUES (?, ?, ?)",
                (proof.id, proof.device, double_vote_to_bytes(proof)),
            )
        return known is None

    def double_votes(self) -> dict[DeviceKey, DoubleVote]:
        """Return the proofs of double votes, by the device that is guilty."""
        rows = self._database.rows("SELECT proof FROM double_vote ORDER BY device")
        proofs = [double_vote_from_bytes(data, self._community) for (data,) in rows]
        return {proof.device: proof for proof in proofs}

    def put_fork(self, first: Certificate, second: Certificate) -> None:
        """Keep the proof that finality forked; only the first such one of a height."""
        self._database.change(
            "INSERT OR IGNORE INTO finality_fork VALUES (?, ?, ?)",
            (first.height, certificate_to_bytes(first), certificate_to_bytes(second)),
        )

    def fork(self) -> tuple[Certificate, Certificate] | None:
        """Return the two certificates that show that finality forked, or None."""
        row = self._database.row("SELECT first, second FROM finality_fork ORDER BY height LIMIT 1")
        return (certificate_from_bytes(row[0]), certificate_from_bytes(row[1])) if row else None
