"""Reviews as the rules describe them: until when they are written, and what a withheld one counts.

A document that was checked is read here. Which reviews there are is known to the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from commonweal.protocol.rules import schema
from commonweal.protocol.vocabulary.rule_params import HOUR_MS, ReviewRules


class WithheldRule(NamedTuple):
    """What a review that is never opened counts for who wrote it.

    is_broken_promise: as a promise that they did not keep. is_one_star: as one star of theirs.
    """

    is_broken_promise: bool = True
    is_one_star: bool = False


def review_rules(document: Mapping[str, Any]) -> ReviewRules:
    """Return when deals are reviewed by a checked document; missing keys have defaults."""
    return ReviewRules(
        _value(document, "window_hours") * HOUR_MS, _value(document, "grace_hours") * HOUR_MS
    )


def withheld_rule(document: Mapping[str, Any]) -> WithheldRule:
    """Return what a withheld review counts by a checked document; missing keys have defaults."""
    return WithheldRule(
        _value(document, "withheld_promise") == "broken",
        _value(document, "withheld_stars") == "one",
    )


def _value(document: Mapping[str, Any], key: str) -> Any:
    return document.get("reviews", {}).get(key, schema.REVIEWS[key].default)
