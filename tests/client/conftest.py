"""A community with money: an income that was split, claims that were paid, a correction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.builders.commons import RULES, Commons

SHARED = RULES.replace('share = "100%"', 'share = "80%"') + (
    """
[[pools.income.buckets]]
name = "seed: fund"
to = "community"
share = "20%"
en = "A fifth stays."
zh = "留五分之一。"
"""
)
"""As `RULES`, but a fifth stays with the community."""
NOTE = 'dug; "beds"\n(and) more, date:2026-99-99 [2026-99]'


class Payments(NamedTuple):
    """Ids: of what the community paid, of what Ana paid, and of what nobody confirmed."""

    confirmed: str
    by_ana: str
    said: str


class Accounts(NamedTuple):
    """The community, the income that was corrected, and the payments."""

    lanxi: Commons
    income: str
    payments: Payments


def _claim(lanxi: Commons, name: str) -> str:
    rows = lanxi.json(lanxi.mei, "claims")["claims"]
    (claim,) = (row["claim"] for row in rows if row["member_name"] == name)
    return str(claim)[:16]


def _income(lanxi: Commons, amount: str) -> str:
    id: str = lanxi.json(lanxi.ana, "income", amount, "EUR")["id"]
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", id[:16])
    lanxi.seal()
    return id


def _paid(lanxi: Commons, amount: str, *more: str) -> str:
    typed = ("record", "transfer", amount, "EUR", "--settles", _claim(lanxi, "Bo"), *more)
    id: str = lanxi.json(lanxi.mei, *typed)["id"]
    lanxi.meet()
    return id


@pytest.fixture(scope="session")
def accounts_once(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    folder = tmp_path_factory.mktemp("accounts")
    lanxi = Commons(folder)
    lanxi.adopt(SHARED, folder)
    hours = ((lanxi.bo, "3"), (lanxi.ana, "1"))
    ids = [
        lanxi.json(home, "record", "work", n, "hours", "--note", NOTE)["id"] for home, n in hours
    ]
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", *(id[:16] for id in ids))
    income = _income(lanxi, "100")
    payments = Payments(_paid(lanxi, "30"), _paid(lanxi, "10", "--provider", "Ana"), "")
    for id in payments[:2]:
        lanxi.good(lanxi.bo, "attest", id[:16])
    payments = payments._replace(said=_paid(lanxi, "5"))
    lanxi.seal()
    lanxi.good(lanxi.ana, "correct", income[:16], "90", "EUR")
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", income[:16])
    lanxi.seal()
    lanxi.good(lanxi.bo, "record", "work", "2", "hours", "--when", "2026-01-05", "--scope", "beds")
    lanxi.good(lanxi.bo, "record", "transfer", "7", "kg", "--receiver", "Ana")
    lanxi.seal()
    lanxi.good(lanxi.ana, "record", "work", "9", "hours")
    lanxi.meet()
    return Accounts(lanxi, income, payments)


@pytest.fixture
def accounts(
    accounts_once: Accounts, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Accounts]:
    """Give copies of the community, each with homes of its own."""
    copy = accounts_once.lanxi.copies(tmp_path_factory)
    return lambda: accounts_once._replace(lanxi=copy())


@pytest.fixture(scope="session")
def mei(accounts_once: Accounts) -> Path:
    """The home of Mei, which nothing changes."""
    return accounts_once.lanxi.mei.path
