"""What reading a list loads: no fold, no rules, no node, and nothing that draws."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commonweal.client import Member, create_home

HEAVY = (
    "click",
    "commonweal.client.governance",
    "commonweal.client.ledger.drafts",
    "commonweal.node",
    "commonweal.protocol.ledger.finality",
    "commonweal.protocol.ledger.fold",
    "commonweal.protocol.ledger.sharing",
    "commonweal.protocol.rules",
    "commonweal.storage.ledger.drafts",
    "commonweal.storage.ledger.state.finalizer",
    "libp2p",
    "rich",
    "trio",
)
"""Modules and packages that take longer to load than a list takes to read."""
LISTS = (
    "contributions.contributions.Contributions.contributions",
    "contributions.contributions.Contributions.void_records",
    "things.resources.Resources.resources",
    "community.members.Members.members",
    "sharing.shares.Shares.balance",
)
ROOT = Path(__file__).parents[2]


def loaded(script: str, of_interest: tuple[str, ...] = HEAVY) -> list[str]:
    """Return the modules and packages of interest that a script has loaded when it ends."""
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys\n{script}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert "commonweal" in ended.stdout.split()
    return [
        module
        for module in ended.stdout.split()
        if any(f"{module}.".startswith(f"{heavy}.") for heavy in of_interest)
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of a founder, of which the ledger is folded."""
    home = tmp_path_factory.mktemp("lists") / "mei"
    create_home(home, "Mei")
    with Member(home) as member:
        member.found("Lanxi", rules="time-bank")
        member.record("work", 3, "hours")
        assert member.contributions().total == 1
    return home


def test_the_package_loads_nothing_before_it_is_used() -> None:
    assert loaded("import commonweal.client") == []


@pytest.mark.parametrize("name", LISTS)
def test_a_list_loads_only_what_reading_needs(name: str, home: Path) -> None:
    module, part, method = name.rsplit(".", 2)
    script = f"from commonweal.client.{module} import {part}\n{part}({str(home)!r}).{method}()"
    assert loaded(script) == []


def test_who_asks_a_node_loads_the_values_of_that_question_alone() -> None:
    values = "commonweal.node.control.messages"
    asked = loaded(
        f"""
from commonweal.node.control import client, message_codec
from {values}.node_status import Status
message_codec.question_to_bytes(Status())
""",
        (values, "commonweal.node.service"),
    )
    assert sorted(asked) == [values, f"{values}.node_status", f"{values}.question"]
