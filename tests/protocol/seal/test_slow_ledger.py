"""Ledgers that take longer than a round: what was built is not lost, and nobody waits for ever."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from commonweal.protocol.seal.consensus import events as acts
from commonweal.protocol.seal.consensus.agreement import Agreement
from commonweal.protocol.seal.consensus.events import (
    Alarm,
    HeightStarted,
    MessageReceived,
    NothingPrepared,
    ProposalPrepared,
    ProposalVerdict,
    Timeout,
)
from commonweal.protocol.seal.formats import Proposal
from commonweal.protocol.seal.timing import (
    DRAFT_MS_MAX,
    LEDGER_MS_MAX,
    OFFERS_MAX,
    PREPARE_MS_MAX,
    SKEW_MS_MAX,
    step_ms,
)
from commonweal.protocol.seal.votes import NIL, SealId, Step
from tests.protocol.seal import scenes
from tests.protocol.seal.dialogue import NOW_MS, prevotes, ran_out, sent, tell
from tests.protocol.seal.witness import COMMUNITY
from tests.protocol.seal.world import FAULTS, World

SEEDS = 12
SEAL = scenes.seal(time_ms=NOW_MS)
DELTA = scenes.delta(3, 2)
SHOWN = scenes.haves((3, 2), (3, 1), (2, 2), (2, 2))
BUILT = ProposalPrepared(0, SEAL, DELTA)
LONGER_MS = 25_000
"""Longer than any timeout."""
CALM_MS_MAX = 120_000


def asked(me: int = 1) -> Agreement:
    """A witness whose ledger builds a seal for round 0, in which it proposes."""
    signer = scenes.SIGNERS[scenes.DEVICES[me]]
    one = Agreement(COMMUNITY, 1, SealId(COMMUNITY), scenes.DEVICES, signer)
    actions = tell(one, HeightStarted(SHOWN[me]), *map(MessageReceived, SHOWN))
    assert actions[-1] == acts.PrepareProposal(0, SHOWN)
    return one


def go_to(one: Agreement, round_: int, now_ms: int = NOW_MS) -> list[acts.Action]:
    """Let so many witnesses be in a round that this one goes there."""
    drawn = [event for place in (2, 3) for event in prevotes(NIL, place, round_=round_)]
    return [action for event in drawn for action in one.handle(event, now_ms)]


def proposals(actions: list[acts.Action]) -> list[Proposal]:
    """Return the proposals that are sent."""
    told = [action.message for action in actions if isinstance(action, acts.Broadcast)]
    return [message for message in told if isinstance(message, Proposal)]


def builds(actions: list[acts.Action]) -> list[acts.PrepareProposal]:
    """Return what the ledger is asked to build."""
    return [action for action in actions if isinstance(action, acts.PrepareProposal)]


def test_what_is_built_when_its_round_is_over_is_proposed_at_the_next_turn() -> None:
    one = asked()
    go_to(one, 2)
    assert tell(one, BUILT) == [], "it is the turn of another"
    actions = go_to(one, 4)
    (made,) = proposals(actions)
    assert (made.round, made.seal, made.delta, made.haves) == (4, SEAL, DELTA, SHOWN)
    assert builds(actions) == []


def test_what_is_built_during_a_later_turn_is_proposed_at_once() -> None:
    one = asked()
    assert builds(go_to(one, 4)) == [], "the ledger builds already"
    (made,) = proposals(tell(one, BUILT))
    assert (made.round, made.seal) == (4, SEAL)


def test_what_was_proposed_and_not_judged_in_time_is_proposed_again_and_then_built_anew() -> None:
    one = asked()
    assert len(proposals(tell(one, BUILT))) == 1
    offers = 1
    for round_ in range(4, 4 * (OFFERS_MAX + 1), 4):
        actions = go_to(one, round_)
        assert [made.seal for made in proposals(actions)] == [SEAL] * (offers < OFFERS_MAX)
        assert len(builds(actions)) == (offers == OFFERS_MAX)
        offers += 1
    assert offers == OFFERS_MAX + 1


def test_what_another_built_and_our_ledger_found_good_is_proposed_again() -> None:
    one = Agreement(
        *(COMMUNITY, 1, SealId(COMMUNITY), scenes.DEVICES), scenes.SIGNERS[scenes.DEVICES[2]]
    )
    theirs = scenes.proposal(time_ms=NOW_MS)
    tell(one, HeightStarted(SHOWN[2]), *map(MessageReceived, SHOWN), MessageReceived(theirs))
    tell(one, ran_out(Alarm.PROPOSE), ran_out(Alarm.PROPOSE))
    good = acts.ProposalProcessed(0, theirs.seal.id, acts.VALID_PROPOSAL)
    assert proposals(tell(one, good)) == [], "it is the turn of another"
    actions = tell(one, ran_out(Alarm.PRECOMMIT))
    (again,) = proposals(actions)
    assert (again.round, again.seal, again.haves) == (1, theirs.seal, theirs.haves)
    assert again.is_fresh, "no quorum voted for it yet"
    assert builds(actions) == []


@pytest.mark.parametrize(
    "verdict", [ProposalVerdict(sound=False), ProposalVerdict(sound=True, timely=False)]
)
def test_what_our_ledger_did_not_find_good_is_not_proposed_again(verdict: ProposalVerdict) -> None:
    one = Agreement(
        *(COMMUNITY, 1, SealId(COMMUNITY), scenes.DEVICES), scenes.SIGNERS[scenes.DEVICES[2]]
    )
    theirs = scenes.proposal(time_ms=NOW_MS)
    tell(one, HeightStarted(SHOWN[2]), *map(MessageReceived, SHOWN), MessageReceived(theirs))
    tell(one, acts.ProposalProcessed(0, theirs.seal.id, verdict))
    actions = tell(one, ran_out(Alarm.PRECOMMIT))
    assert proposals(actions) == []
    assert len(builds(actions)) == 1


@pytest.mark.parametrize("late_ms", [DRAFT_MS_MAX, -DRAFT_MS_MAX])
def test_a_seal_whose_time_is_far_from_the_clock_is_built_anew(late_ms: int) -> None:
    one = asked()
    go_to(one, 1)
    tell(one, BUILT)
    assert DRAFT_MS_MAX < SKEW_MS_MAX, "others, whose clocks differ, must find it timely"
    actions = go_to(one, 4, NOW_MS + late_ms)
    assert proposals(actions) == []
    assert len(builds(actions)) == 1
    assert len(proposals(tell(one, replace(BUILT, round=4)))) == 1


def test_a_proposer_waits_once_in_a_round_for_its_own_ledger() -> None:
    one = asked()
    again = acts.Schedule(NOW_MS + LEDGER_MS_MAX, Timeout(Alarm.PROPOSE, 0))
    assert tell(one, ran_out(Alarm.PROPOSE)) == [again]
    assert sent(tell(one, ran_out(Alarm.PROPOSE))) == [(Step.PREVOTE, NIL)]
    assert tell(one, BUILT) == [], "it has voted in this round"
    other = asked()
    tell(other, ran_out(Alarm.PROPOSE))
    assert len(proposals(tell(other, BUILT))) == 1


def test_a_witness_waits_for_no_other_ledger_longer_than_for_its_own() -> None:
    one = asked()
    one.ledger_ms = 2_000
    waits = acts.Schedule(NOW_MS + step_ms(Step.PROPOSE, 1) + 2_000, Timeout(Alarm.PROPOSE, 1))
    assert waits in go_to(one, 1)
    assert sent(tell(one, ran_out(Alarm.PROPOSE, 1)))[0] == (Step.PREVOTE, NIL)
    one.ledger_ms = 10 * LEDGER_MS_MAX
    waits = acts.Schedule(
        NOW_MS + step_ms(Step.PROPOSE, 2) + LEDGER_MS_MAX, Timeout(Alarm.PROPOSE, 2)
    )
    assert waits in go_to(one, 2)


def test_a_ledger_that_has_nothing_to_build_is_asked_again_in_the_same_round() -> None:
    one = asked()
    assert tell(one, NothingPrepared(0)) == []
    assert builds(tell(one, ran_out(Alarm.REPEAT))) == [acts.PrepareProposal(0, SHOWN)]
    assert builds(tell(one, ran_out(Alarm.REPEAT))) == [], "it has not answered yet"
    assert len(proposals(tell(one, BUILT))) == 1
    assert builds(tell(one, ran_out(Alarm.REPEAT), NothingPrepared(0), BUILT)) == []


def test_a_ledger_that_never_answers_is_asked_anew_after_long() -> None:
    one = asked()
    assert builds(go_to(one, 4, NOW_MS + PREPARE_MS_MAX - 1)) == []
    assert len(builds(go_to(one, 8, NOW_MS + PREPARE_MS_MAX))) == 1
    assert tell(one, BUILT) == [], "it was built for other have-frontiers"


def slow(seed: int, fold_ms: int, faults: tuple[str, ...] = (), size: int = 4) -> World:
    """Witnesses whose ledgers take so long to fold a seal, in calm."""
    world = World(seed, size, faults, heights=2, calm_ms=0)
    for one in world.witnesses:
        one.fold_ms = fold_ms
    return world


def rounds(world: World) -> list[int]:
    """Return the rounds of the seals of a witness that keeps the rules."""
    return [certificate.round for certificate, _ in world.honest[0].sealed]


def test_a_lone_witness_builds_each_seal_once_however_long_that_takes() -> None:
    for seed in range(SEEDS):
        world = slow(seed, LONGER_MS, size=1)
        assert world.run(2 * (LONGER_MS + 15_000), partial(world.all_sealed, 2))
        assert world.honest[0].builds == 2


@pytest.mark.parametrize("fold_ms", [4_000, 7_000, 10_000])
def test_four_whose_ledgers_are_slower_than_a_round_build_little_in_vain(fold_ms: int) -> None:
    """At the first seal a round may go by for each witness; then they know the pace."""
    for seed in range(SEEDS):
        world = slow(seed, fold_ms)
        assert world.run(90_000, partial(world.all_sealed, 2)), f"seed {seed} does not seal"
        world.check_safe()
        first, second = rounds(world)
        assert (first < world.size, second) == (True, 0), f"seed {seed}"
        assert sum(one.builds for one in world.witnesses) <= 2 * world.size, f"seed {seed}"


@pytest.mark.parametrize("fault", ["silent", "hung", "root", "narrow", "two-faced", "clock"])
def test_slow_ledgers_seal_beside_one_that_is_dead_hangs_or_lies(fault: str) -> None:
    for seed in range(SEEDS):
        world = slow(seed, 2_500, (fault,))
        done = partial(world.all_sealed, 2)
        assert world.run(120_000, done), f"seed {seed} does not seal beside {fault}"
        world.check_safe()


def test_ledgers_that_are_slower_than_a_witness_waits_seal_in_the_end() -> None:
    for seed in range(SEEDS // 4):
        world = slow(seed, LEDGER_MS_MAX + 6_000)
        assert world.run(600_000, partial(world.all_sealed, 2)), f"seed {seed} does not seal"
        world.check_safe()


def test_after_a_storm_slow_ledgers_seal_and_never_two_seals_of_one_height() -> None:
    """Crashes, lost messages and a liar beside ledgers that are slower than a round."""
    for seed in range(SEEDS):
        fault = FAULTS[seed % len(FAULTS)]
        world = World(seed, 4, (fault,), heights=3, calm_ms=20_000)
        for one in world.witnesses:
            one.fold_ms = 3_000 + 500 * (seed % 7)
        world.run(world.calm_ms)
        goal = min(world.heights, 1 + max(len(one.sealed) for one in world.honest))
        done = partial(world.all_sealed, goal)
        assert world.run(world.calm_ms + CALM_MS_MAX, done), f"seed {seed} does not seal"
        world.check_safe()
