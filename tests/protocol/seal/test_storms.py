"""Storms over the agreement: never two certificates at one height, and calm brings a seal.

`COMMONWEAL_RUNS=n` runs more seeds; `COMMONWEAL_SEED=n` replays one.
"""

from __future__ import annotations

import os
from functools import partial
from random import Random

import pytest

from commonweal.protocol.errors import FinalityForked
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.chain import TrustedPoint, check_same_certificate
from commonweal.protocol.seal.cut import SealedLog, extend
from commonweal.protocol.seal.have_frontiers import fair_lengths, left_out
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.timing import SKEW_MS_MAX, step_ms
from commonweal.protocol.seal.votes import SealId, Step, certificate_from_bytes
from tests.protocol.seal.witness import COMMUNITY, seats
from tests.protocol.seal.world import FAULTS, World

RUNS = int(os.environ.get("COMMONWEAL_RUNS") or 240)
SEED = os.environ.get("COMMONWEAL_SEED")
CHUNK = 20
SIZES = (1, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 7, 7, 7, 10)
CALM_MS = 20_000
SLACK_MS = 5_000
"""For comparing with peers, fetching and judging, in calm."""
RESUMED_WITHIN_MS = 15_000
"""From the return of the witness that a quorum lacked."""
CONTROL_SEEDS = 25
LARGE_FROM_RUNS = 1_000

CHUNKS = (
    [range(int(SEED), int(SEED) + 1)]
    if SEED
    else [range(first, min(first + CHUNK, RUNS)) for first in range(0, RUNS, CHUNK)]
)


def weather(seed: int, durable: bool = True) -> World:
    """A set of some size with as many liars as it survives, in the weather of `seed`."""
    chance = Random(seed)
    size = chance.choice(SIZES)
    faults = tuple(chance.choice(FAULTS) for _ in range(quorum_of(size).lies))
    return World(seed, size, faults, calm_ms=CALM_MS, durable=durable)


def bound_ms(world: World) -> int:
    """From calm on, every witness that keeps the rules has one more seal within this time.

    f + 2 rounds after the latest that any of them is in: the one that is under way, f whose
    proposers lie, and one in which all goes well.
    """
    first = max(one.agreement.round for one in world.honest)
    rounds = range(first, first + quorum_of(world.size).lies + 2)
    return SLACK_MS + sum(step_ms(step, round_) for round_ in rounds for step in Step)


def storm(world: World, seed: int) -> None:
    world.run(world.calm_ms)
    within_ms = bound_ms(world)
    goal = min(world.heights, 1 + max(len(one.sealed) for one in world.honest))
    sealed = world.run(world.calm_ms + within_ms, partial(world.all_sealed, goal))
    replay = f"COMMONWEAL_SEED={seed} python -m pytest tests/protocol/seal/test_storms.py -k storm"
    try:
        world.check_safe()
        assert sealed, f"height {goal} is not sealed {within_ms} ms after the storm"
    except AssertionError as error:
        raise AssertionError(f"{error}; replay: {replay}") from error


@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_after_any_storm_each_height_has_one_seal_and_the_next_comes(seeds: range) -> None:
    for seed in seeds:
        storm(weather(seed), seed)


def test_thirty_one_witnesses_of_whom_ten_lie_weather_storms_too() -> None:
    for seed in range(max(2, RUNS // 20 if RUNS > LARGE_FROM_RUNS else 2)):
        chance = Random(seed)
        faults = tuple(chance.choice(FAULTS) for _ in range(10))
        storm(World(seed, 31, faults, heights=3, calm_ms=CALM_MS), seed)


@pytest.mark.parametrize("size", [4, 7, 10])
def test_one_liar_too_many_may_fork_finality_and_everyone_sees_both_certificates(size: int) -> None:
    forked = 0
    for seed in range(6):
        liars = ("two-faced",) * (quorum_of(size).lies + 1)
        world = World(seed, size, liars, heights=1, calm_ms=CALM_MS, split=True)
        world.slow_ms, world.crash_rate = 100, 0
        world.run(CALM_MS + 10_000)
        seals = {one.sealed[0][0].seal for one in world.honest if one.sealed}
        if len(seals) < 2:
            continue
        forked += 1
        founding = TrustedPoint(COMMUNITY, 0, SealId(COMMUNITY), 0, 0, seats(size))
        for one in world.honest:
            (fork,) = one.forks
            assert fork.first == one.sealed[0][0], "a node keeps its first"
            with pytest.raises(FinalityForked) as shown:
                check_same_certificate(founding, fork.first, fork.second)
            assert {certificate_from_bytes(shown.value.first).seal} | {
                certificate_from_bytes(shown.value.second).seal
            } == seals
    assert forked == 6, "the liars did not manage to fork finality, so nothing was shown"


def test_a_crash_between_storing_and_sending_makes_nobody_vote_twice() -> None:
    crashes = 0
    for seed in range(CONTROL_SEEDS):
        world = weather(seed)
        world.crash_rate = 40
        world.run(CALM_MS)
        world.check_safe()
        crashes += sum(one.epoch for one in world.honest)
    assert crashes > CONTROL_SEEDS, "too few crashes to claim anything"


def test_who_sends_before_storing_does_vote_twice() -> None:
    """The negative control: the same storms, with a disk that is written after the sending."""
    convicted = 0
    for seed in range(CONTROL_SEEDS):
        world = weather(seed, durable=False)
        world.crash_rate = 40
        world.run(CALM_MS)
        honest = {one.signer.key for one in world.honest}
        convicted += any(honest & set(one.guilty) for one in world.witnesses)
    assert convicted


def test_a_wrong_clock_neither_stops_nor_carries_away_the_time_of_seals() -> None:
    for seed in range(8):
        world = World(seed, 4, ("clock",), calm_ms=0)
        assert world.run(60_000, partial(world.all_sealed, world.heights))
        world.check_safe()
        for one in world.honest:
            assert one.point.time_ms < 1_000_000_000 + world.now_ms + SKEW_MS_MAX


def test_a_record_that_f_plus_1_witnesses_hold_is_not_left_out() -> None:
    refused = 0
    for seed in range(8):
        world = World(seed, 4, ("narrow",), calm_ms=0)
        assert world.run(60_000, partial(world.all_sealed, world.heights))
        last: dict[DeviceKey, SealedLog] = {}
        for certificate, proposal in world.honest[0].sealed:
            refused += certificate.round
            if proposal.is_fresh:
                assert not left_out(fair_lengths(proposal.haves, last, 1), proposal.delta, last)
            last = extend(last, proposal.delta)
    assert refused, "nobody tried to leave out a record"


def test_in_calm_a_seal_takes_one_round() -> None:
    for size in (1, 2, 3, 4, 7, 10):
        world = World(size, size, heights=3, calm_ms=0)
        assert world.run(3_000, partial(world.all_sealed, 3)), size
        assert {certificate.round for certificate, _ in world.honest[0].sealed} == {0}


def test_two_of_four_seal_nothing_and_a_third_lets_them_go_on() -> None:
    world = World(1, 4, ("silent", "silent"), heights=2, calm_ms=0)
    assert not world.run(120_000, lambda: any(one.sealed for one in world.honest))
    world.witnesses[3].fault = ""
    world.witnesses[3].restart()
    assert world.run(world.now_ms + RESUMED_WITHIN_MS, partial(world.all_sealed, 1))
    world.check_safe()
