"""Points, votes, loans and fading shares in storms and partitions: all nodes come to one result.

What they seal is read again by the second reader, which knows nothing of the product.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from commonweal.node.service.events import Text, Wish
from commonweal.protocol import codec
from commonweal.protocol.codec import Value
from commonweal.protocol.keys import MemberId
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.governance import giving_rounds, proposals
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.protocol.seal.cut import delta_to_bytes
from commonweal.protocol.seal.formats import sealed_to_bytes
from tests.second_reader.fold import Reader
from tests.second_reader.records import Record
from tests.sim.consensus.test_seals import SEEDS, chain, check, council, seal_soon, until
from tests.sim.world.node import OPEN, SAID, Node
from tests.sim.world.weather import PARTED, SCRAMBLED, WORST, Weather
from tests.sim.world.world import World

HOUR_MS = 3_600_000
SKEW_MS = 300_000
"""More than the clocks of two nodes differ."""
BYTES_MAX = 1 << 30
STORM_S = 8
CUSTOMER = b"customer outside"
VOTING: dict[str, Value] = {
    "threshold": "1/4",
    "period_hours": 1,
    "early": False,
    "early_failure": True,
    "indifferent": True,
    "min_yes": 2,
    **SAID,
}
LENT = "event.action == 'transfer' && event.to_community && !event.from_outside"
RULES: Mapping[str, Value] = {
    **OPEN,
    "governance": {"ordinary": VOTING},
    "value": {
        "work": {"points": "event.effort", **SAID},
        "transfer": {"points": f"{LENT} ? event.quantity : 0", **SAID},
    },
    "rounds": {"circle": {"points": 100, "most": 70, "every_hours": 2, "open_hours": 1, **SAID}},
    "pools": {
        "income": {
            "unit": "JPY",
            "income": "event.from_outside && event.to_community",
            "buckets": [
                {
                    "name": "lent",
                    "share": "20%",
                    "claim": "debt",
                    "actions": ["transfer"],
                    "points_in": "thousandths",
                    **SAID,
                },
                {
                    "name": "lately",
                    "share": "40%",
                    "claim": "equity",
                    "actions": ["work"],
                    "divide": "half_life",
                    "half_life_hours": 1,
                    **SAID,
                },
                {
                    "name": "thanks",
                    "share": "100%",
                    "of": "remainder",
                    "to": "round",
                    "round": "circle",
                    **SAID,
                },
            ],
            **SAID,
        }
    },
}


def member(node: Node) -> MemberId:
    """Return whose node it is."""
    return node.person.inception.member


def final(node: Node) -> State:
    """Return the state at the last seal that a node follows."""
    assert node.assessor is not None, "it looked at its ledger"
    return node.assessor.kept.final


def transfer(provider: bytes, community: bytes, yen: int) -> dict[str, Value]:
    """Return a transfer to the community."""
    return {
        "action": "transfer",
        "provider": provider,
        "receiver": community,
        "resourceQuantity": {"n": yen, "scale": 0, "unit": "JPY"},
        "newInventoriedResource": {},
    }


def give(world: World, node: Node) -> None:
    """Let a member give points to some others, more than they have now and then."""
    rng, row = world.rng, giving_rounds.round_row(final(node), "circle")
    assert row is not None, "the first seal opened it"
    others = [member(other) for other in world.nodes if other is not node]
    receivers = sorted(rng.sample(others, rng.randint(0, 3)))
    points: list[Value] = [[one, rng.choice((1, 20, 30, 70))] for one in receivers]
    node.submit(Wish("round.give", {"round": "circle", "opened": row.height, "points": points}))


def act(world: World, node: Node) -> None:
    """Let a member do one of the things whose result is looked at."""
    rng, state, me = world.rng, final(node), member(node)
    match rng.choice(("give", "give", "vote", "work", "lend", "earn", *["attest"] * 3)):
        case "give":
            give(world, node)
        case "vote":
            for proposal in proposals.proposals(state):
                say = rng.choice(("yes", "yes", "no", "no", "abstain", "indifferent"))
                node.submit(Wish("rules.vote", {"proposal": proposal, "say": say}))
        case "work":
            effort: Value = {"n": rng.randint(1, 9), "scale": 0, "unit": "hour"}
            data: dict[str, Value] = {"action": "work", "provider": me, "effortQuantity": effort}
            node.submit(Wish("event", data))
        case "lend":
            node.submit(Wish("event", transfer(me, node.community, rng.randint(1, 99))))
        case "earn":
            node.submit(Wish("event", transfer(CUSTOMER, node.community, rng.randint(1, 999))))
        case "attest":
            for key, value in list(state.items(EVENT))[-6:]:
                if EventRow(*value).member != me:
                    node.submit(Wish("attest", {"event": key[1:], "say": "yes"}))


def propose(node: Node, attestations: int) -> None:
    """Let a member propose other rules, by which a change of the rules is voted on."""
    assert node.assessor is not None
    patch = codec.encode({"contributions": {"attestations": attestations, **SAID}})
    data: dict[str, Value] = {"subject": "rules", "form": "patch"}
    data["base"] = node.assessor.kept.ruleset.id
    node.submit(Wish("rules.propose", data, text=Text("", patch, permanent=True)))


def sealed_again(world: World, what: str) -> None:
    """Let all that is held be sealed, on all nodes."""
    height = max(chain(node).height for node in world.nodes) + 1
    world.nodes[0].write()
    world.run(1_000)
    for node in world.nodes:
        seal_soon(node)
    until(world, lambda: all(folded(node) >= height for node in world.nodes), 120_000, what)


def folded(node: Node) -> int:
    """Return the height up to which a node that is up folded its ledger."""
    return node.assessor.kept.cut.height if node.is_up and node.assessor is not None else 0


def read_again(node: Node) -> list[bytes]:
    """Return the state roots to which the second reader comes by what a node holds."""
    store, heights = node.store, chain(node).seals
    wires = [
        wire for log in store.logs() for wire in store.wires(log.author, 0, log.length, BYTES_MAX)
    ]
    documents: dict[bytes, bytes] = {}
    for record in map(from_bytes_unchecked, wires):
        if record.body is not None and record.body.permanent:
            body = store.body(record.body.hash)
            assert body is not None
            documents[record.body.hash] = body
    reader = Reader(node.community, [Record.read(wire) for wire in wires], documents)
    roots = []
    for height in range(1, chain(node).height + 1):
        kept = heights.at(height)
        assert kept is not None
        found = reader.read(sealed_to_bytes(kept.sealed), delta_to_bytes(kept.delta))
        assert found.state_root == kept.sealed.seal.state_root, f"height {height}"
        roots.append(found.state_root)
    return roots


@pytest.mark.parametrize(
    "weather", [PARTED, SCRAMBLED, WORST], ids=["parted", "scrambled", "worst"]
)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_rounds_votes_loans_and_fading_shares_come_to_one_result(
    seed: int, weather: Weather
) -> None:
    world = council(seed, rules=RULES)
    propose(world.nodes[1], 2)
    propose(world.nodes[2], 3)
    sealed_again(world, "the votes are not opened")

    def each_second() -> None:
        for node in world.nodes:
            if node.is_up and node.assessor is not None and world.rng.random() < 0.8:
                act(world, node)

    for node in world.nodes:
        give(world, node)
    for _ in range(2):
        world.storm(weather, STORM_S, each_second)
        world.settle(120_000)
        for _ in range(2):  # the first may have begun before the last record came
            sealed_again(world, "what was given is not sealed")
    row = giving_rounds.round_row(final(world.nodes[0]), "circle")
    assert row is not None and row.is_open
    given = giving_rounds.gifts(final(world.nodes[0]), "circle")
    assert given, "somebody gave points"
    for node in world.nodes:
        node.shift(HOUR_MS + SKEW_MS)
    sealed_again(world, "the round is not counted")
    sealed_again(world, "what it pays is not sealed")
    check(world)
    for node in world.nodes:
        state = final(node)
        counted = giving_rounds.round_row(state, "circle")
        assert counted is not None and not counted.is_open
        assert not giving_rounds.gifts(state, "circle")
        assert len(proposals.proposals(state)) == 2
        assert "open" not in {row.status for row in proposals.proposals(state).values()}
        assert received(node) == expected(given)
    assert len({tuple(read_again(node)) for node in world.nodes}) == 1


def expected(given: list[tuple[bytes, giving_rounds.GiftRow]]) -> dict[bytes, int]:
    """Return what members received, by what was given last."""
    sums: dict[bytes, int] = {}
    for _, gift in given:
        for receiver, points in gift.points:
            sums[receiver] = sums.get(receiver, 0) + points
    return sums


def received(node: Node) -> dict[bytes, int]:
    """Return the points that a split paid by, or that wait for one."""
    state = final(node)
    assert node.assessor is not None
    (pool,) = node.assessor.kept.ruleset.pools
    waiting = giving_rounds.points_of(state, pool, "thanks")
    lines = [payout.line for payout in pools.payouts(state) if payout.line.sort == "given"]
    paid = {line.member: line.weight for line in lines}
    return paid or {receiver: points.points for receiver, points in waiting.items()}
