"""Short ways to read and to take what a small community offers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from commonweal.client import Member
from commonweal.node.service.events import Wish
from commonweal.protocol.ledger.exchange.offers.intents import IntentRow, intent_row
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.commons import Commons


@contextmanager
def at(home: Home, **options: Any) -> Iterator[Member]:
    with Member(home, **options) as member:
        yield member


def intent(member: Member, id: bytes) -> IntentRow:
    row = intent_row(member.view.state, id)
    assert row is not None
    return row


def take(
    lanxi: Commons, intent: bytes, n: int, unit: str = "hour", thing: bytes | None = None
) -> None:
    """Let Bo and Ana agree that Bo gives Ana so much of an intent of Bo's."""
    lanxi.meet()
    with at(lanxi.bo) as bo, at(lanxi.ana) as ana:
        bo_id, ana_id = bytes(bo.view.me), bytes(ana.view.me)
    field = "effortQuantity" if thing is None else "resourceQuantity"
    named = {} if thing is None else {"resourceInventoriedAs": bytes(thing)}
    clause: dict[str, Any] = named | {
        "action": "work" if thing is None else "transfer",
        "provider": bo_id,
        "receiver": ana_id,
        field: {"n": n, "scale": 0, "unit": unit},
        "satisfies": [bytes(intent)],
    }
    promised = homes.write(lanxi.ana, Wish("commitment", clause, (RecordId(intent),)))[0]["id"]
    deal = homes.write(
        lanxi.ana, Wish("agreement", {"stipulates": [promised]}, (RecordId(promised),))
    )[0]["id"]
    lanxi.meet()
    homes.write(
        lanxi.bo, Wish("agreement.sign", {"agreement": deal, "say": "yes"}, (RecordId(deal),))
    )
    lanxi.meet()
