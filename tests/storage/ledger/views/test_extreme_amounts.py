"""Amounts and times of 64 bits fit the rows behind the views, whatever is counted with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from commonweal.protocol.codec import INT_MAX, INT_MIN
from commonweal.protocol.ledger.exchange.data.consents import PER_USE_MAX
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.views.column_amounts import fitting
from commonweal.storage.ledger.views.views import VIEWS, write_all
from tests.protocol.ledger.archive import NOTICE, NOTICE_TEXT, Archive, per_use
from tests.protocol.ledger.bakery import amount
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.exchange.trading import Trading
from tests.protocol.ledger.press import Press
from tests.protocol.ledger.village import Village
from tests.protocol.ledger.workshop import Workshop, paying
from tests.storage.ledger.test_ledger import Home, founding_documents


def least(unit: str = "hour") -> dict[str, Any]:
    """Return the smallest amount that a record can state."""
    return {"n": 1, "scale": 9, "unit": unit}


def kept(village: Village) -> LedgerState:
    """Return what a home keeps of all records, whose rows are written once more from the state."""
    own = village.documents if isinstance(village, Workshop) else founding_documents(village)
    home = Home(village.community, {**own, NOTICE.hash: NOTICE_TEXT})
    home.hold(village.records)
    for author, log in list(home.logs.items()):
        home.arrive(author, len(log))
    if isinstance(village, Workshop):
        home.seal(village)
    state = home.state
    for view in VIEWS:
        state.layers.rows(f'SELECT * FROM "{view}"')
    write_all(state.layers, home.store)
    return state


def column(state: LedgerState, view: str, name: str, scale: str, **where: Any) -> list[Decimal]:
    """Return the amounts of a column, exact."""
    chosen = " AND ".join(f"{key} = ?" for key in where) or "TRUE"
    asked = f'SELECT {name}, {scale} FROM "{view}" WHERE {chosen}'
    return [Decimal(n).scaleb(-scale) for n, scale in state.layers.rows(asked, [*where.values()])]


def test_what_is_left_of_an_offer() -> None:
    trade = Trading()
    all_of_it = {"minimumQuantity": least(), "hasBeginning": 0, "hasEnd": INT_MAX, "due": INT_MAX}
    intent = trade.offers("Ana", INT_MAX, **all_of_it)
    data = {"purpose": "offer", "publishes": [intent.id], "hasEnd": INT_MAX}
    assert trade.verdict(trade.write("Ana", "proposal.offer", data)) is None
    clause = trade.clause("Ana", 0, "Ana", "all", intent, effortQuantity=least(), due=INT_MAX)
    assert trade.verdict(clause) is None
    assert column(kept(trade), "offers", "left_n", "left_scale") == [Decimal(INT_MAX)]


def test_what_is_open_of_a_promise() -> None:
    trade = Trading()
    promise = trade.clause("Ana", INT_MAX, "Ana", "all")
    given = trade.flow(0, "Ana", "all", effortQuantity=least(), fulfills=promise.id)
    both = given | {"resourceQuantity": {"n": INT_MAX, "scale": 9, "unit": "kg"}}
    assert trade.verdict(trade.write("Ana", "event", given)) is None
    trade.write("Ana", "event", both)
    state = kept(trade)
    assert column(state, "clauses", "open_n", "open_scale") == [Decimal(INT_MAX)]
    assert column(state, "clauses", "met_n", "met_scale") == [Decimal("1E-9")]


def test_what_is_open_of_a_commission() -> None:
    trade = Promoting()
    trade.refer("Bo", "Jun")
    came = trade.sell("Bo", 2 * 10**16)
    paid = trade.flow(0, "Ana", "Jun", resourceQuantity=least("EUR"), fulfills=came.id)
    assert trade.verdict(trade.write("Ana", "event", paid)) is None
    state = kept(trade)
    assert column(state, "commissions", "amount_n", "scale", unit="EUR") == [Decimal(10**13)]
    assert column(state, "commissions", "open_n", "scale", unit="EUR") == [Decimal(10**13)]


def test_what_is_open_of_a_use_of_data() -> None:
    archive = Archive()
    use = archive.use(archive.grant(benefit=per_use(PER_USE_MAX, 0, "coin"), until=INT_MAX))
    coins = archive.make(archive.lin, archive.coin, 5)
    said = {"resourceInventoriedAs": coins.id, "receiver": archive.jun.owner.id}
    said |= {"newInventoriedResource": {}, "fulfills": use.id} | amount(1, "coin", 9)
    paid = archive.event(archive.lin, "transfer", said, coins, use)
    assert archive.verdict(paid) is None
    assert column(kept(archive), "data_uses", "open_n", "open_scale") == [Decimal(PER_USE_MAX)]


def test_what_is_pledged() -> None:
    press = Press(paying(), "Jun", "Ana")
    press.begin(minimum=INT_MAX, maximum=INT_MAX, most=INT_MAX)
    assert press.verdict(press.pledge("Jun", INT_MAX)) is None
    press.pledge("Ana", INT_MAX)
    assert kept(press).layers.rows("SELECT DISTINCT amount FROM pledges") == [(INT_MAX,)]


CASES: list[tuple[tuple[tuple[int, int], ...], tuple[tuple[int, ...], int]]] = [
    (((15, 1),), ((15,), 1)),
    (((INT_MAX, 9), (INT_MIN, 9)), ((INT_MAX, INT_MIN), 9)),
    (((INT_MAX * 10 - 1, 9),), ((INT_MAX,), 8)),
    (((INT_MAX * 10 + 1, 9),), ((INT_MAX // 10 + 1,), 7)),
    (((10**19, 9), (1, 9), (-1, 9), (0, 9)), ((10**18, 1, -1, 0), 8)),
    (((5, 0), (10**19 + 1, 2)), ((50, 10**18 + 1), 1)),
    (((INT_MAX, 0), (1, 9)), ((INT_MAX, 1), 0)),
    (((INT_MAX + 1, 0), (INT_MIN - 1, 0)), ((INT_MAX, INT_MIN), 0)),
]


@pytest.mark.parametrize(("given", "fit"), CASES)
def test_amounts_fit_64_bits(given: Any, fit: Any) -> None:
    assert fitting(*given) == fit
