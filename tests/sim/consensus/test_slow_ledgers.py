"""Witnesses whose ledgers need longer than a round to fold a seal: nothing is built in vain."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from commonweal.storage.consensus.proposals import SealApplication
from tests.sim.consensus.test_seals import SEEDS, chain, check, council, next_seal, seal_soon, until
from tests.sim.world.node import Node
from tests.sim.world.world import World

WORLDS = 6
FOLD_MS = 6_000
"""Longer than a proposal is waited for in the first rounds."""
SEALED_MS_MAX = 90_000


def rounds(node: Node, heights: int) -> list[int]:
    """Return the rounds in which the last seals of a node were certified."""
    height = chain(node).height
    kept = [chain(node).seals.at(height - back) for back in reversed(range(heights))]
    return [one.sealed.certificate.round for one in kept if one is not None]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often a seal was built for each height, by any ledger."""
    count: Counter[int] = Counter()
    build = SealApplication.build

    def counted(app: SealApplication, *about: object) -> object:
        count[app.kept.cut.height + 1] += 1
        return build(app, *about)  # type: ignore[arg-type]

    monkeypatch.setattr(SealApplication, "build", counted)
    return count


def slow_council(seed: int, fold_ms: int = FOLD_MS) -> World:
    """Return four witnesses with slow ledgers."""
    world = council(seed)
    for node in world.nodes:
        node.fold_ms = fold_ms
    return world


def test_a_lone_witness_with_a_slow_ledger_builds_each_seal_once(built: Counter[int]) -> None:
    world = World(1, seals=True)
    node = world.nodes[0]
    node.fold_ms = 5 * FOLD_MS
    for _ in range(2):
        next_seal(world, [node], SEALED_MS_MAX)
    assert [built[height] for height in range(1, chain(node).height + 1)] == [1, 1]


def test_four_with_slow_ledgers_mostly_seal_in_round_0_once_they_know_their_pace(
    built: Counter[int],
) -> None:
    lost: list[int] = []
    for seed in range(300, 300 + WORLDS):
        world = slow_council(seed)
        built.clear()
        for _ in range(3):
            next_seal(world, world.nodes, SEALED_MS_MAX)
        first, *later = rounds(world.nodes[0], 3)
        assert first < 4, f"seed {seed}"
        lost += later
        height = chain(world.nodes[0]).height
        assert built[height - 2] <= 4, f"seed {seed}"
        for at, more in zip((height - 1, height), later, strict=True):
            assert built[at] <= 1 + more, f"seed {seed}"
    # A ledger may still fold what the height before asked for in vain: 2 of 48 seals of 24 worlds.
    assert sum(lost) <= 1, "rounds beyond the first, of two seals in each world"


@pytest.mark.parametrize("fault", ["dead", "hangs"])
def test_a_proposer_that_is_dead_or_whose_ledger_hangs_stops_no_slow_ledgers(fault: str) -> None:
    for seed in range(SEEDS):
        world = slow_council(310 + seed, FOLD_MS // 2)
        lost = world.nodes[seed % 4]
        if fault == "dead":
            lost.crash()
        else:
            lost.fold_ms = 24 * 3600 * 1000
        others = [node for node in world.nodes if node is not lost]
        for _ in range(4):  # at one of these heights it is the first to propose
            next_seal(world, others, SEALED_MS_MAX)
        if fault == "dead":
            lost.start()
        else:
            lost.crash()
            lost.fold_ms = 0
            lost._free_ms = 0
            lost.start()
        same = partial(lambda world: len({chain(node).seal for node in world.nodes}) == 1, world)
        until(world, same, SEALED_MS_MAX, "it does not follow")
        check(world)


def test_what_a_full_cut_leaves_is_asked_for_before_the_ledger_is_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(2, seals=True)
    node = world.nodes[0]
    next_seal(world, [node], SEALED_MS_MAX)
    world.run(1_000)
    assert node.assessor is not None
    node.assessor.cut_records = 4
    for _ in range(10):
        node.write()
    world.run(1_000)
    height = chain(node).height
    monkeypatch.setattr(node, "conclude", lambda: None)
    seal_soon(node)
    until(world, lambda: chain(node).height == height + 3, 20_000, "the ledger is waited for")
    assert node.assessor.outlook().unsealed == 0
