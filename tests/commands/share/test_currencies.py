"""Amounts have as many decimals as their currency, in income, shares, claims and payout files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest

from tests.builders.commons import RULES, Commons

YEN = RULES.replace('"EUR"\nscale = 2', '"JPY"')
DINARS = RULES.replace('"EUR"\nscale = 2', '"KWD"')
WITH_UNITS = "attestations = 1\nunits = ['hour', 'KWD', 'JPY']"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Commons]:
    """Give a community whose pool is in a currency, and in which Bo worked 2 hours, Ana 1."""

    def made(rules: str) -> Commons:
        folder = tmp_path_factory.mktemp("currency")
        lanxi = Commons(folder)
        lanxi.adopt(rules.replace("attestations = 1", WITH_UNITS, 1), folder)
        ids = [
            lanxi.json(home, "record", "work", n, "hours")["id"]
            for home, n in ((lanxi.bo, "2"), (lanxi.ana, "1"))
        ]
        lanxi.meet()
        lanxi.good(lanxi.mei, "attest", *(id[:12] for id in ids))
        return lanxi

    return made


def earn(lanxi: Commons, amount: str, unit: str) -> str:
    id: str = lanxi.json(lanxi.ana, "income", amount, unit)["id"]
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", id[:12])
    lanxi.seal()
    return id


def payouts(lanxi: Commons) -> dict[str, str]:
    text = lanxi.good(lanxi.bo, "payouts", "-o", "csv").out
    return {row["member_name"]: row["amount"] for row in csv.DictReader(io.StringIO(text))}


def test_a_pool_in_yen_pays_whole_yen(scene: Callable[[str], Commons]) -> None:
    lanxi = scene(YEN)
    came = earn(lanxi, "100", "yen")
    assert payouts(lanxi) == {"Bo": "67", "Ana": "33"}
    shown = lanxi.good(lanxi.mei, "shares").out
    assert "67" in shown and "67.0" not in shown
    claim = lanxi.json(lanxi.mei, "claims", "--member", "Bo")["claims"][0]["claim"]
    refused = lanxi.refused(lanxi.mei, "record", "transfer", "0.5", "JPY", "--settles", claim[:12])
    assert refused.code == 77
    assert "finer than the scale of the claim" in refused.err
    for typed in (("income", "0.5", "JPY"), ("correct", came[:12], "99.5", "JPY")):
        refused = lanxi.refused(lanxi.ana, *typed)
        assert refused.code == 77
        assert "the pool income counts no less than 1 JPY: round the amount" in refused.err
    assert lanxi.json(lanxi.ana, "income", "7.0", "JPY")["id"], "7.0 yen are whole"


def test_a_pool_in_dinars_pays_thousandths(scene: Callable[[str], Commons]) -> None:
    lanxi = scene(DINARS)
    earn(lanxi, "1", "kwd")
    assert payouts(lanxi) == {"Bo": "0.667", "Ana": "0.333"}
    refused = lanxi.refused(lanxi.ana, "income", "0.0005", "KWD")
    assert "no less than 0.001 KWD" in refused.err


def test_the_rules_may_say_another_scale(scene: Callable[[str], Commons]) -> None:
    lanxi = scene(YEN.replace('"JPY"', '"JPY"\nscale = 1'))
    earn(lanxi, "0.5", "JPY")
    assert payouts(lanxi) == {"Bo": "0.3", "Ana": "0.2"}
    assert lanxi.refused(lanxi.ana, "income", "0.05", "JPY").code == 77
    record = lanxi.json(lanxi.ana, "record", "transfer", "0.05", "JPY", "--receiver", "Bo")
    assert record["id"], "what is no income has any scale"
