"""A light home in a browser, while its node does not run: the state is shown, and what is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.protocol.errors import LightHome
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.row_digests import RowDigests
from commonweal.storage.ledger.state.state_db import StateDb
from tests.builders.browser import browser
from tests.web.books.conftest import FENCE, LOAVES, Lanxi


@pytest.fixture
def thin(lanxi: Lanxi, tmp_path: Path) -> Home:
    """Mei's home without the old records of the others, as a light home is after a while."""
    home = Home(tmp_path / "thin")
    shutil.copytree(lanxi.mei.path, home.path, ignore=shutil.ignore_patterns("*.sock", "lock"))
    with Member(home) as mei, home.store() as store:
        device = mei.view.settings.device
        for row in store.logs():
            if row.author != device and row.length > 1:
                store.raise_base(row.author, row.length - 1)
                store.drop(row.author, row.length)
        store.commit()
    return home


def test_what_the_state_says_is_shown_and_what_is_missing_said(lanxi: Lanxi, thin: Home) -> None:
    with browser(thin.path) as mei:
        mei.get(f"/why/{lanxi.ids[LOAVES]}")
        assert "This light home does not keep all the records" in mei.text
        assert "weal up" in mei.text and "Ana" in mei.text
        mei.get("/ledger")
        assert "Ana" in mei.text and "Bo" in mei.text
    with browser(lanxi.mei.path) as mei:
        mei.get(f"/why/{lanxi.ids[LOAVES]}")
        assert "light home" not in mei.text


def test_shares_and_balances_are_those_of_a_full_home(lanxi: Lanxi, thin: Home) -> None:
    with Member(lanxi.mei) as full, Member(thin) as light:
        assert light.shares() == full.shares()
        assert light.balances() == full.balances()
        assert len(light.contributions().records) == len(full.contributions().records)


def test_what_needs_all_records_is_refused_by_name(lanxi: Lanxi, thin: Home) -> None:
    with Member(thin) as mei:
        acts: tuple[Callable[[], object], ...] = (
            lambda: mei.show(lanxi.ids[FENCE]),
            lambda: mei.prove(lanxi.ids[FENCE]),
            mei.verify,
            mei.export,
            mei.valueflows,
            mei.check_refounding,
            lambda: list(mei.view.kept.records()),
        )
        for do in acts:
            with pytest.raises(LightHome):
                do()
        assert mei.explain(lanxi.ids[FENCE]).sentences, "the state alone explains it"


def test_rows_that_others_imported_long_ago_are_not_taken_for_new_ones(thin: Home) -> None:
    with thin.store(readonly=True) as store, closing(StateDb(thin.state)) as layers:
        index = RowDigests(layers, store)
        with pytest.raises(LightHome):
            index.refresh()


def test_a_light_home_is_no_damaged_one(thin: Home) -> None:
    with Member(thin) as mei:
        (ledger,) = (finding for finding in mei.health() if finding.name == "ledger")
    assert ledger.is_well, ledger.what


def test_a_light_home_that_lost_its_state_ends_what_it_begins(thin: Home) -> None:
    thin.state.unlink()
    with Member(thin) as mei:
        assert not mei.contributions().records
        mei.view.kept.history()
        assert mei.view.kept.cut.height == 0
