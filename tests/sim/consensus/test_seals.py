"""Seals in the simulated community: made by a quorum, followed by all, in any weather."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest

from commonweal.node import transport
from commonweal.node.service import events
from commonweal.node.service.consensus import height_start
from commonweal.node.service.consensus.height_start import PRESENT_MS
from commonweal.node.service.events import Asked, Ticket, Wish
from commonweal.node.service.replica.chain import SealChain
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import InvalidSeal, NotCertified
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal import cut, formats
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.votes import Vote
from commonweal.protocol.wire import frame_codec
from commonweal.protocol.wire import seals as wire_seals
from commonweal.storage.consensus import proposals, reader
from tests.sim.world.node import BATCH_MS_MAX, OPEN, Node
from tests.sim.world.weather import CALM, CRASHING, PARTED, SCRAMBLED, WORST, Weather
from tests.sim.world.world import World

SEEDS = int(os.environ.get("COMMONWEAL_RUNS", "2"))
CLAIM = Wish("role.claim", {"role": "witness"})
STEP_MS = 500
SEATED_MS_MAX = 120_000
SEALED_MS_MAX = 60_000
"""In calm the next seal is made within so long: what waits waits a minute, by the default rules."""


def chain(node: Node) -> SealChain:
    """Return the seals of a node."""
    return node.service.reactor.chain


def until(world: World, holds: Callable[[], bool], ms_max: int, what: str) -> None:
    """Let time pass until something holds, or say that it does not."""
    for _ in range(ms_max // STEP_MS):
        if holds():
            return
        world.run(STEP_MS)
        check(world)
    raise world.broken(what)


def check(world: World) -> None:
    """Raise unless at each height all nodes have one seal, and nobody honest is accused."""
    seals: dict[int, bytes] = {}
    for node in world.nodes:
        if not node.is_up:
            continue
        here = chain(node)
        assert not here.seals.double_votes() and here.fork is None
        for height in range(max(1, here.height - 3), here.height + 1):
            kept = here.seals.at(height)
            assert kept is not None
            assert seals.setdefault(height, kept.sealed.seal.id) == kept.sealed.seal.id
        if node.assessor is not None:
            assert not node.assessor.outlook().alarm


def seal_soon(node: Node) -> None:
    """Let the member of a node ask for a seal."""
    node.emit(Asked(Ticket(-7), "seal"))


def next_seal(world: World, nodes: list[Node], ms_max: int = SEALED_MS_MAX) -> int:
    """Let something be written and sealed, on all these nodes; return the height."""
    height = max(chain(node).height for node in nodes) + 1
    nodes[0].write()
    world.run(1_000)
    for node in nodes:
        seal_soon(node)
    until(
        world,
        lambda: all(node.is_up and chain(node).height >= height for node in nodes),
        ms_max,
        f"height {height} is not sealed",
    )
    return height


def council(seed: int, size: int = 4, more: int = 0, rules: Mapping[str, Value] = OPEN) -> World:
    """Return a community in which the first `size` members witness, and `more` do not."""
    world = World(seed, seals=True, rules=rules)
    world.grow(size + more)
    claims = {node: node.submit(CLAIM) for node in world.nodes[:size]}
    world.run(2_000)
    for node, claim in claims.items():
        for other in claims:
            if other is not node:
                endorse(other, node, claim)
    world.run(2_000)
    for _ in range(SEATED_MS_MAX // 5_000):
        if all(len(node.service.reactor.witnesses) == size for node in world.nodes):
            return world
        world.nodes[0].write()
        world.run(1_000)
        seal_soon(world.nodes[0])
        world.run(4_000)
        check(world)
    raise world.broken(f"{size} who would witness are not seated")


def endorse(by: Node, node: Node, claim: Ticket) -> None:
    """Let a member endorse that another witnesses, who claimed that before."""
    (record,) = node.answers[claim]["records"]
    data: dict[str, Any] = {"role": "witness", "member": node.person.inception.member}
    by.submit(Wish("role.endorse", data, (record["id"],)))


def test_a_founder_alone_seals_what_waits() -> None:
    world = World(1, seals=True)
    node = world.nodes[0]
    node.write()
    until(world, lambda: chain(node).height == 1, SEALED_MS_MAX + 5_000, "nothing is sealed")
    world.run(2 * SEALED_MS_MAX)
    assert chain(node).height == 1  # where nothing waits, no seal is made
    assert not node.service.reactor.driver.is_open  # and nothing is said


def test_a_contribution_is_sealed_after_the_interval_of_the_default_rules() -> None:
    world = World(1, seals=True)
    node = world.nodes[0]
    until(world, lambda: chain(node).height == 1, SEALED_MS_MAX, "the founding is not sealed")
    node.write()
    world.run(SEALED_MS_MAX - 5_000)
    assert chain(node).height == 1  # others that come within the minute are sealed with it
    world.run(10_000)
    assert chain(node).height == 2
    world.run(10 * SEALED_MS_MAX)
    assert chain(node).height == 2  # where nothing waits, no seal is made


def test_what_fills_a_cut_waits_for_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    full = 20
    monkeypatch.setattr(height_start, "FULL_CUT_RECORDS", full)
    world = World(1, seals=True)
    node = world.nodes[0]
    until(world, lambda: chain(node).height == 1, SEALED_MS_MAX, "the founding is not sealed")
    for _ in range(full - 1):
        node.write()
    world.run(10_000)
    assert chain(node).height == 1, "one less waits for the interval"
    node.write()
    world.run(5_000)
    assert chain(node).height == 2


def test_what_a_full_cut_leaves_waits_for_no_interval_and_what_comes_then_does() -> None:
    world = World(1, seals=True)
    node = world.nodes[0]
    until(world, lambda: chain(node).height == 1, SEALED_MS_MAX, "the founding is not sealed")
    assert node.assessor is not None
    node.assessor.cut_records = 4
    for _ in range(10):
        node.write()
    world.run(SEALED_MS_MAX - 10_000)
    assert chain(node).height == 1, "they fill no cut that all agree is full"
    until(world, lambda: chain(node).height == 4, 20_000, "the rest waits again")
    node.write()
    world.run(SEALED_MS_MAX - 10_000)
    assert chain(node).height == 4, "nothing was left out"


def test_four_who_witness_seal_together() -> None:
    world = council(2)
    height = next_seal(world, world.nodes)
    assert len({chain(node).seal for node in world.nodes}) == 1
    world.run(5_000)
    for node in world.nodes:
        assert node.assessor is not None
        outlook = node.assessor.outlook()
        assert (outlook.height, outlook.seal, outlook.alarm) == (height, chain(node).seal, "")
        assert outlook.unsealed == 0
        kept = chain(node).seals.at(height)
        assert kept is not None and len(kept.sealed.certificate.signatures) == 3


def is_answered(node: Node, ticket: Ticket) -> bool:
    """Say whether the last answer to a request for a seal came."""
    return "is_sealed" in node.answers.get(ticket, {})


def test_a_member_who_asks_on_seals_a_backlog_over_several_heights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proposals, "FULL_CUT_RECORDS", 4)
    monkeypatch.setattr(reader, "HAVE_RECORDS_MAX", 4)
    world = council(5)
    next_seal(world, world.nodes)
    node = world.nodes[0]
    for _ in range(10):
        node.write()
    world.run(2_000)
    first, sealed = chain(node).height, True
    for number in range(8):
        ticket = Ticket(-100 - number)
        node.emit(Asked(ticket, "seal"))
        until(
            world,
            partial(is_answered, node, ticket),
            SEALED_MS_MAX,
            "whoever asks for a seal is not answered",
        )
        sealed = node.answers[ticket]["is_sealed"]
        if not sealed:
            break
    assert not sealed and chain(node).height - first == 3
    assert node.assessor is not None and node.assessor.outlook().unsealed == 0


def test_records_name_the_last_seal_and_their_clock_counts_it() -> None:
    world = council(3)
    next_seal(world, world.nodes)
    world.run(3_000)
    node = world.nodes[2]
    node.write()
    world.run(1_000)
    (id,) = list(node.acknowledged)[-1:]
    record = node.store.record(id)
    assert record is not None and bytes(record.basis) == bytes(chain(node).seal)
    assert all(other.store.clock_of(id) == record.clock for other in world.nodes)


def test_with_one_of_four_down_sealing_goes_on_and_he_follows_when_he_is_back() -> None:
    world = council(4)
    lost = world.nodes[3]
    lost.crash()
    for _ in range(3):
        height = next_seal(world, world.nodes[:3])
    world.run(PRESENT_MS)
    missing = [one.device for one in world.nodes[0].service.reactor.missing()]
    assert missing == [lost.person.device]
    lost.start()
    until(world, lambda: chain(lost).height >= height, 20_000, "it does not follow")
    assert world.nodes[0].service.reactor.missing() == ()
    next_seal(world, world.nodes)


def test_two_halves_seal_nothing_and_go_on_when_they_meet() -> None:
    world = council(5)
    keys = [node.key for node in world.nodes]
    pairs = [(a, b) for a in keys[:2] for b in keys[2:]]
    world.network.blocked = dict.fromkeys([*pairs, *((b, a) for a, b in pairs)])
    before = chain(world.nodes[0]).height
    for node in world.nodes:
        node.write()
        seal_soon(node)
    world.run(90_000)
    check(world)
    assert {chain(node).height for node in world.nodes} == {before}
    told = [node.answers.get(Ticket(-7)) for node in world.nodes]
    assert all(isinstance(one, dict) and len(one["missing"]) == 2 for one in told)
    world.network.blocked = {}
    until(
        world,
        lambda: all(chain(node).height > before for node in world.nodes),
        SEALED_MS_MAX,
        "the halves do not seal together",
    )


def test_one_who_comes_late_follows_the_chain() -> None:
    world = council(6)
    for _ in range(3):
        next_seal(world, world.nodes)
    late = world.join(world.invited(world.nodes[1]), [world.nodes[2]])
    until(
        world,
        lambda: (
            late.assessor is not None and late.assessor.outlook().seal == chain(world.nodes[0]).seal
        ),
        SEALED_MS_MAX,
        "the newcomer does not follow",
    )
    assert late.assessor is not None and late.assessor.outlook().alarm == ""


def test_witnesses_who_are_linked_only_by_others_seal() -> None:
    """Votes reach those who are not linked, though gossip is lost, since others hold them."""
    world = council(7, size=3, more=2)
    witnesses, others = world.nodes[:3], world.nodes[3:]
    pairs = [(a.key, b.key) for a in witnesses for b in witnesses if a is not b]
    world.network.weather = replace(CALM, gossip_loss=1.0)
    world.network.blocked = dict.fromkeys(pairs)
    world.run(20_000)
    assert others
    next_seal(world, world.nodes, 2 * SEALED_MS_MAX)


def crash_often(seed: int, crash: float = 0.02) -> tuple[World, int]:
    """Let four witnesses seal while each may crash between any two steps, and then in calm.

    Return the height at which the first of them began, too.
    """
    world = council(seed)
    begun = chain(world.nodes[0]).height

    def each_second() -> None:
        up = [node for node in world.nodes if node.is_up]
        for node in up:
            node.write()
            seal_soon(node)
        check(world)

    world.storm(replace(CRASHING, crash=crash, refuse=0.01), 15, each_second)
    world.settle()
    next_seal(world, world.nodes)
    return world, begun


def test_a_crash_at_any_step_makes_nobody_vote_twice() -> None:
    for seed in range(SEEDS):
        world, begun = crash_often(100 + seed)
        assert chain(world.nodes[0]).height > begun > 0


def test_a_vote_that_was_sent_outlives_a_crash() -> None:
    world = council(120)
    node, said = world.nodes[1], list[Vote]()
    say = node.service.reactor.gossip.say

    def listen(message: Message, candidates: Sequence[DeviceKey] = ()) -> None:
        if isinstance(message, Vote):
            said.append(message)
        say(message, candidates)

    node.service.reactor.gossip.say = listen  # type: ignore[method-assign]
    node.write()
    world.run(1_000)
    seal_soon(node)
    for _ in range(SEALED_MS_MAX):
        if said:
            break
        world.run(1)
    world.run(2 * BATCH_MS_MAX)
    node.crash()
    node.start()
    assert said[0] in chain(node).seals.votes(said[0].height)


@pytest.mark.parametrize(
    "weather", [PARTED, SCRAMBLED, WORST], ids=["parted", "scrambled", "worst"]
)
def test_no_weather_makes_two_seals_of_one_height(weather: Weather) -> None:
    for seed in range(SEEDS):
        world = council(200 + seed)
        rng = Random(seed)

        def each_second(world: World = world, rng: Random = rng) -> None:
            node = world.nodes[rng.randrange(4)]
            if node.is_up:
                node.write()
                seal_soon(node)
            check(world)

        world.storm(weather, 10, each_second)
        world.settle()
        next_seal(world, world.nodes)


def test_who_hands_on_a_seal_with_another_cut_is_dropped() -> None:
    world = council(8)
    late = world.join(world.invited(world.nodes[0]), [world.nodes[1]])
    until(world, lambda: chain(late).height > 0, SEALED_MS_MAX, "the newcomer does not follow")
    late.crash()
    height = next_seal(world, world.nodes[:4])
    kept = chain(world.nodes[1]).seals.at(height)
    assert kept is not None
    late.start()
    while not late.service.core.members():
        world.run(1)
    assert chain(late).height == height - 1
    wrong = cut.Delta(kept.delta.logs[:-1], kept.delta.present)
    with pytest.raises(InvalidSeal):
        chain(late).take(kept.sealed, wrong)
    votes = kept.sealed.certificate.signatures
    few = replace(kept.sealed.certificate, signatures=votes[:-1])
    with pytest.raises(NotCertified):
        chain(late).take(replace(kept.sealed, certificate=few), kept.delta)
    session = late.service.core.members()[0]
    late.service.reactor.chain_sync._of(session).asked_ms = late.now_ms
    pair = (formats.sealed_to_bytes(kept.sealed), cut.delta_to_bytes(wrong))
    frame = frame_codec.encode(wire_seals.Seals((pair,)))
    actions = late.service.handle(transport.FrameReceived(session.key, frame), late.now_ms)
    assert any(isinstance(one, events.Drop) for one in actions)
    assert chain(late).height == height - 1
