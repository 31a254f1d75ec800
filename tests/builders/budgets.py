"""Small budgets for tests: no rules may set any so small."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.node.service.replica import quota
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.members import budgets
from commonweal.protocol.rules import document
from commonweal.protocol.vocabulary import budget
from commonweal.protocol.vocabulary.budget import MIB, Budget, Usage


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
    active_ruleset.read.cache_clear()
    nameless = document.from_map({"name": "community"})
    monkeypatch.setattr(active_ruleset, "UNREADABLE", nameless)
    for module in (quota, budgets):
        monkeypatch.setattr(module, "NEW_LOG_MAX", budget.NEW_LOG_MAX._replace(records=new))
        monkeypatch.setattr(module, "DEFAULT_BUDGET", small)
    return small


@pytest.fixture(autouse=True)
def rulesets_are_read_anew() -> Any:
    """Let no test see rulesets that another one read with other budgets."""
    active_ruleset.read.cache_clear()
    yield
    active_ruleset.read.cache_clear()
