"""Bookings at the edges of time, and by agents outside that a member claims meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS, DAYS_MAX
from commonweal.protocol.ledger.exchange.lending.quotas import BOOKED_DAY
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.bakery import amount, between
from tests.protocol.ledger.library import HOUR_MS, MINUTE_MS, Library, at
from tests.protocol.ledger.village import Pen

OUTSIDE = b"o" * 16
LAST_DAY = DAYS_MAX - 1


class Young(Library):
    """A library without any seal: nothing lies in the past."""

    def seal(self, time_ms: int, *arrival: Record, root: bytes = b"") -> None:
        """Seal nothing."""


def claimed(library: Library) -> None:
    """Let Lin claim the agent outside, which Mei attests."""
    claim = library.lin.write("agent.claim", {"agent": OUTSIDE}, library.records[-1:])
    said = {"event": claim.id, "say": "yes"}
    library.mei.write("attest", said, [claim, *library.records[-1:]])
    assert library.verdict(library.records[-1]) is None


def lent_outside(library: Library) -> tuple[Record, Record]:
    """Let Jun lend the bike to the agent outside; return the clause and the agreement."""
    clause = library.clause(library.jun, at(1), at(3), receiver=OUTSIDE)
    agreement = library.agreement(library.jun, clause)
    assert library.verdict(agreement) is None
    return clause, agreement


@pytest.mark.parametrize("begin", [(LAST_DAY + 1) * DAY_MS, 2**62])
@pytest.mark.parametrize("rules", [{}, {"days_max": 3, "per": "week"}])
def test_a_day_that_no_key_has_room_for_is_refused(begin: int, rules: dict[str, Any]) -> None:
    library = Library()
    booking = library.ask(library.lin, begin, begin + HOUR_MS)  # the bike has no terms yet
    library.terms(**rules)
    yes = booking.say(library.jun)
    assert library.verdict(yes) is Reason.TOO_FAR_AHEAD
    assert booking.status == "asked"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ({}, None),
        ({"buffer_ms": DAY_MS}, Reason.TOO_FAR_AHEAD),
        ({"utc_offset_minutes": 14 * 60}, Reason.TOO_FAR_AHEAD),
        ({"days_max": 3, "per": "week"}, None),
        ({"days_max": 3, "per": "month"}, None),
        ({"days_max": 3, "per": 92}, None),
    ],
)
def test_the_last_day_of_all_is_booked(said: dict[str, Any], verdict: Reason | None) -> None:
    library = Library()
    booking = library.ask(library.lin, LAST_DAY * DAY_MS + 11 * HOUR_MS, DAYS_MAX * DAY_MS)
    library.terms(**said)
    assert library.verdict(booking.say(library.jun)) is verdict


def test_a_booking_before_the_first_day_counts_on_no_day() -> None:
    terms: dict[str, Any] = {"days_max": 1, "per": "week", "utc_offset_minutes": -14 * 60}
    young = Young()
    young.terms(**terms)
    clause = young.clause(young.jun, 1_000, 1_000 + MINUTE_MS, receiver=OUTSIDE)
    assert young.verdict(young.agreement(young.jun, clause)) is None
    library = Library()
    booking = library.ask(library.lin, 1_000, 1_000 + MINUTE_MS)
    library.terms(**terms)
    assert library.verdict(booking.say(library.jun)) is None, "it was asked before the terms"


def test_who_borrowed_from_outside_and_joined_gives_it_back() -> None:
    library = Library()
    library.terms()
    clause, agreement = lent_outside(library)
    out = between(library.bike, None, library.jun) | amount(1, "one")
    out |= {"fulfills": clause.id, "receiver": OUTSIDE}
    deps = [library.bike, clause, agreement, *library.records[-1:]]
    lent = library.event(library.jun, "transferCustody", out, *deps)
    claimed(library)
    assert len(dict(library.state.items(BOOKED_DAY))) == 2
    back = {"action": "transferCustody", "provider": OUTSIDE}
    back |= between(lent, library.bike, library.jun) | amount(1, "one")
    given = library.jun.write("event", back, [lent, library.bike, *library.records[-1:]])
    assert library.verdict(given) is None
    assert not dict(library.state.items(BOOKED_DAY)), "its days are free again"


def test_who_is_a_party_since_a_takeover_ends_the_deal() -> None:
    library = Library()
    library.terms()
    _, agreement = lent_outside(library)
    claimed(library)
    moved = between(library.bike, None, library.ana) | amount(1, "one")
    library.event(library.jun, "transfer", moved, library.bike, *library.records[-1:])

    def write(kind: str, pen: Pen, **said: str) -> Record:
        data = {"agreement": agreement.id} | said
        return pen.write(kind, data, [agreement, *library.records[-1:]])

    assert library.verdict(write("agreement.sign", library.ana, say="yes")) is None
    assert library.verdict(write("agreement.end", library.lin, why="given up")) is None
    assert library.verdict(write("agreement.end", library.ana, why="given up")) is Reason.NOT_OPEN
