"""The end of a project: what is left in its pools is shared, and its open tasks end.

A project closes with the seal in which its members' vote passes, at the first seal at or after its
end, or when nobody is in it any more. What is left is shared
  equal      in equal parts among who is in it then, and was so long as the rules ask
  points     by the points of all that was given in its scope and has a value
  community  by nobody: it stays with the community, as it does where nobody takes part
by largest remainder, as lines of the pool and as claims of that height. A later correction of what
came or left follows the money, as that of any income.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from commonweal.protocol import codec, keys
from commonweal.protocol.ledger.claims.claims import create_claims
from commonweal.protocol.ledger.claims.pools import (
    PAID,
    PayoutWriter,
    PoolId,
    PoolRow,
    SplitRow,
    pool_row,
    put_pool,
    put_split,
)
from commonweal.protocol.ledger.contributions import attestation
from commonweal.protocol.ledger.members import agents, registry
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import events_in_scope
from commonweal.protocol.ledger.ventures.projects.pools_of_projects import pools_of
from commonweal.protocol.ledger.ventures.projects.projects import (
    BY_END,
    BY_NOBODY,
    CLOSED,
    EQUAL,
    POINTS,
    ProjectRow,
    end_project,
    member_rows,
    open_projects,
    project_row,
)
from commonweal.protocol.ledger.ventures.projects.tasks import end_tasks
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.rules.document import Ruleset
from commonweal.protocol.rules.portions import divide
from commonweal.protocol.vocabulary.payout_line import PayoutLine
from commonweal.protocol.vocabulary.rule_params import RuleParams

ValueOf: TypeAlias = Callable[[State, bytes], tuple[int, bytes] | None]
"""Returns the points of an event and the agent who gave it; None where it has no value."""

REST = "rest"
"""The name of what is left of a project, in the place of a bucket."""


class Part(NamedTuple):
    """Who takes part in what is left. inputs: what they gave, where it is shared by points."""

    member: bytes
    weight: int
    inputs: tuple[bytes, ...] = ()


class Closing(NamedTuple):
    """What a cut closes projects by. value_of: what each event is worth by now."""

    cut: CutHeader
    trusted_ms: int
    community: CommunityId
    ruleset: Ruleset
    rules: RuleParams
    value_of: ValueOf


def close_due(state: State, by: Closing, *, is_full: bool) -> None:
    """Close the projects whose end has come, or in which nobody is any more.

    is_full: the cut had no room left, so records may wait outside it: then nothing is closed.
    """
    for project in () if is_full else open_projects(state):
        row = project_row(state, project)
        if row is not None and row.end_ms is not None and by.trusted_ms >= row.end_ms:
            close(state, by, project, BY_END)
        elif row is not None and not row.members:
            close(state, by, project, BY_NOBODY)


def close(
    state: State, by: Closing, project: bytes, cause: str, before_ms: int | None = None
) -> None:
    """Close an open project, and share what is left of it.

    before_ms: who came later takes no part, since the vote to close it was open.
    """
    row = project_row(state, project)
    assert row is not None, "what closes is known"
    parts = _parts(state, by, project, row, before_ms)
    writer = PayoutWriter(state, by.cut.height)
    for pool in pools_of(state, row.name):
        _share(writer, by, pool, parts)
    create_claims(state, by.cut.height, by.ruleset.id, by.community, writer.sums)
    end_tasks(state, project)
    end_project(state, project, row._replace(status=CLOSED, height=by.cut.height, cause=cause))


def _parts(
    state: State, by: Closing, project: bytes, row: ProjectRow, before_ms: int | None
) -> list[Part]:
    """Return who takes part, by member; nobody where it stays with the community."""
    if row.split == EQUAL:
        settled_ms = by.trusted_ms - by.ruleset.projects.settled_ms
        latest_ms = settled_ms if before_ms is None else min(settled_ms, before_ms)
        return [
            Part(member, 1)
            for member, known in member_rows(state, project)
            if known.is_in and registry.is_active(state, member) and known.since_ms <= latest_ms
        ]
    return _by_points(state, by, row.name) if row.split == POINTS else []


def _by_points(state: State, by: Closing, scope: str) -> list[Part]:
    """Return who gave something in a scope that has a value, as splits of income count it."""
    given: dict[bytes, list[tuple[bytes, int]]] = {}
    for event in events_in_scope(state, scope):
        points, giver = by.value_of(state, event) or (0, b"")
        if not points:
            continue
        member = agents.person(state, giver)
        if registry.member_row(state, member) is None:
            continue
        # The member who claimed the agent may have attested its contribution before.
        if member != giver and not attestation.is_attested(state, event, by.rules):
            continue
        given.setdefault(member, []).append((event, points))
    return [
        Part(member, sum(n for _, n in rows), tuple(event for event, _ in rows))
        for member, rows in sorted(given.items())
    ]


def _share(writer: PayoutWriter, by: Closing, pool: PoolId, parts: list[Part]) -> None:
    """Write what each is given of what is left in a pool."""
    state, height = writer.state, by.cut.height
    left = pool_row(state, pool).carried
    if left <= 0:
        return
    if parts:
        weights = [part.weight for part in parts]
        ties = [_tie(by, pool, part.member) for part in parts]
        for part, amount in zip(parts, divide(left, weights, ties), strict=True):
            fields = (part.member, amount, left, part.weight, sum(weights), part.inputs)
            if amount:
                writer.write(pool, by.ruleset.id, PayoutLine(REST, "share", *fields))
                state.put(PAID + pool.to_bytes() + REST.encode() + b"\0" + part.member, amount)
    else:
        line = PayoutLine(REST, "community", by.community, left, left, 1, 1)
        writer.write(pool, by.ruleset.id, line)
    put_pool(state, pool, PoolRow(0, by.cut.time_ms))
    put_split(state, pool, height, SplitRow(left, left, 0, [], [], [], []))


def _tie(by: Closing, pool: PoolId, member: bytes) -> bytes:
    fields: list[codec.Value] = [by.cut.prev, by.cut.height, *pool, member]
    return keys.hash32(keys.TIE, codec.encode(fields))
