"""A market of many members in bad weather: one state, and what is scarce is given once."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from commonweal.node.service.peers import handshake
from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.exchange.commitments import (
    COMMITMENT,
    ENDED,
    PROMISED,
    CommitmentRow,
    commitment_row,
)
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    AGREEMENT,
    CAME_INTO_FORCE,
    LOST,
    VOID,
    AgreementRow,
    agreement_row,
)
from commonweal.protocol.ledger.exchange.lending.blocks import blocks_of
from commonweal.protocol.ledger.exchange.offers.intents import (
    INTENT,
    REPLACED,
    WITHDRAWN,
    IntentRow,
    intent_row,
)
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import RecordId
from tests.sim.consensus.test_seals import SEEDS
from tests.sim.exchange.lend import bike
from tests.sim.exchange.market_day import Trader, rows
from tests.sim.exchange.parted import (
    WRITES_MS,
    Parted,
    assert_one_state,
    community,
    final,
    seal,
    write,
)
from tests.sim.world.node import OPEN, SAID
from tests.sim.world.weather import PARTED

MEMBERS = 50 if os.environ.get("COMMONWEAL_RUNS") else 20
CALM_DAYS = (("offer", "need", "book"), ("deal", "deal", "lend"), ("answer",), ("give",))
"""What members do before the first storm, in turns."""
STORMY_DAYS, STORM_S = 2, 3
ACTING = 15
"""How many members act in each second."""
SETTLED_MS_MAX = 180_000
CAPACITY = 2
DOWN = 3
"""How many nodes go down at the beginning of each storm."""
FLOOR, CEILING = -6, 12
HOURS: Mapping[str, Value] = {"floor": FLOOR, "ceiling": CEILING, **SAID}
RULES: Mapping[str, Value] = {**OPEN, "credit": {"hour": dict(HOURS)}}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(max(1, SEEDS // 2)))
def test_a_market_comes_to_one_state_in_storms(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "GUESTS_MAX", MEMBERS)  # they all come at once, to one node
    parted = community(3_000 + seed, RULES, MEMBERS)
    world = parted.world
    things = things_of_all(parted)
    traders = [Trader(node, things) for node in world.nodes]

    def each_second() -> None:
        for trader in world.rng.sample(traders, ACTING):
            if trader.node.is_up and trader.node.assessor is not None:
                trader.act()

    for acts in CALM_DAYS:
        for number, trader in enumerate(traders):
            trader.act_as(acts[number % len(acts)])
        seal(world)
    for _ in range(STORMY_DAYS):
        for node in world.rng.sample(world.nodes, DOWN):
            node.crash()
        world.storm(PARTED, STORM_S, each_second)
        world.settle(SETTLED_MS_MAX)
        seal(world)
    assert_one_state(world)
    state = final(parted.founder)
    assert_balances_sum_to_zero(state)
    assert_no_offer_gives_more_than_it_has(state)
    assert_no_thing_is_lent_more_often_than_there_are(state, things)
    assert_every_loser_is_told(state)
    assert_the_market_was_lively(state)


def things_of_all(parted: Parted) -> list[RecordId]:
    """Let the community have two sorts of things, of which at most so many are lent at once."""
    things = []
    for name, capacity in (("cargo bike", 1), ("scooter", CAPACITY)):
        thing = bike(parted.founder, parted.world.community, name, capacity=capacity)
        parted.world.run(WRITES_MS)
        write(parted.a, "attest", {"event": thing, "say": "yes"})
        things.append(thing)
    seal(parted.world)
    return things


def assert_balances_sum_to_zero(state: State) -> None:
    """Check that what some owe others have, and that nobody is beyond a limit."""
    balances = [row for _, row in credit.balances(state, "hour")]
    assert balances and {row.scale for row in balances} == {0}
    assert sum(row.n for row in balances) == 0
    assert all(FLOOR <= row.n <= CEILING for row in balances)


def assert_no_offer_gives_more_than_it_has(state: State) -> None:
    """Check what is taken and met of each intent by the commitments that satisfy it."""
    taken: dict[bytes, int] = {}
    met: dict[bytes, int] = {}
    for _, row in rows(state, COMMITMENT, CommitmentRow):
        for intent in row.satisfies:
            kept = row.quantity[0] if row.status in PROMISED else row.met[0]
            taken[intent] = taken.get(intent, 0) + (kept if row.agreement is not None else 0)
            met[intent] = met.get(intent, 0) + row.met[0]
    for key, offered in rows(state, INTENT, IntentRow):
        assert offered.taken[0] == taken.get(key[1:], 0) <= offered.limit.n
        assert offered.met[0] == met.get(key[1:], 0) <= offered.taken[0]


def assert_no_thing_is_lent_more_often_than_there_are(state: State, things: list[RecordId]) -> None:
    """Check at each beginning how many accepted bookings have the thing at once."""
    for thing, capacity in zip(things, (1, CAPACITY), strict=True):
        spans = [
            (row.begin, row.end)
            for _, row in rows(state, COMMITMENT, CommitmentRow)
            if row.resource == thing and row.status in PROMISED and row.begin and row.end
        ]
        assert spans
        for begin, _ in spans:
            assert sum(first <= begin < last for first, last in spans) <= capacity


def assert_every_loser_is_told(state: State) -> None:
    """Check that what was lost names a deal in force over the same, or what stands in its way."""
    for key, row in rows(state, AGREEMENT, AgreementRow):
        if row.status == LOST:
            assert row.cause is not None
            wanted, won = objects(state, row), agreement_row(state, row.cause)
            if won is None:
                repairs = {block.record for id in wanted for block in blocks_of(state, id)}
                assert row.cause in repairs
            else:
                assert won.status in CAME_INTO_FORCE and row.cause != key[1:]
                assert objects(state, won) & wanted
        elif row.status == VOID:
            assert row.cause is not None
            intent, clause = intent_row(state, row.cause), commitment_row(state, row.cause)
            is_closed = intent is not None and intent.status in (WITHDRAWN, REPLACED)
            assert is_closed or (clause is not None and clause.status == ENDED)


def objects(state: State, row: AgreementRow) -> set[bytes]:
    """Return the intents and things that the clauses of an agreement are about."""
    about: set[bytes] = set()
    for id in row.clauses:
        clause = commitment_row(state, id)
        assert clause is not None
        about |= {*clause.satisfies, *([clause.resource] if clause.resource else [])}
    return about


def assert_the_market_was_lively(state: State) -> None:
    """Check that there was something to decide: deals of each outcome, and work that was done."""
    statuses = [row.status for _, row in rows(state, AGREEMENT, AgreementRow)]
    counts = {status: statuses.count(status) for status in sorted(set(statuses))}
    assert counts[AGREED] >= 5 and counts[LOST] >= 1 and len(counts) >= 4, counts
    assert any(row.given[0] for _, row in rows(state, COMMITMENT, CommitmentRow))
