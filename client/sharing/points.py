"""Points that members give each other in giving rounds: what is open, who gave, who received.

What is given in a round that is open is provisional: it can be changed until a seal counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess
from commonweal.client.language.plain import fields_of
from commonweal.client.language.rejection_words import refusal
from commonweal.protocol.errors import UnknownId, UsageError, WouldNotCount
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.governance import giving_rounds
from commonweal.protocol.ledger.governance.giving_rounds import RECEIVERS_MAX, RoundRow
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import normal_name

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView


@dataclass(frozen=True, slots=True)
class MemberPoints:
    """Points of one member, given or received."""

    member: MemberId
    member_name: str
    points: int


@dataclass(frozen=True, slots=True)
class RoundState:
    """The last round of a name. closes_ms: when it is counted, or was due to be.

    opens_ms: when the next one opens; None while this one is open, or the rules have it no more.
    points: of each member; most: for one receiver, None where that is all. givers, receivers: the
    role that takes part, None for all members. pools: "pool, bucket" that it feeds. gave: how many
    members gave something. mine: what this member gives; left: of their points, None where they
    give none.
    """

    round: str
    open: bool
    opened_ms: int
    closes_ms: int
    opens_ms: int | None
    points: int
    most: int | None
    givers: str | None
    receivers: str | None
    pools: tuple[str, ...]
    gave: int
    mine: tuple[MemberPoints, ...]
    left: int | None


@dataclass(frozen=True, slots=True)
class WaitingPoints(MemberPoints):
    """Points of a counted round that wait for the next split of a bucket."""

    pool: str
    bucket: str


@dataclass(frozen=True, slots=True)
class PointsGift:
    """What one member gives in an open round, by the record that says so."""

    id: RecordId
    member: MemberId
    member_name: str
    points: tuple[MemberPoints, ...]


@dataclass(frozen=True, slots=True)
class RoundPoints(RoundState):
    """A round with what each member gives and has so far, and the points that wait for income."""

    gifts: tuple[PointsGift, ...]
    received: tuple[MemberPoints, ...]
    waiting: tuple[WaitingPoints, ...]


@dataclass(frozen=True, slots=True)
class GivenPoints:
    """What this member gives in a round now: the record that says so, and what is left."""

    id: RecordId
    seq: int
    round: str
    closes_ms: int
    points: tuple[MemberPoints, ...]
    left: int


class Points(HomeAccess):
    """Giving rounds, and what this member gives in them."""

    def rounds(self) -> list[RoundState]:
        """Return the last round of each name, those first that end first."""
        view = self.view
        states = [_state(view, name, row) for name, row in giving_rounds.all_rounds(view.state)]
        return sorted(states, key=lambda state: (not state.open, state.closes_ms, state.round))

    def round(self, name: str) -> RoundPoints:
        """Return a round with what was given and received in it. Raises UnknownId."""
        view, name = self.view, normal_name(name)
        row = giving_rounds.round_row(view.state, name)
        if row is None:
            raise UnknownId(name)
        gifts = tuple(
            PointsGift(
                RecordId(gift.record), MemberId(giver), view.name(giver), _named(view, gift.points)
            )
            for giver, gift in giving_rounds.gifts(view.state, name)
        )
        sums: dict[bytes, int] = {}
        for entry in (entry for gift in gifts for entry in gift.points):
            sums[entry.member] = sums.get(entry.member, 0) + entry.points
        ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
        return RoundPoints(
            **fields_of(_state(view, name, row)),
            gifts=gifts,
            received=_named(view, ordered),
            waiting=tuple(_waiting(view, name)),
        )

    def give_points(self, points: Mapping[str, int], *, in_round: str | None = None) -> GivenPoints:
        """Give points to members, by name or id; what was given to others in this round stays.

        0 takes back what a member was given. in_round: needed where several rounds are open.
        Raises UnknownId, AmbiguousId, UsageError, WouldNotCount with the reason.
        """
        view = self.view
        name, row = self._open_round(None if in_round is None else normal_name(in_round))
        was = giving_rounds.gift_row(view.state, name, view.me)
        given: dict[bytes, int] = {} if was is None else dict(map(tuple, was.points))
        given |= {view.member(text): number for text, number in points.items()}
        listed = [[member, number] for member, number in sorted(given.items()) if number]
        if len(listed) > RECEIVERS_MAX:
            text = self.words("in one round a member gives points to {most} others at most")
            raise UsageError(text.format(most=RECEIVERS_MAX))
        data = {"round": name, "opened": row.height, "points": listed}
        written = self._write_one("round.give", data)
        left = row.points - sum(given.values())
        shown = _named(self.view, listed)
        return GivenPoints(written.id, written.seq, name, row.closes_ms, shown, left)

    def _open_round(self, name: str | None) -> tuple[str, RoundRow]:
        """Return the round of a name, or the only one that is open."""
        view = self.view
        rounds = dict(giving_rounds.all_rounds(view.state))
        if name is not None and name not in rounds:
            raise UnknownId(name)
        listed = [other for other, row in rounds.items() if row.is_open and name in (None, other)]
        if not listed:
            raise WouldNotCount(refusal(Reason.ROUND_CLOSED, self.words))
        if len(listed) > 1:
            text = self.words("several rounds are open: {names}; say which one")
            raise UsageError(text.format(names=", ".join(listed)))
        return listed[0], rounds[listed[0]]


def _state(view: LedgerView, name: str, row: RoundRow) -> RoundState:
    rules = view.kept.ruleset
    every_ms = {giving.name: giving.every_ms for giving in rules.rounds}.get(name)
    opens_ms = None if row.is_open or every_ms is None else row.opened_ms + every_ms
    mine = giving_rounds.gift_row(view.state, name, view.me)
    given = mine.points if mine is not None else []
    may_give = row.is_open and giving_rounds.takes_part(view.state, view.me, row.givers)
    return RoundState(
        round=name,
        open=row.is_open,
        opened_ms=row.opened_ms,
        closes_ms=row.closes_ms,
        opens_ms=opens_ms,
        points=row.points,
        most=row.most or None,
        givers=row.givers or None,
        receivers=row.receivers or None,
        pools=tuple(f"{pool}, {bucket}" for pool, bucket in _fed(view, name)),
        gave=len(giving_rounds.gifts(view.state, name)),
        mine=_named(view, given),
        left=row.points - sum(points for _, points in given) if may_give else None,
    )


def _fed(view: LedgerView, name: str) -> list[tuple[str, str]]:
    """Return pool and bucket of all that a round feeds."""
    return [
        (pool.name, bucket.name)
        for pool in view.kept.ruleset.pools
        for bucket in pool.buckets
        if bucket.to == "round" and bucket.round == name
    ]


def _waiting(view: LedgerView, name: str) -> Iterable[WaitingPoints]:
    for pool in view.kept.ruleset.pools:
        for bucket in pool.buckets:
            if bucket.to != "round" or bucket.round != name:
                continue
            for member, received in giving_rounds.points_of(view.final, pool, bucket.name).items():
                place = (MemberId(member), view.name(member), received.points)
                yield WaitingPoints(*place, pool=pool.name, bucket=bucket.name)


def _named(view: LedgerView, pairs: Iterable[Sequence[Any]]) -> tuple[MemberPoints, ...]:
    return tuple(
        MemberPoints(MemberId(member), view.name(member), points) for member, points in pairs
    )
