"""The close of a campaign: which seal closes it, and what of the pledges counts."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.advance import CutHeader
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.ventures.campaigns import deadline
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    COLLECTED,
    COLLECTING,
    FAILED,
    OPEN,
    campaign_row,
    waiting,
)
from commonweal.protocol.ledger.ventures.campaigns.deadline import ClosingCut
from commonweal.protocol.ledger.ventures.campaigns.pledges import counted
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS
from tests.protocol.ledger.council import DAY, HOUR, rules
from tests.protocol.ledger.press import Press, yuan


@pytest.fixture
def press() -> Press:
    return Press(rules(), "Jun", "Ana", "Bo")


def test_600_and_400_meet_a_minimum_of_1000(press: Press) -> None:
    """EXCHANGE section 5, edge cases; `>=`, where radix PR #14 had `>`."""
    press.begin()
    press.pledge("Jun", 600)
    press.pledge("Ana", 400)
    press.close()
    assert (press.stands, press.current.total) == (COLLECTING, 1_000)
    assert press.promised() == {"Jun": 600, "Ana": 400}
    promise = press.promise("Jun")
    assert promise is not None
    assert (promise.provider, promise.receiver) == (press.id("Jun"), press.community)
    assert (promise.status, promise.due) == ("agreed", press.current.collect_by)


def test_999_fails_and_nobody_owes_anything(press: Press) -> None:
    press.begin()
    press.pledge("Jun", 600)
    press.pledge("Ana", 399)
    press.close()
    assert (press.stands, press.promised(), press.owed_back()) == (FAILED, {}, {})
    assert waiting(press.history.final) == []


def test_what_the_closing_seal_covers_counts_and_what_comes_later_does_not(press: Press) -> None:
    press.begin()
    press.pledge("Jun", 999)
    press.cut()
    press.now_ms = press.current.deadline + HOUR
    last = press.pledge("Ana", 1)
    press.cut()
    assert press.verdict(last) is None
    assert (press.stands, press.current.total) == (COLLECTING, 1_000)
    assert press.verdict(press.pledge("Bo", 500)) is Reason.CAMPAIGN_CLOSED
    assert press.verdict(press.withdraw("Ana")) is Reason.CAMPAIGN_CLOSED


def test_a_pledge_withdrawn_in_the_closing_seal_is_withdrawn(press: Press) -> None:
    press.begin()
    press.pledge("Jun", 999)
    press.pledge("Ana", 1)
    press.cut()
    press.withdraw("Ana")
    press.close()
    assert (press.stands, press.current.total) == (FAILED, 999)


def test_the_last_pledge_of_a_member_counts(press: Press) -> None:
    press.begin(minimum=500)
    press.pledge("Jun", 300)
    press.pledge("Jun", 500)
    assert press.counted() == {"Jun": 500}
    assert press.verdict(press.pledge("Jun", 500)) is Reason.NOTHING_NEW
    press.withdraw("Jun")
    assert press.verdict(press.withdraw("Jun")) is Reason.NO_PLEDGE
    assert press.verdict(press.pledge("Jun", 500)) is None, "who withdrew may pledge again"
    press.close()
    assert press.promised() == {"Jun": 500}


def test_who_is_removed_by_the_closing_seal_pledges_nothing(press: Press) -> None:
    press.begin(deadline=press.now_ms + 30 * HOUR)
    press.pledge("Jun", 600)
    press.pledge("Ana", 400)
    removal = press.remove("Mei", "Ana")
    press.cut(1)
    press.say(removal, "yes", "Mei Jun Bo")
    assert press.counted() == {"Jun": 600, "Ana": 400}
    press.cut(30)
    assert press.stands == FAILED
    assert press.current.total == 600


def test_the_maximum_is_filled_in_the_order_of_seals(press: Press) -> None:
    """EXCHANGE section 5, edge cases: 1200 by 700, 400, 300 of which a part may count."""
    press.begin(maximum=1_200)
    press.pledge("Jun", 700)
    press.pledge("Ana", 400)
    press.pledge("Bo", 300, part=True)
    press.close()
    assert press.promised() == {"Jun": 700, "Ana": 400, "Bo": 100}
    assert press.current.total == 1_200


def test_a_pledge_that_crosses_the_maximum_is_lost_unless_a_part_may_count(press: Press) -> None:
    press.begin(maximum=1_200)
    press.pledge("Jun", 700)
    full = press.pledge("Ana", 400)
    press.pledge("Bo", 300)
    (*_, lost) = counted(press.history.state, press.campaign.id, press.current)
    assert (lost.amount, lost.lost_to) == (0, full.id)
    press.pledge("Mei", 100)
    assert press.counted() == {"Jun": 700, "Ana": 400, "Bo": 0, "Mei": 100}
    press.close()
    assert press.promised() == {"Jun": 700, "Ana": 400, "Mei": 100}
    assert press.pledged("Bo").counted == 0


def test_a_pledge_made_again_stands_where_it_was_made_again(press: Press) -> None:
    press.begin(minimum=100, maximum=1_000)
    press.pledge("Jun", 700)
    press.pledge("Ana", 300)
    press.pledge("Jun", 750)
    assert press.counted() == {"Ana": 300, "Jun": 0}


PLEDGES: list[tuple[dict[str, Any], Reason]] = [
    ({"campaign": b"x"}, Reason.SHAPE),
    ({"campaign": bytes(32)}, Reason.UNKNOWN_CAMPAIGN),
    ({"quantity": None}, Reason.SHAPE),
    ({"quantity": yuan(5) | {"unit": "EUR"}}, Reason.PLEDGE_UNIT),
    ({"quantity": {"n": 501, "scale": 2, "unit": "CNY"}}, Reason.PLEDGE_UNIT),
    ({"quantity": yuan(0)}, Reason.PLEDGE_SMALL),
    ({"quantity": yuan(-5)}, Reason.PLEDGE_SMALL),
    ({"quantity": yuan(9)}, Reason.PLEDGE_SMALL),
    ({"quantity": yuan(501)}, Reason.PLEDGE_LARGE),
    ({"part": 1}, Reason.SHAPE),
    ({"matches": 1}, Reason.SHAPE),
    ({"matches": True}, Reason.NO_MATCHING),
]


@pytest.mark.parametrize(("over", "reason"), PLEDGES)
def test_a_pledge_that_does_not_fit_counts_for_nothing(
    press: Press, over: dict[str, Any], reason: Reason
) -> None:
    press.begin(perPledgeMin=10, perPledgeMax=500)
    assert press.verdict(press.pledge("Jun", 50, **over)) is reason
    assert press.counted() == {}


def test_a_pledge_at_the_bounds_counts(press: Press) -> None:
    press.begin(perPledgeMin=10, perPledgeMax=500)
    assert press.verdict(press.pledge("Jun", 10)) is None
    assert press.verdict(press.pledge("Ana", 500)) is None
    finer = {"n": 5_000, "scale": 2, "unit": "CNY"}
    assert press.verdict(press.pledge("Bo", 0, quantity=finer)) is None
    assert press.counted() == {"Jun": 10, "Ana": 500, "Bo": 50}


def test_pools_of_100_and_50_give_what_they_have_of_160_asked(press: Press) -> None:
    """Goteo's matching funds (EXCHANGE section 5): pools 100 and 50, 160 asked, 100 and 50."""
    press.begin(minimum=300, matching=1)
    press.pledge("Jun", 100, matches=True)
    press.pledge("Ana", 50, matches=True)
    press.pledge("Bo", 160)
    assert press.counted() == {"Jun": 100, "Ana": 50, "Bo": 160}
    press.close()
    assert press.promised() == {"Jun": 100, "Ana": 50, "Bo": 160}


def test_a_factor_of_2_on_75_asks_150_of_a_matching_pledge(press: Press) -> None:
    """Goteo's matching funds (EXCHANGE section 5): factor 2 on 75 is 150."""
    press.begin(minimum=200, matching=2)
    press.pledge("Ana", 500, matches=True)
    press.pledge("Bo", 75)
    assert press.counted() == {"Ana": 150, "Bo": 75}
    press.close()
    assert press.stands == COLLECTING
    assert press.promised() == {"Ana": 150, "Bo": 75}


def test_matching_never_goes_beyond_the_maximum(press: Press) -> None:
    press.begin(minimum=100, maximum=200, matching=2)
    press.pledge("Ana", 500, matches=True)
    press.pledge("Bo", 75)
    assert press.counted() == {"Ana": 125, "Bo": 75}


def test_what_is_kept_has_no_minimum(press: Press) -> None:
    press.begin(minimum=0, sort="keep", optimum=1_000)
    press.pledge("Jun", 1)
    press.close()
    assert press.promised() == {"Jun": 1}
    press.end_collecting()
    assert (press.stands, press.current.paid) == (COLLECTED, 0), "what comes is kept, also nothing"


def test_a_campaign_to_which_nobody_pledged_fails_also_if_it_keeps_what_comes(
    press: Press,
) -> None:
    press.begin(minimum=0, sort="keep")
    press.close()
    assert press.stands == FAILED


def closing_cut(press: Press, trusted_ms: int, **over: Any) -> ClosingCut:
    """Return the cut that follows, at a time."""
    header = CutHeader(press.history.cut.height + 1, trusted_ms)
    cut = ClosingCut(header, trusted_ms, DEFAULT_PARAMS, b"", press.community, False)
    return cut._replace(**over)


def test_a_full_cut_closes_none_and_the_next_is_due_at_once(press: Press) -> None:
    press.begin()
    press.pledge("Jun", 1_000)
    press.cut()
    later = press.current.deadline
    for is_full, status in ((True, OPEN), (False, COLLECTING)):
        over = State(press.history.final)
        deadline.close(over, closing_cut(press, later, is_full=is_full), ())
        row = campaign_row(over, press.campaign.id)
        assert row is not None and row.status == status
        due = later + 1 if is_full else row.collect_by
        assert [*deadline.deadlines(over, later)] == [due]


def test_the_seal_at_the_deadline_closes_and_that_a_millisecond_before_does_not(
    press: Press,
) -> None:
    press.begin()
    press.pledge("Jun", 1_000)
    press.cut()
    for at, status in ((press.current.deadline - 1, OPEN), (press.current.deadline, COLLECTING)):
        over = State(press.history.final)
        deadline.close(over, closing_cut(press, at), ())
        row = campaign_row(over, press.campaign.id)
        assert row is not None and row.status == status


def test_a_seal_is_due_at_the_deadline_although_nobody_writes(press: Press) -> None:
    press.begin()
    press.cut()
    assert press.history.deadline() == press.current.deadline
    press.close()
    assert press.history.deadline() is None


def test_a_jump_of_time_closes_nothing_before_it_is_confirmed(press: Press) -> None:
    """A clock in 2030: the seal is ahead by years, and closes nothing by itself (0017)."""
    press.begin()
    press.pledge("Jun", 1_000)
    press.cut()
    press.now_ms += 4 * 365 * DAY
    press.pledge("Ana", 5)
    press.cut()
    assert press.stands == OPEN
    doubt = time_jumps.last_jump(press.history.final)
    until = doubt.doubtful_until_ms(press.history.cut.time_ms)
    assert until and press.history.deadline() == until
    press.now_ms = until
    press.cut(0)
    assert press.stands == COLLECTING
