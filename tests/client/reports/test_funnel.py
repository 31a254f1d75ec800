"""The funnel 拉新 触达 转化 复购: both readers count alike, and cohorts keep who left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commonweal.client.reports.funnel import (
    FUNNEL_WORDS,
    FunnelStage,
    funnel_members,
)
from commonweal.client.reports.seal_periods import per_mille
from commonweal.protocol.keys import Signer
from commonweal.protocol.ledger.sharing.milestones import month_of
from tests.client.reports.books import Factory, book, compare, read_again
from tests.protocol.ledger.council import HOUR, SAID
from tests.protocol.ledger.village import TEXT, seed
from tests.protocol.ledger.workshop import euros

MONTH_HOURS = 24 * 31
DAY_MS = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SALES: dict[str, Any] = {
    "unit": "EUR",
    "buckets": [{"name": "work", "share": "100%", **SAID}],
    **SAID,
}


def month_start(later: int) -> int:
    """Return when the month begins that is so many months after that of the first seal, in ms."""
    at = datetime(2023, 11 + later, 1, tzinfo=UTC)
    return (at - EPOCH) // timedelta(milliseconds=1)


def test_the_numbers_of_the_brief() -> None:
    """10 invited, 6 asked, 5 admitted, 4 active, 2 again, 1 brought: 600, 833, 800, 500, 500."""
    shop = Factory()
    names, key, closed = (
        ["Jun", "Ana", "Bo", "Lin", "Dan"],
        Signer(seed("many")),
        Signer(seed("no")),
    )
    invite = shop.mei.write("invite.create", {"key": key.key, "uses": 9})
    ended = shop.mei.write("invite.create", {"key": closed.key, "uses": 1})
    shop.mei.write("invite.revoke", {"invite": ended.id}, [ended])
    for name in names:
        pen = shop.pens[name] = shop.pen(name)
        pen.enrol([invite])
        asked = pen.request(invite, key)
        seen = shop.mei.write("member.profile", {}, [asked], TEXT)
        pen.write("member.profile", {}, [seen], TEXT)
    late = shop.pen("Eve")
    late.enrol([shop.mei.log[-1]])
    late.request(ended, closed)
    shop.learn()
    shop.cut()
    for name, by in (("Jun", "Ana"), ("Ana", "Jun"), ("Bo", "Jun"), ("Lin", "Jun")):
        shop.give(name, 1, by)
    shop.cut()
    for name, by in (("Jun", "Ana"), ("Ana", "Jun")):
        shop.give(name, 1, by)
    shop.cut(MONTH_HOURS)
    told = book(shop)
    assert [step.count for step in told.funnel().steps][:5] == [10, 6, 5, 4, 2]
    own = Signer(seed("own"))
    fifth = shop.pens["Jun"].write("invite.create", {"key": own.key, "uses": 1}, [shop.records[-1]])
    guest = shop.pens["Gao"] = shop.pen("Gao")
    guest.enrol([fifth])
    guest.request(fifth, own)
    shop.learn()
    height = shop.history.cut.height
    shop.cut()
    told = book(shop)
    steps = told.funnel(None, height).steps
    assert [step.count for step in steps] == [10, 6, 5, 4, 2, 0]
    compare(told, read_again(shop), 1, told.kept.cut.height)
    assert per_mille(1, 2) == 500, "of the two who gave again one brought somebody"
    (cohort, _) = told.funnel().cohorts
    assert (cohort.admitted, cohort.active, cohort.again, cohort.brought) == (5, 4, 2, 1)
    found = funnel_members(told.view, told.period(), FunnelStage.BROUGHT, cohort.month, 9)
    assert [row.member_name for row in found] == ["Jun"]
    assert [step.per_mille for step in steps][1:5] == [600, 833, 800, 500]


def test_who_left_stays_in_their_cohort() -> None:
    shop = Factory("Jun", "Ana")
    shop.give("Jun", 1, "Ana")
    shop.cut()
    before = book(shop).funnel().cohorts
    shop.write("Jun", "member.leave", {})
    shop.cut()
    told = book(shop)
    assert told.funnel().cohorts == before
    (found, *_) = funnel_members(told.view, told.period(), FunnelStage.ACTIVE, None, 9)
    assert (found.member_name, found.is_member) == ("Jun", False)
    compare(told, read_again(shop), 1, told.kept.cut.height)


def test_who_paid_the_community_bought() -> None:
    shop = Factory("Jun", "Ana", pools={"income": SALES})
    had: dict[str, Any] = {
        "action": "raise",
        "provider": shop.id("Ana"),
        "resourceQuantity": euros(900),
    }
    purse = shop.write("Ana", "event", {**had, "newInventoriedResource": {}})
    data: dict[str, Any] = {
        "action": "transfer",
        "provider": shop.id("Ana"),
        "receiver": shop.community,
    }
    data |= {"resourceQuantity": euros(500), "newInventoriedResource": {}}
    data |= {"resourceInventoriedAs": purse.id}
    shop.attest(shop.write("Ana", "event", data), "Jun")
    shop.cut()
    told = book(shop)
    found = funnel_members(told.view, told.period(), FunnelStage.ACTIVE, None, 9)
    assert [row.member_name for row in found] == ["Ana"]
    compare(told, read_again(shop), 1, told.kept.cut.height)


def test_twice_in_one_month_is_not_again_and_the_next_month_is() -> None:
    """A calendar month of seals, UTC: the last seal of November and the first of December."""
    shop = Factory("Jun", "Ana")
    shop.give("Jun", 1, "Ana")
    shop.cut()
    until = (month_start(1) - shop.now_ms) // HOUR
    shop.give("Jun", 1, "Ana")
    shop.cut(until)
    assert month_of(shop.now_ms) == month_of(shop.now_ms - HOUR * until)
    assert book(shop).funnel().steps[4].count == 0
    shop.give("Jun", 1, "Ana")
    shop.cut(1)
    assert book(shop).funnel().steps[4].count == 1


def test_each_stage_has_its_words_and_an_empty_ledger_has_none() -> None:
    assert {*FUNNEL_WORDS} == {*FunnelStage}
    steps = book(Factory()).funnel().steps
    assert [(step.count, step.per_mille) for step in steps] == [(0, None)] * 6


@pytest.mark.parametrize("days", [-719_162, -1, 0, 58, 59, 60, 11_016, 19_782, 2_932_896])
def test_months_are_those_of_the_calendar(days: int) -> None:
    at = EPOCH + timedelta(days=days)
    assert month_of(days * DAY_MS) == month_of((days + 1) * DAY_MS - 1)
    assert month_of(days * DAY_MS) == at.year * 12 + at.month - 1
