"""Reports: each number is that of its contributions, and stages follow from the ledger."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.reports.contribution_stages import Stage
from commonweal.client.reports.factors import PER_POINTS
from commonweal.client.reports.reports import CommunityReport
from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import UnreadableTime
from commonweal.protocol.ledger.claims.pools import INPUTS_KEPT_MAX
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED
from tests.builders import homes
from tests.builders.commons import RULES, Commons

ONCE = RULES.replace('claim = "equity"', 'claim = "once"')


def counts(report: CommunityReport) -> dict[str, int]:
    return {row.stage.value: row.contributions for row in report.funnel}


def report(lanxi: Commons, period: str = "") -> CommunityReport:
    with Member(lanxi.mei) as member:
        return member.report(period)


def work(lanxi: Commons, hours: str, *more: str) -> str:
    id: str = lanxi.json(lanxi.bo, "record", "work", hours, "hours", *more)["id"]
    lanxi.meet()
    return id


def income(lanxi: Commons, day: str | None = None) -> None:
    """Let 90 EUR come in from outside, attested and sealed."""
    with Member(lanxi.ana) as ana:
        community = ana.view.community
    data: dict[str, Value] = {"action": "transfer", "provider": b"c" * 16, "receiver": community}
    data["resourceQuantity"] = {"n": 90, "scale": 0, "unit": "EUR"}
    data["newInventoriedResource"] = {}
    if day is not None:
        data[HAPPENED] = day
    (written,) = homes.write(lanxi.ana, Wish("event", data))
    lanxi.meet()
    with Member(lanxi.mei) as mei:
        mei.attest(written["id"])
    lanxi.seal()


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    folder = tmp_path_factory.mktemp("reports")
    community = Commons(folder)
    community.adopt(ONCE, folder)
    return community.copies(tmp_path_factory)


@pytest.fixture
def lanxi(copies: Callable[[], Commons]) -> Commons:
    return copies()


def test_a_contribution_goes_through_the_stages_one_by_one(lanxi: Commons) -> None:
    assert set(counts(report(lanxi)).values()) == {0}
    id = work(lanxi, "3", "--when", "2026-01-05", "--factor", "labour")
    stages = list(Stage)

    def reached() -> Stage:
        found = counts(report(lanxi, "2026-01"))
        assert sorted(found.values(), reverse=True) == list(found.values())
        return stages[sum(found.values()) - 1]

    assert reached() is Stage.RECORDED
    lanxi.good(lanxi.ana, "attest", id[:16])
    lanxi.meet()
    assert reached() is Stage.ATTESTED
    lanxi.seal()
    assert reached() is Stage.COUNTED
    income(lanxi, "2026-01-09")
    assert reached() is Stage.SHARED
    (claim,) = lanxi.json(lanxi.mei, "claims")["claims"]
    typed = ("record", "transfer", "90", "EUR", "--settles", claim["claim"][:16])
    paid = lanxi.json(lanxi.mei, *typed)["id"]
    lanxi.meet()
    assert reached() is Stage.SHARED
    lanxi.good(lanxi.bo, "attest", paid[:16])
    lanxi.meet()
    assert reached() is Stage.SETTLED

    told = report(lanxi, "2026-01")
    with Member(lanxi.mei) as member:
        behind = member.reported("2026-01", Stage.SETTLED, limit=1)
    assert behind.total == 1 and [row.id.hex() for row in behind.contributions] == [id]
    (factor,) = told.factors
    assert (factor.factor, factor.points, factor.contributors) == ("labour", 3000, 1)
    (month,) = told.months
    assert (month.month, month.points, month.contributors) == ("2026-01", 3000, 1)
    assert [(income.unit, income.amount) for income in month.incomes] == [("EUR", Decimal(90))]
    assert month.incomes[0].amount / month.points * PER_POINTS == month.productivity[0].amount == 30


def test_what_is_disputed_or_denied_is_not_attested(lanxi: Commons) -> None:
    disputed, denied = work(lanxi, "1"), work(lanxi, "2")
    lanxi.good(lanxi.ana, "attest", disputed[:16], denied[:16])
    lanxi.good(lanxi.ana, "dispute", disputed[:16])
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", "--no", denied[:16])
    lanxi.meet()
    assert [*counts(report(lanxi)).values()] == [2, 0, 0, 0, 0, 0]


def test_the_commons_ask_for_more_attestations(tmp_path: Path) -> None:
    lanxi = Commons(tmp_path)
    asked = "attestations = 1\ncommon_attestations = 2"
    lanxi.adopt(RULES.replace("attestations = 1", asked), tmp_path)
    with Member(lanxi.bo) as bo:
        bread = bo.add_resource("bread", 3, "kg", common=True).id.hex()[:16]
    own = work(lanxi, "1")
    lanxi.good(lanxi.ana, "attest", bread, own[:16])
    lanxi.meet()
    assert [*counts(report(lanxi)).values()][:2] == [2, 1]
    lanxi.good(lanxi.mei, "attest", bread)
    lanxi.meet()
    assert [*counts(report(lanxi)).values()][:2] == [2, 2]


def test_what_no_rule_values_stays_sealed(lanxi: Commons) -> None:
    id = lanxi.json(lanxi.bo, "record", "transfer", "7", "kg", "--receiver", "Ana")["id"]
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", id[:16])
    lanxi.seal()
    found = counts(report(lanxi))
    assert (found["sealed"], found["counted"]) == (1, 0)
    assert not report(lanxi).factors and not report(lanxi).months


def test_money_is_not_among_contributions(lanxi: Commons) -> None:
    came = lanxi.json(lanxi.ana, "income", "90", "EUR")["id"]
    lanxi.meet()
    assert counts(report(lanxi))["recorded"] == 0
    lanxi.good(lanxi.mei, "attest", came[:16])
    lanxi.seal()
    assert counts(report(lanxi))["recorded"] == 0
    (month,) = report(lanxi).months
    assert (month.points, month.productivity) == (0, ())


def test_what_was_corrected_to_nothing_is_left_out(lanxi: Commons) -> None:
    id = work(lanxi, "3")
    lanxi.good(lanxi.bo, "correct", id[:16], "0", "hours")
    lanxi.meet()
    assert counts(report(lanxi))["recorded"] == 0


def test_agents_outside_are_told_apart(lanxi: Commons) -> None:
    lanxi.good(lanxi.bo, "agent", "new", "Cai")
    made = lanxi.json(lanxi.bo, "record", "work", "2", "hours", "--provider", "Cai")["id"]
    own = work(lanxi, "1")
    lanxi.good(lanxi.ana, "attest", made[:16], own[:16])
    lanxi.seal()
    (factor,) = report(lanxi).factors
    assert (factor.factor, factor.contributors) == ("", 2)
    assert (factor.points, factor.outside) == (3000, 2000)


@pytest.mark.parametrize("claim", ["once", "equity", "debt"])
def test_all_contributions_behind_a_share_are_shared(claim: str, tmp_path: Path) -> None:
    lanxi = Commons(tmp_path)
    lanxi.adopt(RULES.replace('claim = "equity"', f'claim = "{claim}"'), tmp_path)
    count = INPUTS_KEPT_MAX + 2
    with Member(lanxi.bo) as bo:
        for hours in range(1, count + 1):
            bo.record("work", hours, "hours")
    lanxi.meet()
    with Member(lanxi.ana) as ana:
        ana.attest_all(member="Bo")
    lanxi.meet()
    income(lanxi)
    assert [*counts(report(lanxi)).values()] == [*[count] * 5, 0]


def test_a_period_has_its_own_contributions(lanxi: Commons) -> None:
    for when in ("2025-12-31", "2026-01-01", "2026-01-31T23:59", "2026-02-01"):
        work(lanxi, "1", "--when", when)
    for period, count in (("2026-01", 2), ("2026", 3), ("2025", 1), ("", 4), ("2024", 0)):
        with Member(lanxi.mei) as member:
            told = member.report(period)
        assert counts(told)["recorded"] == count, period


@pytest.mark.parametrize("period", ["2026-13", "2026-1", "26", "0000", "x" * 99, "2026-01-05"])
def test_what_is_no_period_is_refused(period: str, lanxi: Commons) -> None:
    with Member(lanxi.mei) as member, pytest.raises(UnreadableTime):
        member.report(period)
