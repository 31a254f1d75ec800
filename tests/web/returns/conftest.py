"""A community whose income was shared: claims are open, one payment waits to be confirmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from commonweal.client import Member
from tests.builders.commons import RULES, Commons

NAME = '<script>alert("x")</script>'
SHARED = RULES.replace('share = "100%"', 'share = "80%"') + (
    """
[[pools.income.buckets]]
name = "<b>fund</b>"
to = "community"
share = "20%"
en = "A fifth stays."
zh = "留五分之一。"
"""
)
"""As `RULES`, but a fifth stays with the community, by a bucket of a hostile name."""


class Cart(NamedTuple):
    """The community. payment: of the community to Bo, said; income: the one that was shared."""

    lanxi: Commons
    payment: str
    income: str

    def claim(self, name: str) -> str:
        """Return the id of the claim of a member."""
        with Member(self.lanxi.mei) as mei:
            (claim,) = (row.claim for row in mei.claims().claims if row.member_name == name)
        return claim.hex()


@pytest.fixture(scope="session")
def cart_once(tmp_path_factory: pytest.TempPathFactory) -> Cart:
    folder = tmp_path_factory.mktemp("cart")
    lanxi = Commons(folder)
    lanxi.adopt(SHARED, folder)
    for home, hours in ((lanxi.bo, 3), (lanxi.ana, 1)):
        with Member(home) as member:
            member.record("work", hours, "hours", factor="labour", when="2026-01-05", note=NAME)
    lanxi.meet()
    with Member(lanxi.mei) as mei:
        mei.attest_all()
    with Member(lanxi.ana) as ana:
        income = ana.income(100, "EUR").id
    lanxi.meet()
    with Member(lanxi.mei) as mei:
        mei.attest(income)
    lanxi.seal()
    cart = Cart(lanxi, "", income.hex())
    with Member(lanxi.mei) as mei:
        paid = mei.record("transfer", 20, "EUR", settles=(cart.claim("Bo"),)).id
    lanxi.meet()
    return cart._replace(payment=paid.hex())


@pytest.fixture(scope="session")
def kept(cart_once: Cart) -> Cart:
    """Give the community, for what only reads."""
    return cart_once


@pytest.fixture
def cart(cart_once: Cart, tmp_path_factory: pytest.TempPathFactory) -> Cart:
    """Give a copy of the community, for what writes."""
    copy: Callable[[], Commons] = cart_once.lanxi.copies(tmp_path_factory)
    return cart_once._replace(lanxi=copy())
