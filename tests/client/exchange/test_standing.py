"""How an offer stands: open, partly taken, all taken, paused, ended, withdrawn or replaced."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.client.exchange.offer_rows import offer_standing
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow
from commonweal.protocol.ledger.exchange.offers.offers import OfferRow

NOW_MS = 1_796_040_000_000
ANA = b"a" * 32


def intent(taken: int = 0, status: str = "open", end: int | None = None) -> IntentRow:
    """Return 5 hours that Ana offers."""
    return IntentRow(
        member=ANA,
        clock=1,
        action="work",
        provider=ANA,
        receiver=None,
        quantity=[5, 0, "hour"],
        taken=[taken, 0, "hour"],
        met=[0, 0, "hour"],
        spec=None,
        resource=None,
        tags=[],
        scope=None,
        minimum=None,
        available=None,
        begin=None,
        end=end,
        due=None,
        status=status,
        by=None,
        plan=None,
        input_of=None,
        output_of=None,
        factor=None,
    )


def offer(**over: Any) -> OfferRow:
    row = OfferRow(ANA, 2, "offer", [b"i" * 32], [], False, None, None, [], None, "open", None)
    return row._replace(**over)


@pytest.mark.parametrize(
    ("row", "intents", "state"),
    [
        (offer(), [intent()], "open"),
        (offer(), [intent(taken=1)], "partly"),
        (offer(), [intent(taken=5)], "met"),
        (offer(), [intent(taken=5), intent()], "partly"),
        (offer(), [intent(taken=5), intent(taken=5)], "met"),
        (offer(), [intent(status="paused")], "paused"),
        (offer(), [intent(status="paused"), intent()], "open"),
        (offer(), [intent(status="paused"), intent(taken=5)], "paused"),
        (offer(), [intent(status="paused", taken=5)], "met"),
        (offer(), [intent(status="withdrawn")], "withdrawn"),
        (offer(), [intent(status="withdrawn"), intent()], "partly"),
        (offer(), [intent(status="replaced")], "replaced"),
        (offer(status="replaced"), [intent()], "replaced"),
        (offer(status="withdrawn"), [intent(taken=5)], "withdrawn"),
        (offer(), [intent(end=NOW_MS + 1)], "open"),
        (offer(), [intent(end=NOW_MS)], "ended"),
        (offer(), [intent(end=NOW_MS - 1)], "ended"),
        (offer(), [intent(end=NOW_MS), intent()], "open"),
        (offer(), [intent(end=NOW_MS), intent(taken=5)], "ended"),
        (offer(), [intent(end=NOW_MS, taken=5)], "met"),
        (offer(), [intent(end=NOW_MS, status="paused")], "ended"),
        (offer(end=NOW_MS), [intent()], "ended"),
        (offer(end=NOW_MS + 1), [intent()], "open"),
    ],
)
def test_an_offer_stands_as_its_parts_do_at_the_time_of_the_seal(
    row: OfferRow, intents: list[IntentRow], state: str
) -> None:
    assert offer_standing(row, intents, NOW_MS) == state


def test_nothing_has_ended_before_the_first_seal() -> None:
    assert offer_standing(offer(end=NOW_MS), [intent(end=NOW_MS)], 0) == "open"
