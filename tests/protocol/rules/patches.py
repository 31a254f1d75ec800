"""The patch between two rulesets, by which the tests check that patches apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonweal.protocol.rules.document import Ruleset


def patch_between(old: Ruleset, new: Ruleset) -> dict[str, Any]:
    """Return the smallest patch that turns `old` into `new`."""
    return difference(old.document, new.document)


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            inner = difference(before, value)
            if inner:
                patch[key] = inner
        elif before != value:
            patch[key] = value
    return patch
