"""Backtest: the sealed past, paid by other rules: who would have received what.

Only value and splits are replayed; members, attestations and the rules in force stay as they were.
The result follows from the records and a height alone, so that every voter who runs it again gets
the same hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from commonweal.protocol import codec, keys
from commonweal.protocol.errors import NotYet
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims.pools import PoolId, PoolRow, pools, shares
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.members import membership, roles
from commonweal.protocol.ledger.state.advance import Advance, CutHeader
from commonweal.protocol.records.record import CommunityId, Record
from commonweal.protocol.rules.document import Ruleset, RulesetId

HEIGHT_BYTES = 8


class Difference(NamedTuple):
    """What a member, or all holders of a role, had and would have had, at a scale of a unit."""

    who: bytes | str
    unit: str
    scale: int
    had: int
    would: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """The past up to `height`, paid by `ruleset`.

    members: everybody who had or would have had something, by id. roles: the same, summed over the
    holders of a role at that height; a member with two roles is in both. left: what would still be
    in the pools.
    """

    ruleset: RulesetId
    height: int
    members: tuple[Difference, ...]
    roles: tuple[Difference, ...]
    left: Mapping[PoolId, PoolRow]
    hash: bytes

    @property
    def name(self) -> bytes:
        """The value of `backtest` in a proposal: the height and the hash, 40 bytes."""
        return self.height.to_bytes(HEIGHT_BYTES) + self.hash


def backtest(
    community: CommunityId,
    records: Iterable[Record],
    documents: Mapping[bytes, bytes],
    past: Iterable[tuple[Advance, bytes]],
    ruleset: Ruleset,
    height: int | None = None,
    start: tuple[Mapping[bytes, Any], CutHeader] | None = None,
    since: int = 0,
) -> Backtest:
    """Replay the seals up to `height`, or all that there are, under `ruleset`.

    documents: permanent bodies by hash. past: what each seal added, and its id, from the first on.
    start: the state and the cut with which a re-founded community began. since: what was paid up
    to this height is left out of the rows; the hash is of everything all the same. Raises `NotYet`
    where a covered record is not held. Costs two folds of all records.
    """
    held = list(records)
    sealed = [step for step in past if height is None or step[0].cut.height <= height]
    real, would = History(community), History(community, paying=ruleset)
    before: list[dict[tuple[bytes, str, int], int]] = []
    for history in (real, would):
        if start is not None:
            history.begin(*start)
        history.add_documents(documents)
        history.add(held)
        earlier = dict(shares(history.final)) if since else {}
        for advance, seal in sealed:
            covered = history.covered(advance)
            if covered.missing:
                raise NotYet(f"the records of height {advance.cut.height:,}")
            history.accept(history.conclude(advance, covered.records), seal)
            if advance.cut.height <= since:
                earlier = dict(shares(history.final))
        before.append(earlier)
    had, then = shares(real.final), shares(would.final)
    members = tuple(
        Difference(*key, had.get(key, 0), then.get(key, 0)) for key in sorted({*had, *then})
    )
    table: list[codec.Value] = [
        [row.who, row.unit, row.scale, row.had, row.would] for row in members
    ]
    fields: list[codec.Value] = [ruleset.id, real.cut.height, real.seal, table]
    members = tuple(_after(row, *before) for row in members)
    return Backtest(
        ruleset.id,
        real.cut.height,
        members,
        _by_role(real, members),
        pools(would.final),
        keys.hash32(keys.BACKTEST, codec.encode(fields)),
    )


def backtest_height(name: bytes) -> int:
    """Return the height to which a proposal's backtest was run."""
    return int.from_bytes(name[:HEIGHT_BYTES])


def _after(
    row: Difference,
    had: Mapping[tuple[bytes, str, int], int],
    would: Mapping[tuple[bytes, str, int], int],
) -> Difference:
    """Return a row without what was paid before."""
    assert isinstance(row.who, bytes), "a row of a member"
    key = (row.who, row.unit, row.scale)
    return row._replace(had=row.had - had.get(key, 0), would=row.would - would.get(key, 0))


def _by_role(history: History, members: tuple[Difference, ...]) -> tuple[Difference, ...]:
    sums: dict[tuple[str, str, int], tuple[int, int]] = {}
    for row in members:
        if (
            type(row.who) is not bytes
            or membership.member(history.final, MemberId(row.who)) is None
        ):
            continue
        for role, claimed in sorted(roles.roles(history.final, MemberId(row.who)).items()):
            if claimed.held:
                had, would = sums.get((role, row.unit, row.scale), (0, 0))
                sums[role, row.unit, row.scale] = had + row.had, would + row.would
    return tuple(Difference(*key, *both) for key, both in sorted(sums.items()))
