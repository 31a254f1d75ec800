"""How the ledger stands, as those who agree on seals see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.votes import SealId
from commonweal.protocol.seal.witnesses import Witness
from commonweal.protocol.vocabulary.budget import DEFAULT, Budget
from commonweal.protocol.vocabulary.rule_params import Joining
from commonweal.storage.ledger.sealed_decisions import Decided


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the ledger stands, for whoever agrees on the next seal.

    height, seal: how far it is folded; the chain that is kept may be longer. ruleset: the id of
    the document in force. removed, back: as `Decided` has them. waiting: who are known and not
    admitted, or left. joining: what the rules ask of newcomers. witnesses: the set for height +
    1. candidates: devices that offer and have no seat. unsealed: records that the next cut
    could cover; is_urgent: one of them is of a rare kind. deadline_ms: the earliest sealed
    deadline that no seal has passed. void: the records about seats that seals cover and
    refused. alarm: why this ledger cannot follow the seals that are kept, or "". budget,
    shares: how much of each log is taken before it is sealed; see `budget.window`.
    """

    height: int
    seal: SealId
    ruleset: bytes
    removed: tuple[tuple[MemberId, int], ...]
    back: tuple[MemberId, ...]
    waiting: tuple[MemberId, ...]
    joining: Joining
    witnesses: tuple[Witness, ...]
    candidates: tuple[DeviceKey, ...]
    unsealed: int
    is_urgent: bool
    deadline_ms: int | None
    interval_ms: int
    void: tuple[RecordId, ...]
    alarm: str
    budget: Budget = DEFAULT
    shares: Mapping[DeviceKey, int] = field(default_factory=dict)

    @property
    def end(self) -> tuple[int, SealId]:
        """How far the ledger is folded; to be compared with the end of the chain that is kept."""
        return self.height, self.seal

    @property
    def decided(self) -> Decided:
        """What of this a ledger of membership alone has to be told."""
        return Decided(self.removed, self.void, self.witnesses, self.height, self.back)
