"""A workshop whose members give each other points, which divide what it earns."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.governance import giving_rounds
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import SAID, rules
from tests.protocol.ledger.workshop import INCOME, Workshop

NAME = "circle"


def circle(buckets: list[dict[str, Any]] | None = None, **over: Any) -> dict[str, Any]:
    """Return rules with a round of a day every two days, which feeds all of the pool."""
    fed = {"name": "given", "share": "100%", "to": "round", "round": NAME, **SAID}
    pool = {"unit": "EUR", "income": INCOME, "buckets": buckets or [fed], **SAID}
    giving = {"points": 100, "every_hours": 48, "open_hours": 24, **SAID, **over}
    return rules(pools={"income": pool}, rounds={NAME: giving})


class Circle(Workshop):
    """A workshop that gives points."""

    def give(self, by: str, opened: int | None = None, **points: int) -> Record:
        """Let a member give points to others, by name. opened: None for the round that is open."""
        row = giving_rounds.round_row(self.history.final, NAME)
        height = opened if opened is not None else row.height if row is not None else 0
        listed = sorted([self.id(name), n] for name, n in points.items())
        data = {"round": NAME, "opened": height, "points": listed}
        return self.write(by, "round.give", data)

    def verdict(self, record: Record) -> Reason | None:
        """Return why a record counts for nothing, as far as everything held says."""
        self.learn()
        return self.history.verdict(record.id)

    def is_open(self) -> bool:
        """Return whether the round is open at the last seal."""
        row = giving_rounds.round_row(self.history.final, NAME)
        return row is not None and row.is_open
