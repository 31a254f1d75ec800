"""Reviews that two halves of a parted community write apart: blind, until both nodes open them."""

from __future__ import annotations

import pytest

from commonweal.node.service.events import Wish
from commonweal.node.service.upkeep.reviews import opening_of
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
    WITHHELD,
    WRITTEN,
    ReviewRow,
    review_row,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import SALT_BYTES, RecordId, erasable_body
from commonweal.storage.records.review_secrets import review_secrets
from tests.sim.exchange.parted import (
    ORDERS,
    Order,
    Parted,
    assert_one_state,
    community,
    final,
    heal,
    member,
    part,
    pass_time,
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


def secret_of(node: Node) -> ReviewSecret:
    """Return what a member thinks of another, which their home keeps."""
    return ReviewSecret(GOOD, TEXT, bytes([node.number]) * 32, bytes(SALT_BYTES))


def review(node: Node, deal: RecordId, about: Node) -> RecordId:
    """Let a member review another; only their home keeps what it says."""
    secret = secret_of(node)
    text = erasable_body(secret.text_salt, "text/plain", TEXT.encode())[1].hash
    reviewed = ReviewedDeal(deal, member(about), member(node))
    data = {"agreement": bytes(deal), "commit": commit_of(reviewed, GOOD, text, secret.salt)}
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


def halves_of(parted: Parted, *alone: str) -> tuple[list[Node], ...]:
    """Return the halves: first that of the founder, who seals, with all that are not alone."""
    halves = {"a": [parted.a, parted.third], "b": [parted.b, parted.fourth]}
    with_founder = [node for name, half in halves.items() if name not in alone for node in half]
    return [parted.founder, *with_founder], *(halves[name] for name in alone)


@pytest.mark.parametrize("alone", ["", "a", "b", "ab"])
def test_what_no_node_opens_before_the_grace_is_over_stays_withheld(alone: str) -> None:
    """EXCHANGE.md, section 8: a half that sees no seal opens nothing, and the other ends it."""
    parted = community(22, RULES)
    world = parted.world
    deal = kept_deal(parted)
    ids = {"a": review(parted.a, deal, parted.b), "b": review(parted.b, deal, parted.a)}
    world.settle(60_000)
    halves = halves_of(parted, *alone)
    part(world, *halves)
    for passed in (0, 2, 1):  # what covers them, the end of the window, that of the grace
        pass_time(world, passed * HOUR_MS)
        seal(world, halves[0])
    heal(world)
    for _ in range(2):
        seal(world)
        assert_one_state(world)
        for node in world.members:
            states = {name: reviewed(node, id).status for name, id in ids.items()}
            assert states == {name: WITHHELD if name in alone else OPENED for name in ids}
        pass_time(world, 4 * HOUR_MS)
    late = {}
    for name in alone:
        writer = {"a": parted.a, "b": parted.b}[name]
        assert not review_secrets(writer.store), "there is no use in it any more"
        ticket = writer.submit(opening_of(ids[name], secret_of(writer).to_bytes()))
        world.run(100)
        answer = writer.answers[ticket]
        assert isinstance(answer, dict), answer
        late[name] = answer["records"][0]["id"]
    seal(world)
    for name, id in late.items():
        assert verdict(parted.founder, id) is Reason.REVIEW_WITHHELD, "it is late for ever"
        assert reviewed(parted.third, ids[name]).rating is None
    assert_one_state(world)


@pytest.mark.parametrize("alone", ["a", "b"])
def test_a_review_that_nobody_answers_is_opened_once_the_window_is_over(alone: str) -> None:
    """The deadline alone opens it; who answers in the other half meanwhile came too late."""
    parted = community(23, RULES)
    world = parted.world
    deal = kept_deal(parted)
    mine = review(parted.a, deal, parted.b)
    world.settle(60_000)
    seal(world)
    assert reviewed(parted.b, mine).status == WRITTEN
    halves = halves_of(parted, alone)
    part(world, *halves)
    answered = review(parted.b, deal, parted.a)
    pass_time(world, 2 * HOUR_MS)
    seal(world, halves[0])
    heal(world)
    world.settle(60_000)
    for _ in range(2):
        seal(world)
    assert_one_state(world)
    for node in world.members:
        assert (reviewed(node, mine).status, reviewed(node, mine).rating) == (OPENED, GOOD.rating)
        if alone == "b":
            assert verdict(node, answered) is Reason.REVIEW_CLOSED, "the window was over"
            assert review_row(final(node), answered) is None
        else:
            assert reviewed(node, answered).status == OPENED, "the closing seal covers it"
