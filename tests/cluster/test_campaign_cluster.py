"""Five real nodes: a campaign closes alike on all, also on one that was down at its deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest

from commonweal.client.language.times import iso
from tests.cluster.street import FIVE, Street, until

DEADLINE_MS = 40_000
"""How long a campaign is open: all pledge within it."""


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Five members who are connected."""
    made = Street(tmp_path_factory.mktemp("street"))
    try:
        made.up(*FIVE)
        yield made
    finally:
        made.end()


@pytest.mark.timeout(300)
def test_campaigns_close_while_one_node_is_down_and_alike_on_it_after_its_return(
    street: Street,
) -> None:
    deadline = iso(time.time_ns() // 1_000_000 + DEADLINE_MS)
    begun = {
        last: street.weal(1, "campaign", "new", title, "1000", "EUR", deadline)["id"]
        for last, title in ((400, "a press"), (399, "a printer"))
    }
    street.equal(*FIVE)
    for last, campaign in begun.items():
        street.weal(2, "pledge", campaign, "600", "EUR")
        street.weal(5, "pledge", campaign, str(last), "EUR")
    street.equal(*FIVE)

    street.up(1, 2, 3, 4)
    assert street.weal(1, "campaign", "show", begun[399])["state"] == "open"
    for campaign in begun.values():
        until(partial(_is_closed, street, campaign), "it stays open")
    street.up(*FIVE)
    street.seal()

    assert len(street.roots()) == 1
    for last, state, owes in ((400, "collecting", "400"), (399, "failed", None)):
        shown = [street.weal(number, "campaign", "show", begun[last]) for number in FIVE]
        assert {one["state"] for one in shown} == {state}
        assert {one["counted"] for one in shown} == {str(600 + last)}
        assert shown[4]["mine_open"] == owes
        assert shown[2]["mine_open"] is None


def _is_closed(street: Street, campaign: str) -> bool:
    return bool(street.weal(1, "campaign", "show", campaign)["state"] != "open")
