"""A process that runs trio lets its threads take turns."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonweal.node.control.server import LocalServer
from commonweal.node.runtime import process, process_life
from commonweal.storage.home import keystore
from tests.builders import homes


@pytest.fixture
def _usual_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_usual_turns")
def test_the_threads_of_a_node_do_not_wait_long_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[float] = []
    monkeypatch.setattr(process, "run_trio", lambda *_: turns.append(sys.getswitchinterval()))
    home = homes.founder(tmp_path / "home")
    secrets = keystore.unlock(home.keystore, None)
    process.run(home, secrets, homes.LOOPBACK, LocalServer, lambda _addresses: None)
    assert turns == [pytest.approx(process_life.TURN_S)]
    assert process_life.TURN_S < 0.005, "Python's own"
