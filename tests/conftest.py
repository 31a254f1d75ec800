"""What every test may rely on: no home, language or setting of the machine reaches it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from commonweal.node.control import program
from commonweal.storage.home import keystore
from tests.house.command_server import serving
from tests.house.threats import Watch

# A test that names its own max_examples keeps that number under `make fuzz-long` too.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "long", deadline=None, max_examples=int(os.environ.get("COMMONWEAL_EXAMPLES", "100"))
)
settings.register_profile(
    "planted", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate)
)
PROFILES = {"COMMONWEAL_PLANTED": "planted", "COMMONWEAL_EXAMPLES": "long", "CI": "ci"}
settings.load_profile(next((name for key, name in PROFILES.items() if key in os.environ), "dev"))
KEPT = {"COMMONWEAL_SEED", "COMMONWEAL_RUNS", "COMMONWEAL_EXAMPLES"}


def pytest_configure(config: pytest.Config) -> None:
    """See whether what docs/threats.md names really runs; of several processes, the first looks."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Watch())


FORKED = ("tests/client/", "tests/cluster/", "tests/commands/", "tests/web/")
"""Folders whose tests start nodes and look at what nodes do, not at how a process begins."""
ALONE = "tests/cluster/test_slow_ledgers_cluster.py"
"""It changes what a new process loads."""


@pytest.fixture(scope="session", autouse=True)
def _nodes_are_forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the nodes of these tests be forked from a process that is loaded: 0.6 s of CPU each."""
    started_alone = program.command
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:

        @cache
        def forked() -> str:
            return str(stack.enter_context(serving(tmp_path_factory.mktemp("weal"))) / "weal")

        def command() -> list[str]:
            test = os.environ.get("PYTEST_CURRENT_TEST", "")
            is_forked = test.startswith(FORKED) and not test.startswith(ALONE)
            return [forked()] if is_forked else started_alone()

        patch.setattr(program, "command", command)
        yield


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the paths of folders for `HOME`, each for one test.

    `mktemp` looks through all earlier ones: 7 ms at 8,000 of them.
    """
    base = tmp_path_factory.mktemp("homes")
    return (base / str(number) for number in count())


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(
    _homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Take COMMONWEAL_*, LANG and the XDG places away, so that a test says what it needs."""
    for name in list(os.environ):
        if name.startswith("COMMONWEAL_") and name not in KEPT:
            monkeypatch.delenv(name)
        if name in {"LANGUAGE", "LC_ALL", "LC_MESSAGES"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COMMONWEAL_PAGE", "no")  # a page that nobody ends outlives its test
    monkeypatch.setenv("COMMONWEAL_PORT_MAPPING", "0")  # no test asks the router of this machine
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    yield


@pytest.fixture
def usual_cost() -> None:
    """Let a passphrase cost in this test what it costs members."""


@pytest.fixture(autouse=True)
def _passphrases_are_cheap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let new keystores cost next to nothing to open: else each try takes half a second of CPU."""
    if "usual_cost" not in request.fixturenames:
        for function in (keystore.create, keystore.change_passphrase, keystore.change_member):
            cheap = {**(function.__kwdefaults__ or {}), "cost": keystore.COST_MIN}
            monkeypatch.setattr(function, "__kwdefaults__", cheap)
