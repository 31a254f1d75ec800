"""How far each contribution came: written down, attested, sealed, counted, shared, settled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, cast

from commonweal.client.home.submit import now_ms
from commonweal.client.language.times import read_bound
from commonweal.client.ledger.forecast import forecast
from commonweal.client.reports.periods import Period
from commonweal.protocol import codec
from commonweal.protocol.ledger.claims import pools, settlement
from commonweal.protocol.ledger.claims.pools import TAKEN, PoolId, ReceivedRow
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.members.registry import MEMBER
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.ledger.things.units_and_specs import SPEC, SpecRow
from commonweal.protocol.records.record import RecordId
from commonweal.storage.ledger.contributions.contribution_filter import ContributionFilter
from commonweal.storage.ledger.contributions.contribution_stages import (
    StageRow,
    StageSource,
    alike,
    each,
)

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


class Stage(StrEnum):
    """How far a contribution came. Each stage is part of the one before.

    attested: by as many others as the rules ask for, and not disputed. sealed: that is final.
    counted: the rules gave it points. shared: it is behind a share of an income. settled: the
    claims of the seals that shared for it first are paid, and that is confirmed.
    """

    RECORDED = "recorded"
    ATTESTED = "attested"
    SEALED = "sealed"
    COUNTED = "counted"
    SHARED = "shared"
    SETTLED = "settled"


STAGES = tuple(Stage)


class StagedContributions(NamedTuple):
    """Contributions that count and are alike, with the last stage that they reached.

    month: in which they happened; None where that is not known here. person: who gave them;
    is_member: else they are outside. factor: their own or that of their specification; empty
    without. records: how many. id: of a single one, else empty.
    """

    month: str | None
    person: bytes
    is_member: bool
    factor: str
    stage: Stage
    records: int
    points: int
    id: RecordId

    def reached(self, stage: Stage) -> bool:
        """Whether they came to a stage, or further."""
        return STAGES.index(self.stage) >= STAGES.index(stage)


class _ClaimPlace(NamedTuple):
    """Whose claim on which pool, of which height."""

    height: int
    pool: PoolId
    member: bytes


class ContributionStages:
    """Tells how far contributions of a period came, by a view of the ledger.

    Money is not among them: neither incomes of pools nor payments of claims. What was corrected to
    nothing is left out.
    """

    def __init__(self, view: LedgerView, period: Period) -> None:
        """Read what was split and what is not settled."""
        self._view = view
        self._wanted = _filter(period)
        self._factors = {
            row.name: row.factor or ""
            for row in (SpecRow(*value) for _, value in view.state.items(SPEC))
        }
        paid = view.kept.layers.rows("SELECT DISTINCT pool, unit, scale, bucket FROM payout_row")
        self._pools = [PoolId(*row[:3]) for row in paid]
        prefixes = (
            TAKEN + pool.to_bytes() + bucket.encode() + b"\0"
            for pool, (*_, bucket) in zip(self._pools, paid, strict=True)
        )
        units = dict.fromkeys(pool.unit for pool in view.kept.ruleset.pools)
        units |= dict.fromkeys(pool.unit for pool in pools.pools(view.final))
        needed = max(1, view.kept.rules.attestations)
        self._source = StageSource(needed, tuple(units), tuple(prefixes))
        self._people: dict[bytes, tuple[bytes, bool]] = {}
        self._unsettled = {
            _ClaimPlace(row[0], PoolId(*row[1:4]), row[4])
            for row in view.kept.layers.each(
                "SELECT height, pool, unit, scale, member FROM claim_row WHERE confirmed < amount"
            )
        }

    def groups(self) -> Iterator[StagedContributions]:
        """Yield all contributions, those that are alike together."""
        return self._staged(alike(self._view.kept, self._wanted, self._source))

    def each(self) -> Iterator[StagedContributions]:
        """Yield all contributions one by one, the last to happen first."""
        return self._staged(each(self._view.kept, self._wanted, self._source))

    def _staged(self, rows: Iterable[StageRow]) -> Iterator[StagedContributions]:
        for row in rows:
            if row.is_odd and self._is_money(row):
                continue
            person, is_member = self._person(row.provider)
            yield StagedContributions(
                row.month,
                person,
                is_member,
                row.factor or self._factors.get(row.specification or "", ""),
                self._stage(row, person),
                row.records,
                row.points,
                RecordId(row.id),
            )

    def _stage(self, row: StageRow, person: bytes) -> Stage:
        if not row.has_points:
            is_attested = row.is_attested
            if row.is_odd:
                answered = attestation.is_attested(self._view.state, row.id, self._view.kept.rules)
                is_attested = answered and not self._is_disputed(row.id)
            if not is_attested:
                return Stage.RECORDED
            return Stage.SEALED if row.is_sealed else Stage.ATTESTED
        claims = {
            _ClaimPlace(_received(value).height, pool, person)
            for pool, value in zip(self._pools, row.taken, strict=True)
            if value is not None
        }
        if not claims:
            return Stage.COUNTED
        return Stage.SHARED if claims & self._unsettled else Stage.SETTLED

    def _person(self, provider: bytes) -> tuple[bytes, bool]:
        """Return who a provider is, and whether they are or were a member."""
        if provider not in self._people:
            person = agents.person(self._view.state, provider)
            is_member = self._view.state.get(MEMBER + person) is not None
            self._people[provider] = (person, is_member)
        return self._people[provider]

    def _is_money(self, row: StageRow) -> bool:
        view = self._view
        if pools.income_row(view.final, row.id) is not None:
            return True
        if settlement.settlement_row(view.state, row.id) is not None:
            return True
        if row.has_points:
            return False
        will = forecast(view.state, view.community, view.kept.rules, view.kept.ruleset, row.id)
        return will is not None and will.pool is not None

    def _is_disputed(self, id: bytes) -> bool:
        event = event_row(self._view.state, id)
        return event is not None and event.disputes > 0


def _received(value: bytes) -> ReceivedRow:
    """Return what a contribution received from a bucket, as the state keeps it."""
    amount, height = cast("list[int]", codec.decode(value))
    return ReceivedRow(amount, height)


def _filter(period: Period) -> ContributionFilter:
    """Return what chooses the contributions that happened in a period."""
    now = now_ms()
    return ContributionFilter(
        since=read_bound(period.since, now) if period.since else None,
        until=read_bound(period.until, now) if period.until else None,
    )
