"""Data as the rules describe it: for what members may consent, how long, and which pools share.

A document is checked and read here. Which consents there are is known to the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from commonweal.protocol.rules.faults import RulesetFault
from commonweal.protocol.vocabulary.identifiers import CODE_CHARACTERS_MAX
from commonweal.protocol.vocabulary.rule_params import HOUR_MS, DataRules

TO_DATA = "data"
"""Where a bucket goes that the owners of used data share."""

DAY_MS = 24 * HOUR_MS


def faults(document: Mapping[str, Any]) -> Iterator[RulesetFault]:
    """Yield the faults of the data of a document whose tables have the right form."""
    for number, purpose in enumerate(document.get("data", {}).get("purposes", ())):
        if len(purpose) > CODE_CHARACTERS_MAX:
            sentence = f"a purpose has at most {CODE_CHARACTERS_MAX} characters"
            yield RulesetFault(("data", "purposes", number), sentence, "shorten it")
    for name, pool in document.get("pools", {}).items():
        for number, bucket in enumerate(pool.get("buckets", ())):
            if bucket.get("to") == TO_DATA and bucket.get("role"):
                path = ("pools", name, "buckets", number, "role")
                sentence = "the owners of the data that was used receive this"
                yield RulesetFault(path, sentence, "leave role out")


def data_rules(document: Mapping[str, Any]) -> DataRules:
    """Return what a document, which was checked, says of data."""
    table = document.get("data", {})
    pools = [
        name
        for name, pool in sorted(document.get("pools", {}).items())
        if any(bucket.get("to") == TO_DATA for bucket in pool["buckets"])
    ]
    days = table.get("longest_days", 0)
    return DataRules(tuple(table.get("purposes", ())), days * DAY_MS, tuple(pools))


def jurisdiction(document: Mapping[str, Any]) -> str:
    """Return under which law the data is, as the rules say; empty where they do not say."""
    return str(document.get("data", {}).get("jurisdiction", ""))
