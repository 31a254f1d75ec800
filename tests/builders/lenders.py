"""Mei lends a bike and a room; Bo and Ana book them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from commonweal.client import Member
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.spans import Span
from commonweal.client.language.local_time.zones import at
from tests.builders.commons import Commons

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


class Lenders(Commons):
    """A community in which things are lent. bike, room: ids; day(1) is tomorrow."""

    def __init__(self, folder: Path) -> None:
        """Make it: the bike costs 5 EUR a day, is lent for three days at most, and 30 min apart."""
        folder.mkdir()
        super().__init__(folder)
        with Member(self.mei) as mei:
            self.ids = {}
            for name in ("cargo bike", "room"):
                mei.add_resource(name, 1, "piece")
                (row,) = (row for row in mei.resources() if row.name == name)
                self.ids[name] = row.id.hex()
            mei.set_terms(
                self.bike,
                max_ms=3 * DAY_MS,
                buffer_ms=HOUR_MS // 2,
                fee=("5", "EUR", DAY_MS),
                late_fee=("2", "EUR", HOUR_MS),
            )
            mei.set_terms(self.room)
        self.meet()
        self.seal()

    @property
    def bike(self) -> str:
        """The id of the bike."""
        return self.ids["cargo bike"]

    @property
    def room(self) -> str:
        """The id of the room."""
        return self.ids["room"]

    def day(self, number: int) -> date:
        """Return a day so many days on."""
        return at(now_ms()).date() + timedelta(days=number)

    def booked(self, thing: str, when: str | list[Span]) -> str:
        """Let Bo ask for a thing; return the booking."""
        with Member(self.bo) as bo:
            id = bo.book(thing, when).bookings[0].id.hex()
        self.meet()
        return id

    def accept(self, id: str) -> None:
        """Let Mei accept a booking."""
        with Member(self.mei) as mei:
            mei.accept_booking(id)
        self.meet()
