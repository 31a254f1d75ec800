"""The pools of projects: what came to the community with the scope of an open one, less what left.

A transfer moves its pool once enough members attest it, as other income counts. While the project
is open the rules of income do not split it. What pays a claim leaves no project: the claim was
another pool's; and what comes in for a campaign is for its purpose, or owed back by it. A project
has a pool for each unit; it is an income of that pool, below 0 for what left. Corrections follow
it, also when the project has closed.
"""

from __future__ import annotations

from typing import NamedTuple

from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.claims.pools import (
    POOL,
    IncomeRow,
    PoolId,
    pool_row,
    put_income,
    put_pool,
)
from commonweal.protocol.ledger.contributions.value import amount_in
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import EventRow
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import campaign_of
from commonweal.protocol.ledger.ventures.projects.projects import project_of, project_row
from commonweal.protocol.rules.split import AMOUNT_MAX
from commonweal.protocol.vocabulary.currencies import decimals
from commonweal.protocol.vocabulary.identifiers import PROJECT_POOL

UNITS_MAX = 16
"""Units in which a project has a pool; what comes in others is as if it had no project."""

MOVES = ("transfer", "transferAllRights")


class PoolMove(NamedTuple):
    """What an event does to the pool of a project: `amount` at its scale, below 0 for what left."""

    pool: PoolId
    amount: int


def pool_move(state: State, community: bytes, event: bytes, row: EventRow) -> PoolMove | None:
    """Return what an event does to the pool of an open project; None where it does nothing."""
    if row.scope is None or row.quantity is None or row.action not in MOVES:
        return None
    came, left = row.receiver == community, row.provider == community
    if came == left or settlement.settlement_row(state, event) is not None:
        return None
    if campaign_of(state, row.fulfills) is not None:
        return None
    project = project_of(state, row.scope)
    known = None if project is None else project_row(state, project)
    if known is None or not known.since:
        return None
    pool = pool_of(known.name, row.quantity[2])
    if state.get(POOL + pool.to_bytes()) is None and len(pools_of(state, known.name)) >= UNITS_MAX:
        return None
    return PoolMove(pool, signed(community, row, pool.scale))


def take_in(state: State, event: bytes, height: int, move: PoolMove) -> bool:
    """Move the pool of a project; return whether it has room for that. height: of the cut."""
    row = pool_row(state, move.pool)
    if max(abs(move.amount), abs(row.carried + move.amount)) > AMOUNT_MAX:
        return False
    put_pool(state, move.pool, row._replace(carried=row.carried + move.amount))
    income = IncomeRow(move.pool, height, move.amount, move.amount, traced=False)
    put_income(state, event, income)
    return True


def counted(community: bytes, row: EventRow, pool: PoolId) -> int:
    """Return what an income counts in its pool as the event is now, at the scale of the pool."""
    if pool.name.startswith(PROJECT_POOL):
        return signed(community, row, pool.scale)
    return amount_in(pool.scale, row)


def signed(community: bytes, row: EventRow, scale: int) -> int:
    """Return the quantity of an event at a scale, below 0 for what the community gives."""
    amount = amount_in(scale, row)
    return -amount if row.provider == community else amount


def pool_of(name: str, unit: str) -> PoolId:
    """Return the pool of the project of a name in a unit."""
    return PoolId(PROJECT_POOL + name, unit, decimals(unit))


def pools_of(state: State, name: str) -> list[PoolId]:
    """Return the pools of the project of a name, by unit."""
    prefix = POOL + (PROJECT_POOL + name).encode() + b"\0"
    units = [key[len(prefix) :].split(b"\0")[0].decode() for key, _ in state.items(prefix)]
    return [pool_of(name, unit) for unit in units]
