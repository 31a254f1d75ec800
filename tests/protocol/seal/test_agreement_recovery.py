"""One agreement after a crash, beside a certificate, and as an observer or candidate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commonweal.protocol.seal.consensus import events as acts
from commonweal.protocol.seal.consensus.agreement import Agreement
from commonweal.protocol.seal.consensus.events import (
    Alarm,
    HeightStarted,
    MessageReceived,
)
from commonweal.protocol.seal.formats import Proposal
from commonweal.protocol.seal.votes import SealId, Step
from tests.protocol.seal import scenes
from tests.protocol.seal.dialogue import (
    ID,
    ME,
    SEAL,
    agreement,
    good,
    precommits,
    prevotes,
    ran_out,
    sent,
    tell,
)
from tests.protocol.seal.witness import COMMUNITY


def test_after_a_crash_nothing_that_was_stored_is_contradicted() -> None:
    before = agreement()
    actions = tell(
        before, HeightStarted(), MessageReceived(scenes.proposal()), good(), *prevotes(ID, 1, 2)
    )
    kept = [one for one in actions if isinstance(one, acts.Persist)]
    for count in range(len(kept) + 1):
        votes = tuple(one.vote for one in kept[:count])
        lock = next((one.lock for one in kept[:count] if one.lock), None)
        after = agreement(stored=votes, lock=lock)
        said = tell(after, HeightStarted(), ran_out(Alarm.PROPOSE), ran_out(Alarm.PREVOTE))
        for vote in votes:
            assert acts.Broadcast(vote) in said
        again = {(one.vote.round, one.vote.step) for one in said if isinstance(one, acts.Persist)}
        assert not again & {(vote.round, vote.step) for vote in votes}
        assert after.locked == lock


def test_a_proposer_that_crashed_after_storing_its_proposal_makes_no_other() -> None:
    stored = (scenes.proposal().vote,)
    shown = scenes.haves((3, 2), (3, 1), (2, 2), (2, 2))
    one = agreement(me=1, stored=stored)
    actions = tell(
        one, HeightStarted(shown[1]), *map(MessageReceived, shown), ran_out(Alarm.GATHER)
    )
    assert not any(isinstance(action, acts.PrepareProposal) for action in actions)


def test_a_precommit_without_its_lock_is_no_state_to_go_on_from() -> None:
    with pytest.raises(AssertionError, match="together"):
        agreement(stored=(scenes.vote(ME, Step.PRECOMMIT, ID),))


def test_a_proposer_who_holds_to_a_seal_proposes_it_again_with_its_prevotes() -> None:
    one = agreement(me=2)
    tell(one, HeightStarted(), MessageReceived(scenes.proposal()), good(), *prevotes(ID, 0, 1))
    actions = tell(one, ran_out(Alarm.PRECOMMIT))
    (again,) = [a.message for a in actions if isinstance(a, acts.Broadcast)]
    assert isinstance(again, Proposal)
    assert (again.seal, again.valid_round, len(again.polka)) == (SEAL, 0, 3)


def test_a_certificate_alone_decides_and_a_second_one_is_shown() -> None:
    one = agreement()
    tell(one, HeightStarted())
    first, second = scenes.certificate(SEAL), scenes.certificate(scenes.seal(clock=9))
    thin = replace(first, signatures=first.signatures[:2])
    forged = replace(first, seal=SealId(bytes(32)))
    assert (
        tell(
            one,
            MessageReceived(thin),
            MessageReceived(forged),
            MessageReceived(replace(first, height=2)),
        )
        == []
    )
    assert tell(one, MessageReceived(first)) == [acts.Decide(first, None)]
    assert one.held() == [first]
    assert tell(one, MessageReceived(first)) == []
    assert tell(one, MessageReceived(second)) == [acts.ReportFork(first, second)]
    assert tell(one, MessageReceived(second)) == []
    assert one.decided == first


def test_an_onlooker_votes_nothing_and_sees_the_decision() -> None:
    one = agreement(me=None)
    made = scenes.proposal()
    assert sent(tell(one, HeightStarted(), MessageReceived(made), ran_out(Alarm.PROPOSE))) == []
    actions = tell(one, *precommits(ID, 1, 2, 3))
    (decided,) = actions
    assert isinstance(decided, acts.Decide)
    assert decided.proposal == made


def test_a_candidate_shows_what_he_has_and_votes_nothing() -> None:
    signer, (have, *_) = scenes.SIGNERS[scenes.DEVICES[0]], scenes.haves((1,))
    one = Agreement(COMMUNITY, 1, SealId(COMMUNITY), scenes.DEVICES[1:], signer)
    actions = tell(
        one, HeightStarted(have), MessageReceived(scenes.proposal()), ran_out(Alarm.PROPOSE)
    )
    assert acts.Broadcast(have) in actions
    assert sent(actions) == []
    member = Agreement(
        COMMUNITY, 1, SealId(COMMUNITY), scenes.DEVICES[1:], None, candidates=[have.device]
    )
    tell(member, HeightStarted(), MessageReceived(have))
    assert member.haves == {have.device: have}


def test_a_have_frontier_after_another_seal_is_not_kept() -> None:
    one = agreement()
    tell(one, HeightStarted(), MessageReceived(replace(scenes.haves((1,))[0], prev=ID)))
    assert one.haves == {}


@pytest.mark.parametrize("step", list(Step))
def test_what_others_heard_of_us_is_not_contradicted_though_nothing_is_stored(step: Step) -> None:
    shown = scenes.haves((3, 2), (3, 1), (2, 2), (2, 2))
    one = agreement(me=1)
    said = scenes.vote(1, step, ID)
    stored = [a.vote for a in tell(one, MessageReceived(said)) if isinstance(a, acts.Persist)]
    assert stored == ([] if step is Step.PRECOMMIT else [said])
    events: list[acts.Event] = [
        HeightStarted(shown[1]),
        *map(MessageReceived, shown),
        ran_out(Alarm.GATHER),
    ]
    later: list[acts.Event] = [
        ran_out(Alarm.PROPOSE),
        ran_out(Alarm.PREVOTE),
        acts.ProposalPrepared(0, SEAL, scenes.delta(3)),
    ]
    actions = tell(one, *events, *later)
    again = [a.vote for a in actions if isinstance(a, acts.Persist)]
    assert not [vote for vote in again if (vote.round, vote.step) == (0, step)]
    assert not any(
        isinstance(action, acts.PrepareProposal | acts.ReportDoubleVote) for action in actions
    )
