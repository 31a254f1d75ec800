"""What agreement costs: bytes on a link, counted where frames are sent."""

from __future__ import annotations

from collections import Counter

import pytest

from commonweal.node.service.events import Text, Wish
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.storage.records.logs.log_store import Store
from tests.sim.world.node import Node
from tests.sim.world.settled import crowd
from tests.sim.world.world import World

COMPARING = ("compare", "same", "buckets", "entries")
RECORDS = ("runs", "branch")


def pair(seed: int = 1) -> tuple[World, Node, Node]:
    """Return two friends who are connected and equal."""
    world = World(seed)
    world.grow(2)
    return world, *world.nodes  # type: ignore[return-value]


def spent(world: World, *kinds: str) -> Counter[tuple[PeerKey, PeerKey]]:
    """Return the bytes sent by (from, to) in messages of these kinds, of all when none is given."""
    found: Counter[tuple[PeerKey, PeerKey]] = Counter()
    for (source, target, kind), size in world.network.sent.items():
        if not kinds or kind in kinds:
            found[source, target] += size
    return found


def again(world: World, *nodes: Node) -> None:
    """Restart nodes, so that they know each other's frontiers no more."""
    for node in nodes:
        node.crash()
    world.network.sent.clear()
    for node in nodes:
        node.start()


def test_two_with_equal_records_compare_in_one_round_trip_under_200_bytes_a_side() -> None:
    world, one, two = pair()
    again(world, one, two)
    world.run(2_000)
    for cost in spent(world, *COMPARING).values():
        assert cost <= 200
    world.network.sent.clear()
    one.service.core.actions = []
    one.service.anti_entropy.begin(one.service.core.peers[two.key])
    one.perform(one.service.core.actions)
    world.run(500)
    compared = spent(world, *COMPARING)
    assert compared[one.key, two.key] <= 200
    assert 0 < compared[two.key, one.key] <= 200


def test_one_new_record_among_a_thousand_logs_costs_under_10_kb() -> None:
    world, one, two = pair()
    crowd(world, one, 1_000)
    world.run(3_000)
    world.settle()
    two.crash()
    one.write("new")
    world.run(1_000)
    world.network.sent.clear()
    two.start()
    world.settle()
    bytes_sent = sum(spent(world).values())
    assert bytes_sent < 10_000, bytes_sent
    assert len(two.service.core.replica.frontier) == 1_002
    assert two.store.log(one.person.device).length == one.store.log(one.person.device).length


def test_a_hundred_missing_of_many_cost_little_over_their_own_bytes() -> None:
    world, one, two = pair()
    wish = Wish("event", {"action": "work", "note": "x" * 120})
    one.submit(*[wish] * 1_000)
    world.settle()
    two.crash()
    one.submit(*[wish] * 100)
    world.run(1_000)
    held = one.store.log(one.person.device)
    wires = one.store.wires(one.person.device, held.length - 100, held.length, 1 << 30)
    world.network.sent.clear()
    two.start()
    world.run(900)
    assert world.disagreement() is None
    own = sum(map(len, wires))
    sent = sum(spent(world, *COMPARING, *RECORDS, "fetch", "have").values())
    assert own < sent <= own * 1.1, (own, sent)


def test_no_record_goes_twice_over_a_link_in_calm() -> None:
    world = World(5)
    world.grow(7)
    world.run(10_000)
    world.network.sent.clear()
    wish = Wish("event", {"action": "work", "note": "y" * 200})
    for node in world.nodes * 3:
        node.submit(wish)
        world.run(700)
    world.settle()
    author = world.nodes[0]
    row = author.store.log(author.person.device)
    (size,) = map(
        len, author.store.wires(author.person.device, row.length - 1, row.length, 1 << 20)
    )
    total = 3 * len(world.nodes)
    for link, cost in spent(world, *RECORDS).items():
        assert cost <= 1.4 * total * size, link


@pytest.mark.parametrize("knows", ["nothing", "the beginning of an own log"])
def test_who_comes_into_a_large_founding_circle_is_sent_each_log_once(knows: str) -> None:
    world = World(6, seals=True)
    world.grow(12)  # more than the usual circle
    for node in world.nodes:
        node.submit(*[Wish("event", {"n": n}) for n in range(120)])
    world.settle()
    host, late = world.nodes[:2]
    held = sum(row.bytes for row in host.store.logs())
    invite = world.invited(host)
    for node in world.nodes:
        node.crash()
    if knows == "nothing":
        late = world.join(invite, [host])
    else:
        device, store = late.person.device, Store(":memory:")
        wires = host.store.wires(device, 0, 2, 1 << 20)
        store.append(device, [from_bytes_unchecked(wire) for wire in wires])
        store.mark_checked(device, len(wires))
        store.commit()
        late.store = store
        late.start()
    world.run(3_000)  # its ledger looks before anything is there
    world.network.sent.clear()
    host.start()
    world.run(10_000)
    assert sum(row.bytes for row in late.store.logs()) >= held
    came = spent(world, *RECORDS)[host.key, late.key]
    assert held <= came <= 1.05 * held


def test_a_document_of_every_size_reaches_all() -> None:
    world = World(6)
    world.grow(4)
    sizes = (1, 100_000, 128 * 1024, 128 * 1024 + 1, 600_000, 1 << 20)
    for number, size in enumerate(sizes):
        node = world.nodes[number % 4]
        text = Text("", world.rng.randbytes(size), permanent=True)
        node.submit(Wish("rules.propose", {}, (), text))
    for node in world.nodes:
        for _ in range(4):
            text = Text("", world.rng.randbytes(120_000), permanent=True)
            node.submit(Wish("rules.propose", {}, (), text))
    world.settle()
    late = world.join(world.invited(world.nodes[0]), [world.nodes[1]])
    world.settle()
    assert late.store.counts().bodies == world.nodes[0].store.counts().bodies
