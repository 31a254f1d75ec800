"""The consensus view: the state of the ledger that agreement on the next seal needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.cut import FULL_CUT_RECORDS
from commonweal.protocol.seal.votes import SealId
from commonweal.protocol.seal.witnesses import Witness
from commonweal.protocol.vocabulary.budget import DEFAULT_BUDGET, Budget
from commonweal.protocol.vocabulary.rule_params import MembershipRules
from commonweal.storage.ledger.membership import SealedDecisions


@dataclass(frozen=True, slots=True)
class ConsensusView:
    """The state of the ledger that consensus on the next seal needs.

    height, seal: the last seal that is folded; the stored chain may be longer.
    ruleset: id of the active ruleset.
    removed, back, nameless: as in `SealedDecisions`.
    waiting: members who are known but not admitted, or who left.
    joining: what the active rules require of newcomers.
    witnesses: the validator set for `height` + 1.
    candidates: devices that offer to be witnesses and have no seat.
    unsealed: number of records that the next cut can cover.
    cut_records: number of records that a cut of this device takes.
    is_urgent: whether one of them is a governance record (see `log_store.BULK_KINDS`), or new
    evidence is held.
    deadline_ms: the earliest sealed deadline that no seal has passed, ms.
    void: records about seats that seals cover and refuse.
    alarm: why this ledger cannot follow the stored seals; "" when it can.
    is_audited: whether a state that was taken from peers was folded here, too, or none was.
    is_roomy: whether the next cut can surely take all that is held above the last one.
    reviews_due: reviews of this home that its member may open now.
    reviews_over: those that need no opening any more: opened, void, or withheld.
    missing_documents: hashes of permanent documents that the final state names and this home lacks.
    budget, shares: how much of each log is accepted before it is sealed; see `log_window`.
    """

    height: int
    seal: SealId
    ruleset: bytes
    removed: tuple[tuple[MemberId, int], ...]
    back: tuple[MemberId, ...]
    waiting: tuple[MemberId, ...]
    joining: MembershipRules
    witnesses: tuple[Witness, ...]
    candidates: tuple[DeviceKey, ...]
    unsealed: int
    is_urgent: bool
    deadline_ms: int | None
    interval_ms: int
    void: tuple[RecordId, ...]
    alarm: str
    budget: Budget = DEFAULT_BUDGET
    shares: Mapping[DeviceKey, int] = field(default_factory=dict)
    cut_records: int = FULL_CUT_RECORDS
    nameless: tuple[MemberId, ...] = ()
    is_audited: bool = True
    is_roomy: bool = False
    reviews_due: tuple[RecordId, ...] = ()
    reviews_over: tuple[RecordId, ...] = ()
    missing_documents: tuple[bytes, ...] = ()

    @property
    def end(self) -> tuple[int, SealId]:
        """Height and id of the last folded seal, to compare with the end of the stored chain."""
        return self.height, self.seal

    @property
    def decided(self) -> SealedDecisions:
        """The part that a fold of membership records alone needs."""
        return SealedDecisions(
            self.removed, self.void, self.witnesses, self.height, self.back, self.nameless
        )
