"""Dates: a clock that is wrong by days decides nothing, and seals find back to the present."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.state import time_jumps
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.state.time_jumps import (
    CONFIRM_MS,
    JUMP_MS_MIN,
    RETURN_MS_MAX,
    TimeJump,
)
from commonweal.protocol.seal.timing import BACK_MS_MIN
from tests.protocol.ledger.council import DAY, HOUR, Council, process, rules
from tests.protocol.ledger.village import TEXT
from tests.protocol.ledger.workshop import Workshop, paying

YEARS = 10 * 365 * DAY


def lazy() -> dict[str, Any]:
    """Return rules by which silence passes a decision in three days."""
    table = rules()
    table["governance"]["lazy"] = process(period_hours=72, objections=1)
    table["governance"]["lazy"].pop("threshold")
    table["governance"]["lazy"].pop("early")
    return table


def council() -> Council:
    made = Council(rules(), "Jun", "Ana")
    made.cut()
    return made


def seal_at(council: Council, now_ms: int) -> None:
    """Seal what there is, with a proposer whose clock says `now_ms`."""
    council.learn()
    council.write("Mei", "member.profile", {}, TEXT)
    advance = council.history.next_advance(now_ms)
    assert advance is not None
    council.seal(advance)


def test_one_seal_of_a_clock_that_is_days_ahead_closes_no_vote() -> None:
    made = council()
    proposal = made.decide("Jun")
    seal_at(made, made.now_ms + HOUR)
    made.say(proposal, "yes", "Mei Jun Ana")
    seal_at(made, made.now_ms + 8 * DAY)
    assert made.status(proposal) == "open"
    seal_at(made, made.now_ms + 2 * HOUR)  # the clock is right again
    assert made.history.cut.time_ms == made.now_ms + 2 * HOUR
    assert made.status(proposal) == "open"
    seal_at(made, made.now_ms + 26 * HOUR)
    assert made.status(proposal) == "passed"


def test_after_a_seal_of_ten_years_ahead_votes_end_in_their_time() -> None:
    made = council()
    seal_at(made, made.now_ms + YEARS)
    proposal = made.decide("Jun")
    seal_at(made, made.now_ms + YEARS + HOUR // 2)
    made.say(proposal, "yes", "Mei Jun Ana")
    assert made.row(proposal).deadline_ms > made.now_ms + YEARS
    seal_at(made, made.now_ms + HOUR)
    assert made.history.cut.time_ms == made.now_ms + HOUR
    assert made.row(proposal).deadline_ms == made.now_ms + HOUR + DAY
    seal_at(made, made.now_ms + 2 * HOUR + DAY)
    assert made.status(proposal) == "passed"


def test_a_wrong_clock_that_went_on_for_a_day_leads_back_all_the_same() -> None:
    made = council()
    for hours in (0, 2, 24):
        seal_at(made, made.now_ms + YEARS + hours * HOUR)
    seal_at(made, made.now_ms + 25 * HOUR)
    assert made.history.cut.time_ms == made.now_ms + 25 * HOUR


def test_after_a_long_quiet_votes_close_an_hour_later() -> None:
    """A community in which nobody wrote for a month is no clock that is wrong."""
    made = council()
    proposal = made.decide("Jun")
    seal_at(made, made.now_ms + HOUR)
    made.say(proposal, "yes", "Mei Jun Ana")
    late = made.now_ms + 30 * DAY
    seal_at(made, late)
    assert made.status(proposal) == "open"
    assert made.history.deadline() == late + CONFIRM_MS
    seal_at(made, late + CONFIRM_MS)
    assert made.status(proposal) == "passed"


def test_what_does_not_wait_for_a_time_is_decided_at_once() -> None:
    table = rules()
    table["governance"]["ordinary"] = process(early=True)
    made = Council(table, "Jun", "Ana")
    made.cut()
    proposal = made.decide("Jun")
    made.say(proposal, "yes", "Mei Jun Ana")
    seal_at(made, made.now_ms + 30 * DAY)
    seal_at(made, made.now_ms + 30 * DAY + 1000)
    assert made.status(proposal) == "passed"


def test_a_jump_splits_no_pool_that_is_due_by_time() -> None:
    shop = Workshop(paying(every_hours=7 * 24), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.earn(1000)
    shop.cut()
    (before,) = pools.pools(shop.history.final).values()
    shop.earn(500)
    seal_at(shop, shop.now_ms + 8 * DAY)
    (during,) = pools.pools(shop.history.final).values()
    assert during.split_ms == before.split_ms and during.carried == 500
    seal_at(shop, shop.now_ms + 8 * DAY + CONFIRM_MS)
    (after,) = pools.pools(shop.history.final).values()
    assert after.carried == 0


# The rule itself: last, sure, since, the next, and whether it may be.

SURE, SINCE = 100 * DAY, 200 * DAY
FOLLOWS = [
    ("later", 0, 0, 5, 6, True),
    ("the same", 0, 0, 5, 5, False),
    ("back, without a jump", 0, 0, SINCE, SINCE - BACK_MS_MIN, False),
    ("back, beyond what was sure", SURE, SINCE, SINCE, SURE, False),
    ("back, to just after what was sure", SURE, SINCE, SINCE, SURE + 1, True),
    ("back by an hour", SURE, SINCE, SINCE, SINCE - BACK_MS_MIN, True),
    ("back by less", SURE, SINCE, SINCE, SINCE - BACK_MS_MIN + 1, False),
    ("back, a month later", SURE, SINCE, SINCE + RETURN_MS_MAX, SURE + 1, True),
    ("back, later than that", SURE, SINCE, SINCE + RETURN_MS_MAX + 1, SURE + 1, False),
]


@pytest.mark.parametrize(("what", "sure", "since", "last", "time_ms", "may"), FOLLOWS)
def test_a_seal_follows(
    what: str, sure: int, since: int, last: int, time_ms: int, may: bool
) -> None:
    state = State()
    state.put(time_jumps.JUMP, [sure, since])
    assert time_jumps.may_follow(state, last, time_ms) is may, what
    if not may:
        with pytest.raises(InvalidSeal):
            time_jumps.check_follows(state, last, time_ms)


JUMPS = [
    ("the first seal", 0, TimeJump(), SURE, TimeJump()),
    ("two days later", SURE, TimeJump(), SURE + JUMP_MS_MIN, TimeJump()),
    (
        "more than two days",
        SURE,
        TimeJump(),
        SURE + JUMP_MS_MIN + 1,
        TimeJump(SURE, SURE + JUMP_MS_MIN + 1),
    ),
    (
        "a jump after one in doubt",
        SINCE,
        TimeJump(SURE, SINCE),
        2 * SINCE,
        TimeJump(SURE, 2 * SINCE),
    ),
    ("a jump long after another", SINCE, TimeJump(1, 2), 2 * SINCE, TimeJump(SINCE, 2 * SINCE)),
    ("back to what was sure", SINCE, TimeJump(SURE, SINCE), SURE + DAY, TimeJump()),
    (
        "back, and still days later",
        SINCE,
        TimeJump(SURE, SINCE),
        SINCE - DAY,
        TimeJump(SURE, SINCE - DAY),
    ),
]


@pytest.mark.parametrize(("what", "last", "known", "time_ms", "then"), JUMPS)
def test_a_jump_is_noted(
    what: str, last: int, known: TimeJump, time_ms: int, then: TimeJump
) -> None:
    state = State()
    state.put(time_jumps.JUMP, [*known])
    if last:
        state.put(time_jumps.LAST, [1, last, b"", b"", 1])
    assert time_jumps.jump_after(state, time_ms) == then, what
