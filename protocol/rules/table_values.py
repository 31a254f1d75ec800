"""The values of a table of a checked ruleset document, as the other modules read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonweal.protocol.rules import portions
from commonweal.protocol.rules.portions import Portion
from commonweal.protocol.rules.schema import Fields


def filled(fields: Fields, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a table of the document, complete with defaults."""
    return {name: table.get(name, field.default) for name, field in fields.items()}


def portion_of(text: str) -> Portion:
    """Return the portion that a checked document has as text."""
    portion = portions.read(text)
    assert portion is not None, "the document was checked"
    return portion
