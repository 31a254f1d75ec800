"""Whatever is raised, undertaken, consented to and promoted, in any order of arrival: one state."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.exchange.data.consents import CONSENT, ConsentRow
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    COLLECTING,
    OPEN,
    WAITING,
    campaigns,
    pledges,
)
from commonweal.protocol.ledger.ventures.projects.projects import (
    PROJECT,
    ProjectRow,
    member_rows,
)
from tests.protocol.ledger.ventures.venture_scenes import KINDS, ledger, ventures
from tests.protocol.ledger.village import outcome

SEEDS = st.integers(0, 2**32 - 1)


def check(state: State) -> None:
    """What waits for a seal is listed, and what is counted is what there is."""
    listed = {key[len(WAITING) :] for key, _ in state.items(WAITING)}
    known = {row.member + id for id, row in campaigns(state) if row.status in (OPEN, COLLECTING)}
    assert listed == known
    for id, row in campaigns(state):
        numbers = [own.number for _, own in pledges(state, id)]
        assert numbers == sorted({*numbers}) and max(numbers, default=0) <= row.pledges
    for key, value in state.items(PROJECT):
        project = ProjectRow(*value)
        inside = sum(one.is_in for _, one in member_rows(state, key[len(PROJECT) :]))
        assert project.members == inside


@settings(max_examples=120, deadline=None)
@given(SEEDS, st.integers(0, 90))
def test_any_order_of_arrival_gives_one_state(number: int, acts: int) -> None:
    scene, rng = ventures(number, acts), Random(number)
    records = scene.village.records
    whole = ledger(scene, records)
    expected = outcome(whole, records)
    check(whole.state)
    shuffled = scene.shuffled()
    pieces = ledger(scene)
    while shuffled:
        size = rng.choice((1, 2, 5, 30))
        pieces.add(shuffled[:size])
        del shuffled[:size]
        if rng.random() < 0.5:
            pieces.fold(rng.randrange(40))
    assert outcome(pieces, records) == expected


def test_the_scenes_reach_what_counts_and_what_does_not() -> None:
    """The scenes above would prove nothing if nobody ever raised, joined, consented or promoted."""
    counting, reasons = Counter[str](), Counter[Reason | None]()
    statuses = Counter[str]()
    for number in range(200):
        scene = ventures(number, 90)
        whole = ledger(scene, scene.village.records)
        check(whole.state)
        for record in scene.village.records:
            reason = whole.verdict(record.id)
            reasons[reason] += 1
            counting[record.kind] += reason is None
        statuses.update(ConsentRow(*value).status for _, value in whole.state.items(CONSENT))
    releases = {"data.release", "review", "review.open"}  # need a seal, or a deal that is done
    assert {kind for kind in KINDS if counting[kind]} == {*KINDS} - releases
    for reason in (
        *(Reason.SHAPE, Reason.HAS_PLEDGES, Reason.CAMPAIGN_CLOSED, Reason.PLEDGE_UNIT),
        *(Reason.DEADLINE_PAST, Reason.NAME_TAKEN, Reason.NOT_IN_PROJECT, Reason.CONSENT_ENDED),
        *(
            Reason.NOT_YOURS,
            Reason.RATE_TOO_HIGH,
            Reason.REFERRED_BEFORE,
        ),
    ):
        assert reasons[reason] > 0, reason
    assert {*statuses} >= {"given", "asked", "answered", "refused", "renewed", "withdrawn"}
