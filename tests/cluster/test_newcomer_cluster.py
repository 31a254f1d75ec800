"""A newcomer to a quiet community of real nodes has what is final, and all of it, at once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commonweal.node.service.consensus.state_sync import RECORDS_MIN
from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger.ledger import TAKING
from commonweal.storage.ledger.state.state_db import StateDb
from tests.builders import homes
from tests.builders.commons import RULES, Commons, meet
from tests.builders.weal import good
from tests.cluster.test_cluster import running

RECORDS = RECORDS_MIN + 3_000
"""With these the newcomer waits for a state before it folds."""

PER_SUBMISSION = 1_000
FINAL_S_MAX = 60.0
LOOK_S = 0.3


def said(home: Home, *typed: str) -> Any:
    """Return what a command says of a home, as JSON."""
    return good(*typed, "--home", home.path, "-o", "json").json


def shared(home: Home) -> tuple[int, dict[str, str]]:
    """Return the height that a home's shares are of, and the share of each member."""
    found = said(home, "shares")
    return found["height"], {row["member"]: row["amount"] for row in found["shares"]}


@pytest.fixture(scope="module")
def mei(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with thousands of records, all sealed, and 75 and 25 EUR paid.

    Cai's request is sealed, too, so that nothing more is sealed when Cai comes.
    """
    folder = tmp_path_factory.mktemp("past")
    lanxi = Commons(folder)
    lanxi.adopt(RULES, folder)
    hours = ((lanxi.bo, "3"), (lanxi.ana, "1"))
    ids = [lanxi.json(home, "record", "work", n, "hours")["id"] for home, n in hours]
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", *(id[:12] for id in ids))
    income = lanxi.json(lanxi.ana, "income", "100", "EUR")["id"]
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", income[:12])
    with lanxi.mei.store(readonly=True) as store:
        member = bytes(Settings.read(store).member)
    effort: dict[str, Value] = {"n": 1, "scale": 0, "unit": "hour"}
    work = Wish("event", {"action": "work", "provider": member, "effortQuantity": effort})
    for _ in range(RECORDS // PER_SUBMISSION):
        homes.write(lanxi.mei, *[work] * PER_SUBMISSION)
        lanxi.good(lanxi.mei, "seal")  # more would wait for a seal than a device may write
    cai = homes.newcomer(folder / "cai", homes.invited(lanxi.mei), "Cai")
    shutil.copytree(cai.path, folder / "cai before")
    meet(lanxi.mei, cai)
    lanxi.good(lanxi.mei, "seal")
    assert sorted(shared(lanxi.mei)[1].values()) == ["25.00", "75.00"]
    return lanxi.mei


@pytest.fixture
def cai(mei: Home, tmp_path: Path) -> Home:
    """The home of a newcomer whose node never ran."""
    shutil.copytree(mei.path.parent / "cai before", tmp_path / "cai")
    return Home(tmp_path / "cai")


def until(holds: Callable[[], bool], what: str) -> None:
    """Look until something holds, or fail."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < FINAL_S_MAX, what
        time.sleep(LOOK_S)


def waits_for_a_state(home: Home) -> bool:
    """Whether the node of a home folds nothing until it has a state."""
    if not home.state.exists():
        return False
    with closing(StateDb(home.state)) as layers:
        return layers.mark(TAKING) is not None


@pytest.mark.timeout(300)
def test_a_newcomer_to_a_quiet_community_has_its_shares_though_nothing_more_comes(
    mei: Home, cai: Home
) -> None:
    with running(mei, homes.at_its_port(mei).listen), running(cai):
        until(lambda: shared(cai) == shared(mei), "all stays provisional")


@pytest.mark.timeout(300)
def test_a_newcomer_whom_all_records_reached_first_has_its_shares_though_nothing_more_comes(
    mei: Home, cai: Home
) -> None:
    """They come by a copy while the node waits for a state, and a command reads all of them."""
    with running(cai):
        until(lambda: waits_for_a_state(cai), "it does not wait")
    meet(mei, cai)
    said(cai, "balance")
    assert shared(cai)[0] == 0
    with running(mei, homes.at_its_port(mei).listen), running(cai):
        until(lambda: shared(cai) == shared(mei), "all stays provisional")
