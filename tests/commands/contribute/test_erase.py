"""Erasing a text: it is gone from every file of the home, and its record counts as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.storage.home.home import Home
from tests.builders.weal import founder, good, weal

WORDS = "at the doctor's, and never again"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "home", "Ann Nobody")


def noted(home: Path) -> str:
    typed = ("record", "work", "1", "hour", "--note", WORDS, "--home", home, "-o", "json")
    found: str = good(*typed).json["id"]
    return found


def holding(home: Path, words: str) -> list[str]:
    """Return the files of a home in which these words stand."""
    files = [one for one in home.iterdir() if one.is_file()]
    return [one.name for one in files if words.encode() in one.read_bytes()]


def test_an_erased_note_is_in_no_file_and_the_record_counts(home: Path) -> None:
    id = noted(home)
    before = good("ledger", "--home", home, "-o", "json").json["records"][0]
    assert holding(home, WORDS)
    told = good("erase", id, "--home", home, "--yes", "-o", "json").json
    assert sorted(told) == ["erased", "id", "record", "seq"]
    assert (told["erased"], told["record"]) == (True, id)
    assert holding(home, WORDS) == []
    after = good("ledger", "--home", home, "-o", "json").json["records"][0]
    assert after == before | {"note": None}
    assert "erased" in good("show", id, "--home", home).out
    shown = good("show", id, "--home", home, "-o", "json").json
    assert (shown["counts"], shown["body"]["erased"], shown["body"]["text"]) == (True, True, None)
    assert WORDS not in good("export", "json", "--home", home).out
    again = good("erase", id, "--home", home, "--yes").out
    assert "kept a copy keeps it" in again and "backup" in again


def test_what_is_only_missing_is_not_said_to_be_erased(home: Path) -> None:
    id = noted(home)
    digest = good("show", id, "--home", home, "-o", "json").json["body"]["hash"]
    with Home(home).store() as store:
        store.lose_body(bytes.fromhex(digest))
        store.commit()
    assert "not fetched yet" in good("show", id, "--home", home).out


def test_a_name_is_forgotten_by_what_copied_it(home: Path) -> None:
    noted(home)
    assert "Ann Nobody" in good("ledger", "--home", home).out
    assert "state.db" in holding(home, "Ann Nobody")
    (home / "names").write_bytes(b"Ann Nobody")  # as earlier versions cached it
    with Home(home).store() as store:
        profile = next(one for one in store.rare() if one.kind == "member.profile")
    good("erase", profile.id.hex(), "--home", home, "--yes")
    assert "names" not in holding(home, "Ann Nobody")
    assert "Ann Nobody" not in good("members", "--home", home).out
    assert "Ann Nobody" not in good("sql", "SELECT * FROM members", "--home", home).out
    # The setting of the own home stays: it is the name that they would give elsewhere.
    assert holding(home, "Ann Nobody") == ["ledger.db"]


def test_who_does_not_say_yes_erases_nothing(home: Path) -> None:
    id = noted(home)
    assert weal("erase", id, "--home", home).code == 2
    assert holding(home, WORDS)


def test_what_has_no_text_is_not_erased(home: Path) -> None:
    bare = good("record", "work", "1", "hour", "--home", home, "-o", "json").json["id"]
    refused = weal("erase", bare, "--home", home, "--yes")
    assert refused.code == 77
    assert "no text that can be erased" in refused.err
