"""Reviews that two halves of a parted community write apart: blind, until both nodes open them."""

from __future__ import annotations

import pytest

from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.exchange.deals.completion import completion_row
from commonweal.protocol.ledger.exchange.reviews.review_secret import (
    Judgement,
    ReviewedDeal,
    ReviewSecret,
    commit_of,
)
from commonweal.protocol.ledger.exchange.reviews.reviews import (
    OPENED,
    WRITTEN,
    ReviewRow,
    review_row,
)
from commonweal.protocol.records.record import SALT_BYTES, RecordId, erasable_body
from commonweal.storage.records.review_secrets import review_secrets
from tests.sim.exchange.parted import (
    ORDERS,
    Order,
    Parted,
    assert_one_state,
    community,
    final,
    member,
    seal,
    write,
)
from tests.sim.exchange.trade import answer, clause, hours, propose, verdict
from tests.sim.world.node import OPEN, SAID, Node

HOUR_MS = 3_600_000
RULES: dict[str, Value] = {
    **OPEN,
    "reviews": {"window_hours": 2, "grace_hours": 1, **SAID},
}
GOOD = Judgement(5, on_time=True, as_agreed=True)
TEXT = "Came in time."


def kept_deal(parted: Parted) -> RecordId:
    """Let `a` keep a deal with `b`; all of it is sealed."""
    promise = clause(parted.a, 2, parted.a, parted.b)
    deal = propose(parted.a, promise)
    parted.world.settle(60_000)
    answer(parted.b, deal)
    seal(parted.world)
    sides = {"provider": member(parted.a), "receiver": member(parted.b)}
    given = write(parted.a, "event", hours(2) | sides | {"fulfills": promise})
    seal(parted.world)
    assert verdict(parted.a, given) is None, verdict(parted.a, given)
    assert completion_row(final(parted.a), deal) is not None
    return deal


def review(node: Node, deal: RecordId, about: Node) -> RecordId:
    """Let a member review another; only their home keeps what it says."""
    salt = bytes([node.number]) * 32
    secret = ReviewSecret(GOOD, TEXT, salt, bytes(SALT_BYTES))
    text = erasable_body(secret.text_salt, "text/plain", TEXT.encode())[1].hash
    reviewed = ReviewedDeal(deal, member(about), member(node))
    data = {"agreement": bytes(deal), "commit": commit_of(reviewed, GOOD, text, salt)}
    ticket = node.submit(Wish("review", data, (deal,), secret=secret.to_bytes()))
    node.world.run(100)
    written = node.answers[ticket]
    assert isinstance(written, dict), written
    id: RecordId = written["records"][0]["id"]
    return id


def reviewed(node: Node, id: RecordId) -> ReviewRow:
    """Return a review as it stands at the last seal."""
    row = review_row(final(node), id)
    assert row is not None, verdict(node, id)
    return row


@pytest.mark.parametrize("order", ORDERS)
def test_reviews_written_apart_open_by_themselves_after_healing(order: Order) -> None:
    """EXCHANGE.md, partitions: both review commitments apart, open after healing."""
    parted = community(21, RULES)
    deal = kept_deal(parted)
    ids: dict[str, RecordId] = {}
    parted.apart(
        order,
        lambda: ids.update(a=review(parted.a, deal, parted.b)),
        lambda: ids.update(b=review(parted.b, deal, parted.a)),
    )
    for node in parted.world.members:
        assert [reviewed(node, id).status for id in ids.values()] == [WRITTEN, WRITTEN]
    seal(parted.world)
    for node in parted.world.members:
        for id in ids.values():
            row = reviewed(node, id)
            assert (row.status, row.rating) == (OPENED, GOOD.rating)
            opened = None if row.opened is None else node.store.record(RecordId(row.opened))
            assert opened is not None and opened.body is not None
            assert node.store.body(opened.body.hash) is not None, "its text went along"
        assert not review_secrets(node.store)
    assert_one_state(parted.world)
