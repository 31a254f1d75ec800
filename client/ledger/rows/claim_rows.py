"""What the ledger says of claims and payments, as values: the results of `Member`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from commonweal.client.language.words import N_, Words
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.claims.claims import ClaimId
from commonweal.protocol.records.record import RecordId

OPEN = ("open", "partly")
STATUSES = {
    "open": N_("to be paid"),
    "partly": N_("partly settled"),
    "settled": N_("settled"),
    "nothing": N_("nothing to pay"),
}
PAYMENTS = {
    settlement.SAID: N_("said, not confirmed by the claimant"),
    settlement.CONFIRMED: N_("confirmed"),
    settlement.DENIED: N_("denied by the claimant"),
}


@dataclass(frozen=True, slots=True)
class ClaimState:
    """What a member is owed from a pool since a height, and what of it is settled.

    said: paid, not confirmed by the claimant yet. over: paid and confirmed beyond what is owed.
    sealed: False for what a seal of all now would make. final: payments are sealed too.
    status: a key of STATUSES. corrected, owed_back: what earlier lines changed.
    """

    claim: ClaimId
    height: int
    pool: str
    member: MemberId
    member_name: str
    amount: Decimal
    unit: str
    settled: Decimal
    said: Decimal
    open: Decimal
    over: Decimal
    status: str
    sealed: bool
    final: bool
    earned: Decimal
    corrected: Decimal
    owed_back: Decimal
    ruleset: bytes

    def finality(self, words: Words) -> str:
        """Return what of the claim is final, as a sentence."""
        if not self.sealed:
            return words("provisional: no claim before a seal")
        if self.final:
            return words("final")
        return words("the claim is final, what was paid is provisional: not sealed yet")


@dataclass(frozen=True, slots=True)
class Overpaid:
    """What a member had too much from a pool; it is taken off the next claim."""

    member: MemberId
    member_name: str
    pool: str
    amount: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class ClaimTotal:
    """What claims of a unit come to: their amount is the sum of the three.

    said: to be paid, not confirmed yet. unpaid: nobody says that it was paid.
    """

    unit: str
    settled: Decimal
    said: Decimal
    unpaid: Decimal


@dataclass(frozen=True, slots=True)
class ClaimList:
    """Claims, and what members had too much, as of a height."""

    height: int
    claims: tuple[ClaimState, ...]
    too_much: tuple[Overpaid, ...]

    def totals(self) -> list[ClaimTotal]:
        """Return what the claims come to, by unit."""
        sums: dict[str, ClaimTotal] = {}
        for claim in self.claims:
            was = sums.get(claim.unit, ClaimTotal(claim.unit, Decimal(), Decimal(), Decimal()))
            said = min(claim.said, claim.open)
            sums[claim.unit] = ClaimTotal(
                claim.unit,
                was.settled + claim.settled,
                was.said + said,
                was.unpaid + claim.open - said,
            )
        return [sums[unit] for unit in sorted(sums)]


@dataclass(frozen=True, slots=True)
class DuePayment:
    """What each member is to be paid, with the seal that it was computed at."""

    height: int
    seal: str | None
    time: str | None
    ruleset: bytes
    pool: str
    claim: ClaimId
    member: MemberId
    member_name: str
    amount: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One line that a claim is the sum of."""

    line: str
    amount: Decimal
    bucket: str


@dataclass(frozen=True, slots=True)
class ClaimPayment:
    """What a contribution is said to pay of a claim. status: a key of PAYMENTS."""

    event: RecordId
    amount: Decimal
    status: str
    final: bool


@dataclass(frozen=True, slots=True)
class ExplainedClaim(ClaimState):
    """A claim with its lines and payments, and the seal that it was computed at."""

    lines: tuple[ClaimLine, ...] = ()
    payments: tuple[ClaimPayment, ...] = ()
    seal: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class PaidClaim:
    """What a contribution pays of a claim. status: a key of PAYMENTS."""

    claim: ClaimId
    amount: Decimal
    status: str
