"""What a node holds in memory does not grow with the records and seals on its disk."""

from __future__ import annotations

import types
from collections import Counter, deque
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from commonweal.node.service.consensus import vote_gossip
from commonweal.protocol import keys
from tests.sim.consensus.test_seals import chain, council, seal_soon
from tests.sim.world.node import Node
from tests.sim.world.world import World

ROUND_RECORDS = 120
ROUNDS_TO_FILL = 3
"""After so many rounds each cache is as full as it gets."""
GROWS_MAX = 24
"""Entries that one structure may have more after a round of records, by chance."""

NOT_HELD = (
    *(bytes, bytearray, str, int, float, bool, type(None), Random, World),
    *(type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType),
)


def entries(node: Node) -> Counter[str]:
    """Return the number of entries of every structure that a node holds, by class and attribute."""
    held: Counter[str] = Counter()
    seen: dict[int, object] = {id(node): node}
    waiting: list[tuple[str, Any]] = [
        ("service", node.service),
        ("validator", node.validator),
        ("assessor", node.assessor),
    ]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, NOT_HELD) or id(value) in seen:
            continue
        seen[id(value)] = value  # else another could come to have its id
        if isinstance(value, dict | list | tuple | set | frozenset | deque):
            held[name] += len(value)
            parts = value.values() if isinstance(value, dict) else value
            waiting += [(f"{name}[]", part) for part in parts]
        waiting += [(f"{type(value).__name__}.{name}", part) for name, part in attributes(value)]
    return held


def attributes(value: object) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of what an object holds, also of one with slots."""
    slots = [slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ())]
    for name in dict.fromkeys([*getattr(value, "__dict__", ()), *slots]):
        if hasattr(value, name):
            yield name, getattr(value, name)


def live(world: World) -> None:
    """Let a community write many records, seal them, and be idle for a while."""
    for number in range(ROUND_RECORDS):
        world.nodes[number % len(world.nodes)].write()
        if number % 10 == 0:
            world.run(1_000)
    height = chain(world.nodes[0]).height
    while chain(world.nodes[0]).height == height:
        seal_soon(world.nodes[0])
        world.run(2_000)
    world.settle()
    for node in world.nodes:
        while node.store.tidy():
            pass
        node.store.commit()
    world.run(5_000)


def test_nothing_in_memory_grows_with_records_and_seals() -> None:
    world = council(71)
    node = world.nodes[1]
    for _ in range(ROUNDS_TO_FILL):
        live(world)
    before, height = entries(node), chain(node).height
    live(world)
    live(world)
    after = entries(node)
    assert chain(node).height >= height + 2
    assert len(before) > 100, "the walk finds what a node holds"
    grown = {name: (before[name], held) for name, held in after.items()}
    assert {name: of for name, of in grown.items() if of[1] > of[0] + GROWS_MAX} == {}


def test_messages_of_past_heights_are_forgotten_and_the_others_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = council(72)
    live(world)
    node = world.nodes[1]
    gossip, sealed = node.service.reactor.gossip, chain(node).height
    world.run(10_000)
    gossip.know(b"of the next height", sealed + 1)
    assert gossip._known and min(gossip._known.values()) >= sealed
    monkeypatch.setattr(vote_gossip, "KNOWN_MAX", 8)
    gossip.forget()
    for number in range(9):
        gossip.know(bytes([number]), sealed + 1)
    assert len(gossip._known) == 8
    assert keys.hash32(keys.HELD, bytes([0])) not in gossip._known, "the oldest gives way"
