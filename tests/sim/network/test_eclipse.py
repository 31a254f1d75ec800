"""Hostile neighbours, outsiders in crowds, and a community that begins again from nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from random import Random

import pytest

from commonweal.node.service.events import Action, Dial, Drop, Event, Started, Wake, Woke
from commonweal.node.service.peers import overlay
from commonweal.node.service.replica.replica import NEWCOMERS_PER_INVITER_MAX, UNINVITED_MAX
from commonweal.node.service.service import Service
from commonweal.node.transport import Connected, DialFailed, Disconnected, TrustLevel
from commonweal.protocol.codec import Value
from commonweal.protocol.identity.invite import Invite
from commonweal.protocol.keys import PeerKey, Signer
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.wire import frame_codec, messages
from commonweal.storage.records.logs.log_store import Store
from tests.sim.membership.test_joining import status
from tests.sim.world import returning
from tests.sim.world.byzantine import copy_of
from tests.sim.world.network import Port
from tests.sim.world.node import OPEN, Mind, Node, Person, by_hand
from tests.sim.world.world import World

SEED = os.environ.get("COMMONWEAL_SEED")
SEEDS = [int(SEED)] if SEED else range(int(os.environ.get("COMMONWEAL_RUNS") or 1))
HOSTILE = 12
FOUND_MS_MAX = 10 * 60_000
OUTSIDERS_PER_MEMBER = 10


def settled(seed: int, size: int, rules: Mapping[str, Value] = OPEN) -> World:
    world = World(seed, rules=rules)
    world.grow(size)
    for node in world.nodes:
        node.write("work")
    world.settle()
    return world


def closed(world: World, one: Node, others: list[Node]) -> None:
    """Let nothing pass between a node and others, in either direction."""
    for other in others:
        world.network.blocked[one.key, other.key] = None
        world.network.blocked[other.key, one.key] = None


def equal(one: Node, other: Node) -> bool:
    mine, theirs = one.service.core.replica, other.service.core.replica
    return bool(mine.frontier.digest() == theirs.frontier.digest())


@pytest.mark.parametrize("seed", SEEDS)
def test_who_has_only_hostile_neighbours_finds_the_one_honest_address(seed: int) -> None:
    """The honest node does not dial; it is one of thirteen addresses, and was off at first."""
    world = settled(seed, HOSTILE + 4)
    victim, honest, *rest = world.nodes[1:]
    liars, others = rest[:HOSTILE], [world.nodes[0], *rest[HOSTILE:]]
    closed(world, victim, others)
    honest.crash()
    victim.crash()
    for liar in liars:
        returning.turn(liar, copy_of(liar.store))
    world.run(2_000)
    victim.start()
    world.run(30_000)
    assert len(victim.service.core.members()) >= overlay.NEIGHBOURS_AIM
    others[0].write("what the liars do not show")
    world.run(60_000)
    assert not equal(victim, others[0])
    honest.start()
    honest.service.overlay.dial = lambda: None  # type: ignore[method-assign]
    waited_ms = 0
    while not equal(victim, others[0]):
        world.run(5_000)
        waited_ms += 5_000
        assert waited_ms <= FOUND_MS_MAX, f"the victim sees only what liars show (seed {seed})"
    world.run(120_000)
    assert honest.key in victim.ends, "who brought news is kept"
    chosen = [one for one in victim.service.core.members() if one.outbound]
    assert len(chosen) <= overlay.NEIGHBOURS_AIM + 1


class Silent(Service):
    """A node that dials, says nothing until it is sent away, and dials again at once."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Dial everybody known, again and again."""
        match event:
            case Started() | Disconnected() | DialFailed() | Woke():
                again = [Dial(one.peer, one.addresses) for one in self.overlay.contacts()]
                return [*again, Wake(now_ms + 200)]
            case _:
                return []


def test_strangers_who_stay_do_not_keep_a_node_from_dialling_members() -> None:
    world = settled(4, 4)
    node = world.nodes[1]
    for number in range(3 * overlay.NEIGHBOURS_AIM):
        outsider(world, [node], Random(f"stranger {number}"), None, Silent)
    others = [other for other in world.nodes if other is not node]
    for other in others:
        other.crash()
    world.run(15_000)
    for other in others:
        other.start()
        other.service.overlay.dial = lambda: None  # type: ignore[method-assign]
    world.run(35_000)
    assert len(node.service.core.peers) > 2 * overlay.NEIGHBOURS_AIM
    assert len(node.service.core.members()) == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_community_that_was_all_off_begins_again_from_its_address_books(seed: int) -> None:
    world = settled(seed, 16)
    chance = Random(seed)
    for node in world.nodes:
        node.write("just before the light went out")
    world.run(3)
    for node in world.nodes:
        node.crash()
    world.run(60_000)
    assert not any(node.is_up for node in world.nodes)
    for node in world.nodes:
        assert len(node.store.addresses()) >= overlay.NEIGHBOURS_AIM, "more than their links named"
    for node in chance.sample(world.nodes, len(world.nodes)):
        world.run(chance.randint(0, 4_000))
        node.start()
    world.settle()
    world.nodes[chance.randrange(16)].write("light again")
    assert world.settle() <= 5_000


def outsider(
    world: World, hosts: list[Node], rng: Random, invite: Invite | None, mind: Mind = Service
) -> Node:
    """Let somebody who knows the community knock at all these nodes, for ever."""
    number = 1 + max(one.number for one in world.by_key.values())
    person = Person(rng)
    node = Node(world, number, person, Store(":memory:"), mind)
    world.by_key[node.key] = node
    world.network.ports[node.address] = node
    node.community, node.invite, node.is_honest = world.community, invite, False
    some = invite or Invite(RecordId(rng.randbytes(32)), 7, rng.randbytes(32))
    person.ask(node.store, world.community, some, world.agenda.now_ms)
    node.knows(*(host.contact for host in hosts))
    node.start()
    return node


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_outsiders_for_each_member_gain_nothing(seed: int) -> None:
    """Without an invite, with one that was used, with one that is made up."""
    world = settled(seed, 5)
    used = world.invited(world.nodes[1])
    world.settle()
    joined = world.join(used, world.nodes[:2])
    world.settle()
    members = list(world.nodes)
    made_up = Invite(used.id, used.clock, Signer(bytes(32)).key)
    chance = Random(f"outsiders {seed}")
    crowd = [
        outsider(world, members, chance, chance.choice((None, used, made_up)))
        for _ in range(OUTSIDERS_PER_MEMBER * len(members))
    ]
    away = world.nodes[2]
    away.crash()
    for _ in range(20):
        world.rng.choice([one for one in members if one.is_up]).write("work goes on")
        world.run(1_000)
    away.start()
    fresh = world.invited(world.nodes[0])
    newcomer = world.join(fresh, members[:2])
    assert world.settle() <= 10_000
    assert status(joined, newcomer) == "active"
    for one in crowd:
        assert one.store.counts().logs == 1, "an outsider got records"
        assert len(one.store.addresses()) == len(members), "an outsider got addresses"
        assert not one.service.core.members()
        assert status(joined, one) != "active"
    for member in world.honest:
        standings = [one.trust for one in member.service.core.peers.values()]
        assert standings.count(TrustLevel.GUEST) == 0
        assert member.store.counts().logs == len(world.nodes)


class Kicks(Service):
    """A peer who takes everybody in, and ends the link at once."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Drop whoever has come."""
        if isinstance(event, Connected):
            return [Drop(event.peer, "go away")]
        return super().handle(event, now_ms)


def test_who_ends_every_link_at_once_is_dialled_ever_more_rarely() -> None:
    world = settled(5, 3)
    node, bad = world.nodes[1], world.nodes[2]
    node.crash()
    returning.turn(bad, bad.store, Kicks)
    bad.service.overlay.dial = lambda: None  # type: ignore[method-assign]
    dials = []
    dial = world.network.dial

    def counted(port: Port, peer: PeerKey, addresses: Sequence[str]) -> None:
        if (port.key, peer) == (node.key, bad.key):
            dials.append(world.agenda.now_ms)
        dial(port, peer, addresses)

    world.network.dial = counted  # type: ignore[method-assign]
    node.start()
    world.run(120_000)
    assert 3 <= len(dials) <= 14
    assert dials[-1] - dials[-2] > 10_000


def requests(world: World, invite: Invite, count: int, name: str) -> list[messages.Run]:
    """Return the logs of people who ask under an invite, as they would be passed on."""
    runs = []
    for number in range(count):
        person = Person(Random(f"{name} {number}"))
        store = Store(":memory:")
        person.ask(store, world.community, invite, 1)
        wires = tuple(store.wires(person.device, 0, 2, 1 << 20))
        runs.append(messages.Run(person.device, 0, wires))
    return runs


def test_who_brings_crowds_of_newcomers_fills_his_own_share_alone() -> None:
    """Nobody vouches for them; a friend of another still finds room."""
    world = settled(6, 5, by_hand(5))
    _, bad, host, other, friend_of = world.nodes
    many = world.invited(bad, 1_000)
    friends = world.invited(friend_of)
    world.settle()
    nobody = Invite(RecordId(bytes(32)), 7, bytes(32))
    crowd = requests(world, many, 3 * NEWCOMERS_PER_INVITER_MAX, "invited")
    crowd += requests(world, nobody, 3 * UNINVITED_MAX, "uninvited")
    for run in crowd:
        frame = frame_codec.encode(messages.Runs((run,), 0, asked=False))
        for peer in list(bad.ends):
            world.network.send(bad, peer, frame)
    for start in range(0, len(crowd), 100):
        frame = frame_codec.encode(messages.Runs(tuple(crowd[start : start + 100]), 0, asked=False))
        for peer in list(bad.ends):
            world.network.send(bad, peer, frame)
    world.run(5_000)
    full = NEWCOMERS_PER_INVITER_MAX + UNINVITED_MAX
    for node in (host, other, friend_of):
        assert 0 < len(node.service.core.replica.newcomers()) <= full
    friend = world.join(friends, [host])
    world.run(5_000)
    assert friend.person.device in host.service.core.replica.newcomers()
    world.vouch(host, friend)
    world.run(20_000)
    assert status(host, friend) == "active"
