"""Campaigns as the rules describe them: who begins them, and what if too little comes.

A document is checked and read here. Which campaigns there are is known to the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from commonweal.protocol.rules import schema
from commonweal.protocol.rules.faults import RulesetFault
from commonweal.protocol.vocabulary.identifiers import CAMPAIGN_POOL
from commonweal.protocol.vocabulary.rule_params import DAY_MS, CampaignRules


def faults(document: Mapping[str, Any]) -> Iterator[RulesetFault]:
    """Yield the faults of what a document says of campaigns, whose tables have the right form."""
    for name in document.get("pools", {}):
        if name.startswith(CAMPAIGN_POOL):
            sentence = "the names of pools that begin so are those of campaigns"
            yield RulesetFault(("pools", name), sentence, "give the pool another name")
    if document.get("campaigns", {}).get("loans") == "bucket" and not _has_debts(document):
        sentence = "loans are given back by a bucket, and no bucket pays debts"
        hint = "write claim = 'debt' in a bucket, or loans = 'claim'"
        yield RulesetFault(("campaigns", "loans"), sentence, hint)


def campaign_rules(document: Mapping[str, Any]) -> CampaignRules:
    """Return the [campaigns] section of a checked document; missing keys have defaults."""
    section = document.get("campaigns", {})
    values = {name: section.get(name, field.default) for name, field in schema.CAMPAIGNS.items()}
    return CampaignRules(
        values["authors"],
        values["days_max"] * DAY_MS,
        values["collect_days_max"] * DAY_MS,
        values["short"],
        values["loans"],
    )


def _has_debts(document: Mapping[str, Any]) -> bool:
    pools = document.get("pools", {}).values()
    buckets = (bucket for pool in pools for bucket in pool.get("buckets", []))
    return any(bucket.get("claim") == "debt" for bucket in buckets)
