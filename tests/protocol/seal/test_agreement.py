"""The agreement as a dialogue: what comes in, what goes out, in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commonweal.protocol.seal.consensus import events as acts
from commonweal.protocol.seal.consensus.events import (
    Alarm,
    HeightStarted,
    MessageReceived,
    ProposalProcessed,
    ProposalVerdict,
    Timeout,
)
from commonweal.protocol.seal.consensus.vote_set import ROUNDS_AHEAD_MAX, ROUNDS_BEHIND_MAX
from commonweal.protocol.seal.formats import Proposal, sign_proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.timing import (
    GATHER_MS,
    LEDGER_MS_MAX,
    PROPOSE_MS,
    STEP_MS_MAX,
    step_ms,
)
from commonweal.protocol.seal.votes import NIL, SealId, Step, Vote
from commonweal.protocol.seal.witnesses import proposer
from tests.protocol.seal import scenes
from tests.protocol.seal.dialogue import (
    ID,
    ME,
    NOW_MS,
    SEAL,
    agreement,
    good,
    locked,
    precommits,
    prevotes,
    ran_out,
    sent,
    tell,
)


def test_a_good_proposal_is_prevoted_precommitted_and_decided() -> None:
    one = agreement()
    made = scenes.proposal()
    assert tell(one, HeightStarted(), MessageReceived(made))[-1] == acts.ProcessProposal(made)
    assert sent(tell(one, good())) == [(Step.PREVOTE, ID)]
    assert sent(tell(one, *prevotes(ID, 1, 2))) == [(Step.PRECOMMIT, ID)]
    *_, last = tell(one, *precommits(ID, 2, 3))
    assert isinstance(last, acts.Decide)
    assert last.proposal == made
    assert [device for device, _ in last.certificate.signatures] == sorted(
        scenes.DEVICES[place] for place in (0, 2, 3)
    )


def test_a_vote_is_stored_before_it_is_sent_and_a_lock_with_its_precommit() -> None:
    one = agreement()
    actions = tell(
        one, HeightStarted(), MessageReceived(scenes.proposal()), good(), *prevotes(ID, 1, 2)
    )
    stored: list[Vote] = []
    for action in actions:
        match action:
            case acts.Persist(vote, lock):
                stored.append(vote)
                assert (lock is not None) is (vote.step is Step.PRECOMMIT)
            case acts.Broadcast(Vote() as vote):
                assert vote in stored
    assert [vote.step for vote in stored] == [Step.PREVOTE, Step.PRECOMMIT]


def test_a_proposer_waits_for_a_quorum_of_have_frontiers_and_a_moment_for_the_rest() -> None:
    one = agreement(me=1)
    shown = scenes.haves((3, 2), (3, 1), (2, 2), (2, 2))
    begun = tell(one, HeightStarted(shown[1]))
    assert acts.Broadcast(shown[1]) in begun
    assert acts.Schedule(NOW_MS + GATHER_MS, Timeout(Alarm.GATHER, 0)) in begun
    assert tell(one, MessageReceived(shown[0]), MessageReceived(shown[2])) == []
    assert tell(one, ran_out(Alarm.GATHER)) == [acts.PrepareProposal(0, shown[:3])]
    early = agreement(me=1)
    events: list[acts.Event] = [HeightStarted(shown[1]), *(MessageReceived(have) for have in shown)]
    assert tell(early, *events)[-1] == acts.PrepareProposal(0, shown)


def test_what_is_built_is_proposed_with_the_have_frontiers_it_was_built_for() -> None:
    one = agreement(me=1)
    shown = scenes.haves((3, 2), (3, 1), (2, 2))
    tell(
        one,
        HeightStarted(shown[1]),
        MessageReceived(shown[0]),
        MessageReceived(shown[2]),
        ran_out(Alarm.GATHER),
    )
    tell(one, MessageReceived(scenes.haves((9, 9))[0]))
    actions = tell(one, acts.ProposalPrepared(0, SEAL, scenes.delta(3, 2)))
    kept, told, asked = actions
    assert isinstance(told, acts.Broadcast)
    assert isinstance(told.message, Proposal)
    assert told.message == scenes.proposal()
    assert kept == acts.Persist(told.message.vote)
    assert asked == acts.ProcessProposal(told.message)
    assert tell(one, acts.ProposalPrepared(0, scenes.seal(clock=9), scenes.delta(3, 2))) == []


def test_who_is_not_in_turn_proposes_nothing_and_is_not_listened_to() -> None:
    one = agreement()
    shown = scenes.haves((3, 2), (3, 1), (2, 2), (2, 2))
    assert not any(
        isinstance(a, acts.PrepareProposal)
        for a in tell(one, HeightStarted(), *map(MessageReceived, shown))
    )
    stranger = sign_proposal(scenes.SIGNERS[scenes.DEVICES[2]], 0, SEAL, scenes.delta(3, 2), shown)
    assert tell(one, MessageReceived(stranger)) == []


BAD_VERDICTS = [
    (ProposalVerdict(sound=False, reason="a root differs"), "a root differs"),
    (ProposalVerdict(sound=True, timely=False, reason="too early"), "too early"),
]


@pytest.mark.parametrize(("verdict", "reason"), BAD_VERDICTS)
def test_a_bad_proposal_gets_a_vote_for_none_with_its_reason(
    verdict: ProposalVerdict, reason: str
) -> None:
    one = agreement()
    actions = tell(
        one, HeightStarted(), MessageReceived(scenes.proposal()), ProposalProcessed(0, ID, verdict)
    )
    told = actions[-1]
    assert isinstance(told, acts.Broadcast)
    assert isinstance(told.message, Vote)
    assert (told.message.seal, told.message.reason) == (NIL, reason)


def test_what_is_not_sound_is_not_held_to_whoever_votes_for_it() -> None:
    one = agreement()
    unsound = ProposalProcessed(0, ID, ProposalVerdict(sound=False, reason="a root differs"))
    actions = tell(
        one, HeightStarted(), MessageReceived(scenes.proposal()), unsound, *prevotes(ID, 1, 2, 3)
    )
    assert sent(actions) == [(Step.PREVOTE, NIL)]
    assert one.locked is None is one.valid


def test_what_lacks_is_fetched_before_a_vote_for_none() -> None:
    one = agreement()
    lacks = ProposalVerdict(sound=False, missing=(b"record",))
    actions = tell(
        one, HeightStarted(), MessageReceived(scenes.proposal()), ProposalProcessed(0, ID, lacks)
    )
    assert actions[-1] == acts.Fetch(0, ID, (b"record",))
    assert acts.ProcessProposal(scenes.proposal()) in tell(one, ran_out(Alarm.REPEAT)), "asks again"
    assert sent(tell(one, good())) == [(Step.PREVOTE, ID)]
    late = agreement()
    tell(late, HeightStarted(), MessageReceived(scenes.proposal()), ProposalProcessed(0, ID, lacks))
    assert sent(tell(late, ran_out(Alarm.PROPOSE))) == [(Step.PREVOTE, NIL)]


def test_without_a_proposal_a_round_ends_and_the_next_begins() -> None:
    one = agreement()
    assert sent(tell(one, HeightStarted(), ran_out(Alarm.PROPOSE))) == [(Step.PREVOTE, NIL)]
    assert sent(tell(one, *prevotes(NIL, 1, 2))) == [(Step.PRECOMMIT, NIL)]
    waited = tell(one, *precommits(NIL, 1, 2))
    assert waited == [
        acts.Schedule(NOW_MS + step_ms(Step.PRECOMMIT, 0), Timeout(Alarm.PRECOMMIT, 0))
    ]
    assert tell(one, ran_out(Alarm.PRECOMMIT)) == [
        acts.Schedule(NOW_MS + step_ms(Step.PROPOSE, 1), Timeout(Alarm.PROPOSE, 1))
    ]
    assert one.round == 1


def test_a_timeout_of_another_round_or_step_does_nothing() -> None:
    one = agreement()
    tell(one, HeightStarted())
    for alarm in (Alarm.PROPOSE, Alarm.PREVOTE, Alarm.PRECOMMIT):
        assert tell(one, ran_out(alarm, 1)) == []
    assert tell(one, ran_out(Alarm.PREVOTE)) == []


def test_who_holds_to_a_seal_prevotes_no_fresh_other() -> None:
    other = scenes.proposal(round_=1, clock=9)
    on = other.seal.id
    assert sent(tell(locked(), MessageReceived(other), good(1, on))) == [(Step.PREVOTE, NIL)]
    again = scenes.proposal(round_=1)
    assert sent(tell(locked(), MessageReceived(again), good(1))) == [(Step.PREVOTE, ID)]


def test_a_later_quorum_of_prevotes_lets_go_of_a_lock_and_an_earlier_one_does_not() -> None:
    other = scenes.seal(clock=9)

    def again(valid_round: int, round_: int) -> Proposal:
        polka = tuple(
            scenes.vote(place, Step.PREVOTE, other.id, valid_round) for place in (1, 2, 3)
        )
        who = scenes.SIGNERS[scenes.DEVICES[(1 + round_) % 4]]
        return sign_proposal(who, round_, other, scenes.delta(3, 2), polka)

    one = locked()
    tell(one, ran_out(Alarm.PROPOSE, 1), ran_out(Alarm.PREVOTE, 1), ran_out(Alarm.PRECOMMIT, 1))
    freed = tell(one, MessageReceived(again(1, 2)), good(2, other.id))
    assert sent(freed) == [(Step.PREVOTE, other.id)]
    stuck = locked()
    held = stuck.locked
    assert held is not None
    later = tuple(replace(vote, round=1) for vote in held.polka)
    stuck.locked = acts.Lock(held.proposal, later)
    tell(stuck, ran_out(Alarm.PROPOSE, 1), ran_out(Alarm.PREVOTE, 1), ran_out(Alarm.PRECOMMIT, 1))
    assert sent(tell(stuck, MessageReceived(again(0, 2)), good(2, other.id))) == [
        (Step.PREVOTE, NIL)
    ]


def test_a_re_proposal_without_a_quorum_of_witnesses_behind_it_is_not_taken() -> None:
    polka = tuple(scenes.vote(place, Step.PREVOTE, ID) for place in (1, 2))
    who = scenes.SIGNERS[scenes.DEVICES[2]]
    thin = sign_proposal(who, 1, SEAL, scenes.delta(3, 2), polka)
    one = agreement()
    tell(one, HeightStarted(), ran_out(Alarm.PRECOMMIT))
    assert tell(one, MessageReceived(thin)) == []


def test_the_time_of_a_re_proposal_is_not_judged_again() -> None:
    polka = tuple(scenes.vote(place, Step.PREVOTE, ID) for place in (1, 2, 3))
    again = sign_proposal(scenes.SIGNERS[scenes.DEVICES[2]], 1, SEAL, scenes.delta(3, 2), polka)
    one = agreement()
    tell(one, HeightStarted(), ran_out(Alarm.PRECOMMIT), MessageReceived(again))
    untimely = ProposalVerdict(sound=True, timely=False)
    assert sent(tell(one, ProposalProcessed(1, ID, untimely))) == [(Step.PREVOTE, ID)]


def test_f_plus_1_witnesses_in_a_later_round_draw_the_others_there() -> None:
    one = agreement()
    tell(one, HeightStarted())
    assert tell(one, *prevotes(NIL, 1, round_=50), *prevotes(NIL, 1, round_=30)) == []
    tell(one, *prevotes(NIL, 2, round_=40))
    assert one.round == 40, "the round that one of them, who does not lie, has reached"


def test_a_double_vote_convicts_once_and_its_first_vote_counts() -> None:
    one = agreement()
    tell(one, HeightStarted(), *prevotes(ID, 1))
    (guilty,) = tell(one, *prevotes(NIL, 1), *prevotes(SealId(bytes(32)), 1))
    assert isinstance(guilty, acts.ReportDoubleVote)
    assert guilty.proof.device == scenes.DEVICES[1]
    assert one.vote_set.round(0).count(Step.PREVOTE, ID) == 1


def test_two_proposals_of_one_round_convict_their_proposer() -> None:
    one = agreement()
    tell(one, HeightStarted(), MessageReceived(scenes.proposal()))
    (guilty,) = tell(one, MessageReceived(scenes.proposal(clock=9)))
    assert isinstance(guilty, acts.ReportDoubleVote)
    assert guilty.proof.first.step is Step.PROPOSE
    assert tell(one, MessageReceived(scenes.proposal(clock=10))) == []
    assert len(one.vote_set.round(0).proposals) == 2


def test_one_witness_cannot_make_us_keep_much() -> None:
    one = agreement()
    tell(one, HeightStarted())
    for round_ in range(500):
        tell(one, *prevotes(NIL, 1, round_=round_), *precommits(NIL, 1, round_=round_))
    assert len(one.vote_set.rounds) <= 1 + ROUNDS_AHEAD_MAX
    assert len(one.vote_set.far) == 1
    for round_ in range(20):
        tell(one, ran_out(Alarm.PRECOMMIT, round_))
    assert len(one.vote_set.rounds) <= 1 + ROUNDS_AHEAD_MAX + ROUNDS_BEHIND_MAX


def test_strangers_and_other_heights_are_not_kept() -> None:
    one = agreement()
    tell(one, HeightStarted())
    stranger = next(device for device in scenes.SIGNERS if device not in scenes.DEVICES)
    vote = replace(scenes.vote(1, Step.PREVOTE, ID), device=stranger)
    have = replace(scenes.haves((1,))[0], device=stranger)
    later = scenes.vote(1, Step.PREVOTE, ID, height=2)
    bare = scenes.vote(1, Step.PROPOSE, ID)
    for message in (vote, have, later, bare, replace(scenes.haves((1,))[0], height=2)):
        assert tell(one, MessageReceived(message)) == []
    assert list(one.vote_set.votes()) == []
    assert one.haves == {}


def test_a_slow_ledger_is_waited_for_once() -> None:
    one = agreement()
    tell(one, HeightStarted(), MessageReceived(scenes.proposal()))
    again = acts.Schedule(NOW_MS + LEDGER_MS_MAX, Timeout(Alarm.PROPOSE, 0))
    assert tell(one, ran_out(Alarm.PROPOSE)) == [again]
    assert sent(tell(one, ran_out(Alarm.PROPOSE))) == [(Step.PREVOTE, NIL)]
    other = agreement()
    tell(other, HeightStarted(), MessageReceived(scenes.proposal()), ran_out(Alarm.PROPOSE))
    assert sent(tell(other, good())) == [(Step.PREVOTE, ID)]


def test_what_was_said_is_said_again_since_any_message_may_be_lost() -> None:
    one = agreement()
    have: HaveFrontier = scenes.haves((1,))[ME]
    tell(one, HeightStarted(have), MessageReceived(scenes.proposal()), good())
    again = tell(one, ran_out(Alarm.REPEAT))
    assert sent(again) == [(Step.PREVOTE, ID)]
    asking = agreement()
    tell(asking, HeightStarted(have))
    asked = tell(asking, ran_out(Alarm.REPEAT))
    assert acts.Fetch(0, NIL) in asked
    assert acts.Broadcast(have) in asked
    tell(asking, *prevotes(ID, 1, 2, 3))
    assert acts.Fetch(0, ID) in tell(asking, ran_out(Alarm.REPEAT))


def test_turns_go_round_and_timeouts_grow_to_a_limit() -> None:
    turns = [proposer(1, round_, scenes.DEVICES) for round_ in range(8)]
    assert turns == [scenes.DEVICES[place] for place in (1, 2, 3, 0, 1, 2, 3, 0)]
    assert step_ms(Step.PROPOSE, 0) == PROPOSE_MS
    assert step_ms(Step.PREVOTE, 1) > step_ms(Step.PREVOTE, 0)
    assert step_ms(Step.PRECOMMIT, 10**6) == STEP_MS_MAX
