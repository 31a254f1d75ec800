"""What the tests of `weal start` share."""

from __future__ import annotations

import pytest

from commonweal.commands.begin import start as start_commands
from commonweal.commands.node import up
from commonweal.storage.home.home import Home


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Home]:
    """Note which nodes are started, and start none."""
    homes: list[Home] = []

    def start(home: Home, _secrets: object, **_how: object) -> list[str]:
        homes.append(home)
        return []

    monkeypatch.setattr(up, "start", start)
    monkeypatch.setattr(start_commands, "ADMISSION_SECONDS_MAX", 0.0)
    return homes
