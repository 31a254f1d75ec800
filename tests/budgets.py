"""Small budgets for tests: no rules may set any so small."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.node import room
from commonweal.protocol import budget
from commonweal.protocol.budget import MIB, Budget, Usage
from commonweal.protocol.ledger import spending, standing
from commonweal.protocol.rules import document


def allow(
    monkeypatch: pytest.MonkeyPatch,
    records: int,
    days: int = 365,
    new: int = 1_024,
    size: int = MIB,
) -> Budget:
    """Let each member have others keep so many records a day; return the budget.

    new: so many of a log before its first record is final. size: bytes of records a day.
    """
    small = Budget(Usage(records, size, MIB, MIB), days)

    def read(_values: dict[str, Any]) -> Budget:
        return small

    monkeypatch.setattr(document, "_budget", read)
    standing.read.cache_clear()
    nameless = document.from_map({"name": "community"})
    monkeypatch.setattr(standing, "UNREADABLE", nameless)
    for module in (room, spending):
        monkeypatch.setattr(module, "NEW_LOG", budget.NEW_LOG._replace(records=new))
        monkeypatch.setattr(module, "DEFAULT", small)
    return small


@pytest.fixture(autouse=True)
def rulesets_are_read_anew() -> Any:
    """Let no test see rulesets that another one read with other budgets."""
    standing.read.cache_clear()
    yield
    standing.read.cache_clear()
