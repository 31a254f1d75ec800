"""Names of pools: those of projects and campaigns are no names for a pool of the rules."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.errors import BadRuleset
from commonweal.protocol.ledger.ventures.campaigns.collection import pool_of
from commonweal.protocol.rules.document import from_map
from tests.protocol.ledger.council import SAID, rules
from tests.protocol.ledger.ventures.campaigns.test_collection import a_press


def named(name: str) -> dict[str, Any]:
    """Return rules with one pool of a name."""
    bucket = {"name": "all", "share": "100%", "to": "community", **SAID}
    return rules(pools={name: {"unit": "EUR", "buckets": [bucket], **SAID}})


@pytest.mark.parametrize("name", ["project shed", "campaign 90e8277504ce5f06", "campaign x"])
def test_a_pool_has_no_name_of_a_pool_of_a_project_or_a_campaign(name: str) -> None:
    with pytest.raises(BadRuleset, match=f"pools.{name}: the names of pools that begin so"):
        from_map(named(name))


@pytest.mark.parametrize("name", ["projects", "project", "campaigns", "campaign", "my campaign x"])
def test_other_names_are_free(name: str) -> None:
    assert [pool.name for pool in from_map(named(name)).pools] == [name]


def test_the_pool_of_a_campaign_is_named_so() -> None:
    press = a_press()
    campaign = press.begin()
    press.cut()
    pool = pool_of(campaign.id, press.current)
    assert pool.name == f"campaign {campaign.id.hex()[:16]}"
    with pytest.raises(BadRuleset):
        from_map(named(pool.name))
