"""How far each contribution came: written down, attested, sealed, counted, shared, settled.

Read from the rows that the fold writes, in one pass; no record is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.ledger.forecast import forecast
from commonweal.client.reports.periods import month_of
from commonweal.protocol.ledger.claims import pools, settlement
from commonweal.protocol.ledger.claims.pools import TAKEN, PoolId, ReceivedRow
from commonweal.protocol.ledger.contributions import attestation, commons
from commonweal.protocol.ledger.members import agents
from commonweal.protocol.ledger.members.registry import MEMBER
from commonweal.protocol.ledger.things.units_and_specs import SPEC, SpecRow
from commonweal.protocol.records.record import RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

ID_BYTES = 32
"""Of a record, and of a member; the id of an agent outside is shorter."""


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


class StagedContribution(NamedTuple):
    """A contribution that counts, with the last stage that it reached.

    month: in which it happened; None where that is not known here. person: who gave it; is_member:
    else they are outside. factor: its own or that of its specification; empty without. points: 0
    while it has none.
    """

    id: RecordId
    month: str | None
    person: bytes
    is_member: bool
    factor: str
    points: int
    stage: Stage


class _ClaimPlace(NamedTuple):
    """Whose claim on which pool, of which height."""

    height: int
    pool: PoolId
    member: bytes


class ContributionStages:
    """Tells how far contributions came by a view of the ledger."""

    def __init__(self, view: LedgerView) -> None:
        """Read what was split and paid."""
        self._view = view
        self._needed = max(1, view.kept.rules.attestations)
        self._commons = {key[1:] for key, _ in view.state.items(commons.COMMON)}
        self._factors = {
            row.name: row.factor or ""
            for row in (SpecRow(*value) for _, value in view.state.items(SPEC))
        }
        self._shares = _first_shares(view)
        self._unsettled = {
            _ClaimPlace(row[0], PoolId(*row[1:4]), row[4])
            for row in view.kept.layers.each(
                "SELECT height, pool, unit, scale, member FROM claim_row WHERE confirmed < amount"
            )
        }

    def contributions(self) -> Iterator[StagedContribution]:
        """Yield all that count, the last to happen first.

        Money is not among them: neither incomes of pools nor payments of claims. What was corrected
        to nothing is left out.
        """
        view = self._view
        money = {key[1:] for key, _ in view.final.items(pools.INCOME)}
        money |= {key[1:] for key, _ in view.state.items(settlement.SETTLEMENT)}
        units = {pool.unit for pool in view.kept.ruleset.pools}
        people: dict[bytes, tuple[bytes, bool]] = {}
        rows = view.kept.layers.each(
            'SELECT id, provider, factor, specification, points, height, yes, "no", disputes,'
            " when_start, when_local, unit FROM event_row WHERE NOT (corrections > 0"
            " AND ifnull(quantity_n, 0) = 0 AND ifnull(effort_n, 0) = 0)"
            " ORDER BY when_start DESC, clock DESC, id DESC"
        )
        for id, provider, factor, spec, points, height, yes, no, disputes, *last in rows:
            when, is_local, unit = last
            if id in money or (unit in units and not points and self._is_income(id)):
                continue
            if provider not in people:
                person = agents.person(view.state, provider)
                people[provider] = (person, view.state.get(MEMBER + person) is not None)
            answers = (yes, no, disputes)
            yield StagedContribution(
                RecordId(id),
                month_of(when, is_local=bool(is_local)),
                *people[provider],
                factor or self._factors.get(spec, ""),
                points or 0,
                self._stage(id, provider, answers, is_sealed=height is not None)
                if not points
                else self._stage_of_counted(id, people[provider][0]),
            )

    def _is_income(self, id: bytes) -> bool:
        """Return whether what has no value yet will come into a pool."""
        view = self._view
        made = forecast(view.state, view.community, view.kept.rules, view.kept.ruleset, id)
        return made is not None and made.pool is not None

    def _stage(
        self, id: bytes, provider: bytes, answers: tuple[int, int, int], *, is_sealed: bool
    ) -> Stage:
        """Return the stage of what has no points. answers: how many say yes and no, and dispute."""
        yes, no, disputes = answers
        if id in self._commons or len(provider) != ID_BYTES:
            # Whose word counts is told by more than the row.
            is_attested = attestation.is_attested(self._view.state, id, self._view.kept.rules)
        else:
            is_attested = yes >= self._needed and (yes > no or not no)
        if disputes or not is_attested:
            return Stage.RECORDED
        return Stage.SEALED if is_sealed else Stage.ATTESTED

    def _stage_of_counted(self, id: bytes, person: bytes) -> Stage:
        shares = self._shares.get(id)
        if shares is None:
            return Stage.COUNTED
        claims = {_ClaimPlace(height, pool, person) for pool, height in shares}
        return Stage.SHARED if claims & self._unsettled else Stage.SETTLED


def _first_shares(view: LedgerView) -> dict[bytes, list[tuple[PoolId, int]]]:
    """Return from which pools contributions received something, and since which height."""
    shares: dict[bytes, list[tuple[PoolId, int]]] = {}
    for key, value in view.final.items(TAKEN):
        name, unit, scale, _bucket = key[len(TAKEN) : -1 - ID_BYTES].split(b"\0")
        pool = PoolId(name.decode(), unit.decode(), int(scale))
        shares.setdefault(key[-ID_BYTES:], []).append((pool, ReceivedRow(*value).height))
    return shares
