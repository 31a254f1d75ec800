"""Homes made by released versions open, say what they said, and go on."""

from __future__ import annotations

import json
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from commonweal.protocol.errors import HomeInUse, OlderHome
from commonweal.storage.home.home import Home
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.sqlite import schema
from tests.builders.frozen_home import HOMES, KEPT, said
from tests.builders.weal import good, weal

FROZEN = sorted(path for path in HOMES.iterdir() if path.is_dir())
FORMER = sorted(path for path in (HOMES.parent / "former_homes").iterdir() if path.is_dir())


def opened(frozen: Path, folder: Path) -> Path:
    """Return a copy of a frozen home, as private as a home is."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    for name in KEPT:
        shutil.copy(frozen / name, home / name)
        (home / name).chmod(0o600)
    return home


def test_there_is_a_frozen_home() -> None:
    assert FROZEN


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda path: path.name)
def test_a_frozen_home_says_what_it_said(frozen: Path, tmp_path: Path) -> None:
    home = opened(frozen, tmp_path)
    expected = json.loads((frozen / "expected.json").read_text(encoding="utf-8"))
    now = said(home)
    assert {name: now[name] for name in expected} == expected
    good("verify", "--home", home)


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda path: path.name)
def test_a_frozen_home_goes_on(frozen: Path, tmp_path: Path) -> None:
    home = opened(frozen, tmp_path)
    before = good("status", "--home", home, "-o", "json").json["records"]
    good("record", "work", "1", "hour", "--home", home)
    after = good("status", "--home", home, "-o", "json").json
    assert (after["records"], after["state"]) == (before + 1, "member")
    heights = len(good("seals", "--home", home, "-o", "json").json["seals"])
    good("seal", "--home", home)
    seals = good("seals", "--home", home, "-o", "json").json["seals"]
    assert len(seals) == heights + 1
    good("verify", "--home", home)


@pytest.mark.parametrize("former", FORMER, ids=lambda path: path.name)
def test_a_home_of_a_former_form_is_refused_and_says_how_to_go_on(
    former: Path, tmp_path: Path
) -> None:
    home = opened(former, tmp_path)
    before = (home / "ledger.db").read_bytes()
    for words in (["status"], ["record", "work", "1", "hour"], ["up", "--background"]):
        ran = weal(*words, "--home", home)
        assert ran.code == 78
        assert "read it with its version, or begin anew: `weal init`" in ran.err
    assert (home / "ledger.db").read_bytes() == before
    assert not list(home.glob("*.backup"))


def older(folder: Path) -> Home:
    """Return a home with a ledger of the schema before this one, in which nothing is written."""
    home = Home(folder / "home")
    home.path.mkdir(mode=0o700)
    connection = sqlite3.connect(home.database, isolation_level=None)
    for number, script in schema.migrations()[:-1]:
        connection.executescript(script)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.close()
    return home


def counted(home: Home) -> int:
    """Return how many records a home holds, as a command that only reads."""
    with home.store(readonly=True) as store:
        return store.counts().records


def test_whoever_reads_an_older_home_first_brings_it_up_to_date(tmp_path: Path) -> None:
    home = older(tmp_path)
    with pytest.raises(OlderHome):
        Store(home.database, readonly=True)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: counted(home), range(8)))
    assert len(set(found)) == 1
    (backup,) = home.path.glob("ledger.db.schema*.backup")
    assert backup.stat().st_size > 0


def test_an_older_home_that_is_in_use_is_left_as_it_is(tmp_path: Path) -> None:
    home = older(tmp_path)
    before = home.database.read_bytes()
    with home.lock(), pytest.raises(HomeInUse):
        counted(home)
    assert home.database.read_bytes() == before


def test_a_frozen_home_has_packed_runs() -> None:
    with closing(sqlite3.connect(HOMES / "packed_runs" / "ledger.db")) as database:
        assert database.execute("SELECT count(*) FROM run").fetchone() == (1,)
