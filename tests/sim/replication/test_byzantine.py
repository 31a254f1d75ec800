"""A byzantine member: the proof reaches all, all agree, and nobody else is hurt."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from commonweal.node.service.events import Wish
from commonweal.node.service.replica.replica import NEWCOMERS_MAX
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.wire import frame_codec, messages
from tests.sim.world.byzantine import Flaw, Liar, copy_of, good, invented, unsigned, wrong_clock
from tests.sim.world.node import Node, Person
from tests.sim.world.weather import BREAKING, CALM, SCRAMBLED
from tests.sim.world.world import World

SEED = os.environ.get("COMMONWEAL_SEED")
SEEDS = [int(SEED)] if SEED else range(int(os.environ.get("COMMONWEAL_RUNS") or 1))


def with_a_liar(seed: int, size: int = 6) -> tuple[World, Node, Liar]:
    """Return a community with a liar among its members, who behaved until now."""
    world = World(seed)
    world.grow(size - 1)
    founder = world.nodes[0]
    node = world.join(world.invited(founder), [founder, world.nodes[1]], Liar)
    world.settle()
    state = founder.service.core.replica.ledger.state
    assert membership.status_of(state, node.person.device) == "active"
    liar = node.service
    assert isinstance(liar, Liar)
    return world, node, liar


def live(world: World, seconds: int, each_second: Callable[[], object]) -> None:
    """Let the honest write while the liar lies."""

    def act() -> None:
        each_second()
        world.rng.choice(world.honest).write("honest work")

    world.storm(CALM, seconds, act)


def settle(world: World) -> None:
    """Wait until all agree; then let somebody join who was not there, and wait again."""
    world.settle()
    world.join(world.invited(world.nodes[0]), [world.nodes[1]])
    world.settle()


def convicted_by_all(world: World, node: Node) -> bool:
    """Say whether every honest node holds a proof against `node`."""
    return all(one.store.proof(node.person.device) for one in world.honest)


def convicted(world: World, node: Node) -> int:
    """Check that every honest node holds the proof against `node`; return where its log ends."""
    found = set()
    for one in world.honest:
        proof = one.store.proof(node.person.device)
        assert proof is not None, f"{one} has no proof against {node} (seed {world.seed})"
        found.add(proof.seq)
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("deep", [False, True])
def test_two_branches_shown_to_different_peers_end_the_log_everywhere(
    seed: int, deep: bool
) -> None:
    world, node, liar = with_a_liar(seed)
    if deep:
        live(world, 2, lambda: liar.faces[0].write(*[good] * 8))
        world.settle()
    length = node.service.core.replica.row(node.person.device).length
    liar.split(liar.faces[0])
    reconnect(world, node)
    live(world, 5, lambda: liar.write(*[good] * 3))
    settle(world)
    assert convicted(world, node) == length


@pytest.mark.parametrize("seed", SEEDS)
def test_forks_of_forks_end_the_log_at_the_lowest(seed: int) -> None:
    world, node, liar = with_a_liar(seed, 8)
    length = node.service.core.replica.row(node.person.device).length
    second = liar.split(liar.faces[0])
    liar.write(*[good] * 20)
    liar.split(second)
    liar.split(liar.faces[0])
    reconnect(world, node)
    live(world, 5, lambda: liar.write(good))
    settle(world)
    assert convicted(world, node) == length


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fork_of_the_first_record_leaves_nothing_of_the_log(seed: int) -> None:
    world, node, liar = with_a_liar(seed)
    other = liar.split(liar.faces[0], copy_of(node.store, without=node.person.device))
    person = node.person
    enrol = person.enrol(world.community, 77)
    other.core.replica.append(person.device, [enrol], {}, checked=True)
    other.write(*[good] * 5)
    reconnect(world, node)
    live(world, 5, lambda: liar.write(good))
    world.settle()
    assert convicted(world, node) == 0
    settle(world)
    assert not world.honest[-1].store.log(node.person.device).length, "nobody passes it on"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["event", "invite.create"])
@pytest.mark.parametrize(
    "flaws",
    [
        (good, unsigned, good),
        (unsigned, unsigned, unsigned, good, good),
        (good, unsigned, good, unsigned),
        (unsigned, good, good, unsigned, unsigned, good),
    ],
    ids=["one", "several", "at the end", "apart"],
)
def test_a_bad_signature_under_a_good_one_ends_the_log_everywhere(
    seed: int, kind: str, flaws: tuple[Flaw, ...]
) -> None:
    world, node, liar = with_a_liar(seed)
    liar.faces[0].write(*flaws, kind=kind)
    live(world, 5, lambda: liar.faces[0].write(good))
    settle(world)
    convicted(world, node)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("flaw", [wrong_clock, invented])
def test_what_nobody_may_take_stays_with_its_author(seed: int, flaw: Flaw) -> None:
    world, node, liar = with_a_liar(seed)
    liar.faces[0].write(good, good)
    live(world, 2, lambda: None)
    world.settle()
    length = world.nodes[0].service.core.replica.row(node.person.device).length
    liar.faces[0].write(flaw, good)
    live(world, 6, lambda: liar.faces[0].write(good))
    world.settle()
    assert world.nodes[0].service.core.replica.row(node.person.device).length == length


@pytest.mark.parametrize("seed", SEEDS)
def test_an_honest_record_that_cites_a_void_one_is_held_everywhere(seed: int) -> None:
    world, node, liar = with_a_liar(seed)
    liar.split(liar.faces[0])
    reconnect(world, node)
    citing: list[Node] = []

    liar.write(*[good] * 2)
    length = node.service.core.replica.row(node.person.device).length
    while not convicted_by_all(world, node):
        world.run(1)
        for one in world.honest:
            row = one.service.core.replica.row(node.person.device)
            if one not in citing and row.length == length and row.frozen is None:
                one.submit(Wish("attest", {"yes": True}, (row.head,)))
                citing.append(one)
    settle(world)
    convicted(world, node)
    assert citing, "nobody cited the liar before it was convicted"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_heckler_hurts_nobody(seed: int) -> None:
    world, node, liar = with_a_liar(seed, 7)

    def second() -> None:
        world.rng.choice(world.honest).write("work")
        heckle(world, node, liar)

    world.storm(BREAKING if seed % 2 else SCRAMBLED, 10, second)
    live(world, 10, lambda: heckle(world, node, liar))
    world.settle()
    bounded(world)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_who_promises_and_never_sends_delays_nobody_for_long(seed: int) -> None:
    world, node, liar = with_a_liar(seed)
    liar.faces[0].stalls = True

    def act() -> None:
        authors = [one.author for one in liar.core.replica.frontier]
        have = frame_codec.encode(messages.Have(tuple((author, 1 << 30) for author in authors), 0))
        more = frame_codec.encode(messages.Runs((), 1, asked=True))
        for peer in list(node.ends):
            world.network.send(node, peer, have)
            world.network.send(node, peer, more)

    def second() -> None:
        act()
        world.rng.choice(world.honest).write("work")

    world.storm(SCRAMBLED, 15, second)
    late, *others = world.honest[1:]
    late.crash()
    live(world, 3, act)
    pairs = [(late.key, one.key) for one in (world.nodes[0], *others)]
    world.network.blocked = dict.fromkeys([*pairs, *((b, a) for a, b in pairs)])
    late.start()  # and meets the liar before anybody else
    for _ in range(4):
        act()
        world.run(1_000)
    world.network.blocked = {}
    begun = world.agenda.now_ms
    while world.disagreement() is not None:
        act()
        world.run(1_000)
        assert world.agenda.now_ms - begun < 60_000, world.disagreement()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flood_of_newcomers_keeps_nobody_from_agreeing_or_joining_later(seed: int) -> None:
    world, node, _ = with_a_liar(seed)
    for peer in list(node.ends):
        crowd = [Person(world.rng) for _ in range(NEWCOMERS_MAX)]
        runs = [messages.Run(one.device, 0, (one.enrol(world.community, 1).wire,)) for one in crowd]
        world.network.send(
            node, peer, frame_codec.encode(messages.Runs(tuple(runs), 0, asked=False))
        )
    live(world, 2, lambda: None)
    world.settle()
    for one in world.honest:
        assert one.store.counts().logs <= NEWCOMERS_MAX + len(world.nodes)


def heckle(world: World, node: Node, liar: Liar) -> None:
    """Let the liar attack the peers of a node."""
    node.perform(liar.heckle(node.now_ms))


def bounded(world: World) -> None:
    """Check that no service keeps more than a few hundred things for a liar."""
    for one in world.honest:
        core = one.service.core
        downloads = list(one.service.fetch._downloads.values())
        held: list[dict[Any, Any]] = [peer.theirs for peer in core.peers.values()]
        held += [logs for download in downloads for logs in (download.wanted, download.fetching)]
        held += [each.probing for each in one.service.anti_entropy._comparisons.values()]
        assert max(map(len, held), default=0) <= 2 * len(core.replica.frontier) + 8
        assert all(len(each.buffers) <= 8 for each in one.service.blobs._downloads.values())


def reconnect(world: World, node: Node) -> None:
    """Break all links of a node, so that its peers meet its faces."""
    for peer in list(node.ends):
        world.network.drop(node, peer, "again")
    world.run(1_500)
