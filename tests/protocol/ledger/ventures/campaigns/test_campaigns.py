"""Campaigns: who begins, replaces and cancels them, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.quantities import SCALE_MAX
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import (
    CANCELLED,
    OPEN,
    REPLACED,
    campaign_row,
)
from commonweal.protocol.ledger.ventures.campaigns.campaigns import (
    MATCHING_MAX,
    OPEN_PER_MEMBER_MAX,
)
from commonweal.protocol.vocabulary.rule_params import DEFAULT_CAMPAIGNS
from tests.protocol.ledger.council import HOUR, SAID, START, rules
from tests.protocol.ledger.press import Press, yuan

NOW = START + HOUR
LATEST = NOW + DEFAULT_CAMPAIGNS.open_ms


@pytest.fixture
def press() -> Press:
    return Press(rules(), "Jun", "Ana", "Bo")


BAD: list[tuple[dict[str, Any], Reason]] = [
    ({"unit": None}, Reason.SHAPE),
    ({"unit": 7}, Reason.SHAPE),
    ({"unit": "furlong"}, Reason.UNKNOWN_UNIT),
    ({"scale": SCALE_MAX + 1}, Reason.SHAPE),
    ({"scale": -1}, Reason.SHAPE),
    ({"minimum": None}, Reason.SHAPE),
    ({"minimum": -1}, Reason.SHAPE),
    ({"minimum": True}, Reason.SHAPE),
    ({"minimum": 0}, Reason.GOALS),
    ({"sort": "keep"}, Reason.GOALS),
    ({"sort": "some"}, Reason.SHAPE),
    ({"gives": "praise"}, Reason.SHAPE),
    ({"optimum": 0}, Reason.SHAPE),
    ({"optimum": 999}, Reason.GOALS),
    ({"maximum": 999}, Reason.GOALS),
    ({"optimum": 1_200, "maximum": 1_100}, Reason.GOALS),
    ({"perPledgeMin": 10, "perPledgeMax": 9}, Reason.GOALS),
    ({"perPledgeMin": 1_001, "maximum": 1_000}, Reason.GOALS),
    ({"matching": MATCHING_MAX + 1}, Reason.SHAPE),
    ({"matching": -1}, Reason.SHAPE),
    ({"inScopeOf": " press"}, Reason.SHAPE),
    ({"gives": "reward"}, Reason.SHAPE),
    ({"reward": yuan(1)}, Reason.SHAPE),
    ({"gives": "reward", "reward": yuan(0)}, Reason.SHAPE),
    ({"gives": "reward", "reward": yuan(1) | {"unit": "furlong"}}, Reason.UNKNOWN_UNIT),
    ({"deadline": NOW}, Reason.DEADLINE_PAST),
    ({"deadline": -1}, Reason.SHAPE),
    ({"deadline": "soon"}, Reason.SHAPE),
    ({"collectBy": NOW + 40 * HOUR}, Reason.DEADLINE_PAST),
    ({"collectBy": None}, Reason.SHAPE),
    ({"deadline": LATEST + 1, "collectBy": LATEST + 2}, Reason.DEADLINE_FAR),
    ({"collectBy": NOW + 40 * HOUR + DEFAULT_CAMPAIGNS.collect_ms + 1}, Reason.DEADLINE_FAR),
    ({"replaces": b"x"}, Reason.SHAPE),
    ({"replaces": bytes(32)}, Reason.UNKNOWN_CAMPAIGN),
]


@pytest.mark.parametrize(("over", "reason"), BAD)
def test_a_campaign_that_is_not_sound_counts_for_nothing(
    press: Press, over: dict[str, Any], reason: Reason
) -> None:
    assert press.verdict(press.begin(**over)) is reason


def test_a_campaign_at_every_limit_counts(press: Press) -> None:
    deadline = press.now_ms + DEFAULT_CAMPAIGNS.open_ms
    begun = press.begin(
        scale=SCALE_MAX,
        matching=MATCHING_MAX,
        optimum=INT_MAX,
        maximum=INT_MAX,
        deadline=deadline,
        collectBy=deadline + DEFAULT_CAMPAIGNS.collect_ms,
    )
    assert press.verdict(begun) is None


def test_a_member_has_only_so_many_campaigns_at_once(press: Press) -> None:
    first = press.begin()
    others = [press.begin() for _ in range(OPEN_PER_MEMBER_MAX - 1)]
    assert [press.verdict(begun) for begun in (first, *others)] == [None] * OPEN_PER_MEMBER_MAX
    assert press.verdict(press.begin()) is Reason.TOO_MANY_CAMPAIGNS
    assert press.verdict(press.begin("Jun")) is None, "others have their own"
    press.campaign = first
    assert press.verdict(press.cancel()) is None
    assert press.verdict(press.begin()) is None
    press.campaign = others[0]
    replaced = press.begin(replaces=others[0].id)
    assert press.verdict(replaced) is None, "what is replaced makes room"


def test_only_the_role_of_the_rules_begins_campaigns() -> None:
    press = Press(rules(campaigns={"authors": "promoter", **SAID}), "Jun", "Ana")
    assert press.verdict(press.begin("Jun")) is Reason.NOT_YOURS
    press.write("Jun", "role.claim", {"role": "promoter"})
    assert press.verdict(press.begin("Jun")) is Reason.NOT_YOURS, "nobody endorsed it yet"
    press.write("Mei", "role.endorse", {"role": "promoter", "member": press.id("Jun")})
    assert press.verdict(press.begin("Jun")) is None


def test_the_author_cancels_while_nothing_is_pledged(press: Press) -> None:
    press.begin()
    assert press.verdict(press.cancel("Jun")) is Reason.NOT_YOURS
    press.pledge("Jun", 1)
    assert press.verdict(press.cancel()) is Reason.HAS_PLEDGES
    press.withdraw("Jun")
    assert press.verdict(press.cancel()) is None
    assert press.stands == CANCELLED
    assert press.verdict(press.cancel()) is Reason.CAMPAIGN_CLOSED
    assert press.verdict(press.pledge("Jun", 5)) is Reason.CAMPAIGN_CLOSED


def test_a_pledge_of_who_left_keeps_no_campaign_open(press: Press) -> None:
    press.begin()
    press.pledge("Jun", 100)
    press.write("Jun", "member.leave", {})
    assert press.verdict(press.cancel()) is None


def test_a_campaign_is_replaced_while_nothing_is_pledged(press: Press) -> None:
    first = press.begin()
    second = press.begin(minimum=500, replaces=first.id)
    old = campaign_row(press.history.state, first.id)
    assert old is not None and (old.status, press.stands) == (REPLACED, OPEN)
    press.pledge("Jun", 5)
    assert press.verdict(press.begin(replaces=second.id)) is Reason.HAS_PLEDGES
    assert press.verdict(press.begin("Jun", replaces=second.id)) is Reason.NOT_YOURS


@pytest.mark.parametrize("kind", ["campaign.cancel", "pledge.withdraw"])
@pytest.mark.parametrize(
    ("campaign", "reason"), [(b"x", Reason.SHAPE), (bytes(32), Reason.UNKNOWN_CAMPAIGN)]
)
def test_what_ends_something_names_a_campaign(
    press: Press, kind: str, campaign: bytes, reason: Reason
) -> None:
    assert press.verdict(press.write("Mei", kind, {"campaign": campaign})) is reason
