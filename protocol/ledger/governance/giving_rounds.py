"""Giving rounds: members give points to each other, and these divide buckets of pools.

Record:
  round.give  round, opened, points: all that the author's member gives in the round that was opened
              at that height; a later record of the member replaces it
A round is opened by a seal and counted by the first seal at or after its end; what that seal covers
still counts. Members who left by then, or take part no longer, neither give nor receive.
The points wait for each bucket that the round feeds until a split pays by them. State: 9r rounds,
9g what members give, 9q points that wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from commonweal.protocol.ledger.claims.pools import INPUTS_KEPT_MAX, clamped, pool_id
from commonweal.protocol.ledger.members import registry, roles
from commonweal.protocol.ledger.members.permissions import Permission, writer_denial
from commonweal.protocol.ledger.state.context import Context, Verdict, is_bytes, is_count
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.identifiers import is_name
from commonweal.protocol.vocabulary.payout_line import ReceivedPoints

if TYPE_CHECKING:
    from commonweal.protocol.rules.document import Pool, Ruleset

ROUND, GIFT, POINTS = Table.ROUND.prefix, Table.GIFT.prefix, Table.POINTS.prefix

RECEIVERS_MAX = 100
"""How many members one record gives points to."""


class RoundRow(NamedTuple):
    """A round in the state, with what the rules said when it opened.

    height: of the seal that opened it. closes_ms: the first seal from then on counts it. points:
    what each member may give; most: what they may give to one member, 0: all of it. givers,
    receivers: the role that takes part; empty for all members.
    """

    height: int
    opened_ms: int
    closes_ms: int
    is_open: bool
    points: int
    most: int
    givers: str
    receivers: str


class GiftRow(NamedTuple):
    """What a member gives in a round. points: [member, points] of each receiver, by member."""

    record: bytes
    points: list[list[Any]]


def give(state: State, record: Record, context: Context) -> Verdict:
    """Note what the author's member gives in an open round, in the place of what they gave."""
    name, height = record.data.get("round"), record.data.get("opened")
    points: Any = record.data.get("points")
    if not is_name(name) or not is_count(height) or not is_list_of_points(points):
        return Reason.SHAPE
    row = round_row(state, name)
    if row is None or not row.is_open or row.height != height:
        return Reason.ROUND_CLOSED
    early = writer_denial(state, record, context, Permission.ATTEST)
    if early is not None:
        return early
    if not takes_part(state, context.member, row.givers):
        return Reason.NO_GIVER
    key = GIFT + _name0(name) + context.member
    was = gift_row(state, name, context.member)
    if points == (was.points if was is not None else []):
        return Reason.NOTHING_NEW
    for member, given in points:
        if member == context.member:
            return Reason.SELF_GIVEN
        if not takes_part(state, member, row.receivers):
            return Reason.NO_RECEIVER
        if row.most and given > row.most:
            return Reason.TOO_MUCH_FOR_ONE
    if sum(given for _, given in points) > row.points:
        return Reason.OVER_GIVEN
    if points:
        state.put(key, [record.id, points])
    else:
        state.delete(key)
    return None


def close_rounds(state: State, trusted_ms: int, paying: Ruleset, *, is_full: bool) -> None:
    """Count the rounds whose time is over, for the buckets that they feed.

    trusted_ms: the time by which a cut closes anything. paying: the rules by which pools are split.
    is_full: the cut had no room left, so gifts may wait outside it: then no round is counted.
    """
    for name, row in all_rounds(state):
        if not row.is_open or is_full or trusted_ms < row.closes_ms:
            continue
        received = _received(state, name, row)
        for pool in paying.pools:
            for bucket in pool.buckets:
                if bucket.to == "round" and bucket.round == name:
                    for member, points in received.items():
                        add_points(state, bucket_key(pool, bucket.name) + member, points)
        _forget_gifts(state, name)
        state.put(ROUND + name.encode(), [*row._replace(is_open=False)])


def open_rounds(state: State, height: int, time_ms: int, trusted_ms: int, rules: Ruleset) -> None:
    """Open the rounds of `rules` that are due at a cut, and drop those that they do not have."""
    wanted = {giving.name: giving for giving in rules.rounds}
    held = dict(all_rounds(state))
    for name in held:
        if name not in wanted:
            _forget_gifts(state, name)
            state.delete(ROUND + name.encode())
    for name, giving in wanted.items():
        row = held.get(name)
        if row is None or (not row.is_open and trusted_ms >= row.opened_ms + giving.every_ms):
            closes_ms = time_ms + giving.open_ms
            terms = (giving.points, giving.most, giving.givers, giving.receivers)
            opened = RoundRow(height, time_ms, closes_ms, True, *terms)
            state.put(ROUND + name.encode(), [*opened])


def cap_times(state: State, now_ms: int) -> None:
    """Let no round last longer than if it was opened now, because it was opened at a wrong time."""
    for name, row in all_rounds(state):
        if row.opened_ms > now_ms:
            closes_ms = now_ms + row.closes_ms - row.opened_ms
            row = row._replace(opened_ms=now_ms, closes_ms=closes_ms)
            state.put(ROUND + name.encode(), [*row])


def deadlines(state: State, time_ms: int, rules: Ruleset) -> Iterator[int]:
    """Yield when rounds are counted and opened. time_ms: of the last cut, which may be full."""
    wanted = {giving.name: giving for giving in rules.rounds}
    for name, row in all_rounds(state):
        if row.is_open:
            yield max(row.closes_ms, time_ms + 1)
        elif name in wanted:
            yield row.opened_ms + wanted[name].every_ms


def is_waiting(state: State, pool: Pool) -> bool:
    """Return whether a pool is fed by rounds, and nobody has points of any of them."""
    fed = [bucket.name for bucket in pool.buckets if bucket.to == "round"]
    keys = (POINTS + bucket_key(pool, name) for name in fed)
    return bool(fed) and not any(next(state.items(key), None) for key in keys)


def points_of(state: State, pool: Pool, bucket: str) -> dict[bytes, ReceivedPoints]:
    """Return the points that wait for the next split of a bucket, by member."""
    prefix = POINTS + bucket_key(pool, bucket)
    return {key[len(prefix) :]: _points_row(value) for key, value in state.items(prefix)}


def forget_points(state: State, pool: Pool, bucket: str) -> None:
    """Delete the points of a bucket, because a split paid by them."""
    for key, _ in list(state.items(POINTS + bucket_key(pool, bucket))):
        state.delete(key)


def add_points(state: State, place: bytes, more: ReceivedPoints) -> None:
    """Let points wait for a bucket. place: its key and the member."""
    value = state.get(POINTS + place)
    was = ReceivedPoints(0, 0, ()) if value is None else _points_row(value)
    records = (*was.records, *more.records)[:INPUTS_KEPT_MAX]
    row = [clamped(was.points + more.points), was.givers + more.givers, [*records]]
    state.put(POINTS + place, row)


def all_rounds(state: State) -> list[tuple[str, RoundRow]]:
    """Return every round, by name."""
    return [(key[len(ROUND) :].decode(), RoundRow(*row)) for key, row in state.items(ROUND)]


def round_row(state: State, name: str) -> RoundRow | None:
    """Return the round of a name, open or counted; None when none was opened."""
    value = state.get(ROUND + name.encode())
    return None if value is None else RoundRow(*value)


def gift_row(state: State, name: str, member: bytes) -> GiftRow | None:
    """Return what a member gives in a round; None for nothing."""
    value = state.get(GIFT + _name0(name) + member)
    return None if value is None else GiftRow(*value)


def gifts(state: State, name: str) -> list[tuple[bytes, GiftRow]]:
    """Return what each member gives in a round that is open, by member."""
    prefix = GIFT + _name0(name)
    return [(key[len(prefix) :], GiftRow(*value)) for key, value in state.items(prefix)]


def takes_part(state: State, member: bytes, role: str) -> bool:
    """Return whether a member is active, and holds the role if there is one."""
    return roles.holds(state, member, role) if role else registry.is_active(state, member)


def bucket_key(pool: Pool, bucket: str) -> bytes:
    """Return the part of a key that names a bucket."""
    return pool_id(pool).to_bytes() + _name0(bucket)


def _received(state: State, name: str, row: RoundRow) -> dict[bytes, ReceivedPoints]:
    """Return what members got of those who take part still, by member."""
    sums: dict[bytes, list[Any]] = {}
    for giver, gift in gifts(state, name):
        if not takes_part(state, giver, row.givers):
            continue
        for member, points in gift.points:
            if takes_part(state, member, row.receivers):
                received = sums.setdefault(member, [0, []])
                received[0] += points
                received[1].append(gift.record)
    return {
        member: ReceivedPoints(points, len(records), tuple(records))
        for member, (points, records) in sorted(sums.items())
    }


def _forget_gifts(state: State, name: str) -> None:
    for key, _ in list(state.items(GIFT + _name0(name))):
        state.delete(key)


def is_list_of_points(value: Any) -> bool:
    """Return whether a value lists [member, points], each member once and in ascending order."""
    if type(value) is not list or len(value) > RECEIVERS_MAX:
        return False
    if not all(type(pair) is list and len(pair) == 2 for pair in value):
        return False
    if not all(is_bytes(member) and is_count(points, 1) for member, points in value):
        return False
    members = [member for member, _ in value]
    return all(first < other for first, other in pairwise(members))


def _points_row(value: list[Any]) -> ReceivedPoints:
    points, givers, records = value
    return ReceivedPoints(points, givers, tuple(records))


def _name0(name: str) -> bytes:
    return name.encode() + b"\0"
