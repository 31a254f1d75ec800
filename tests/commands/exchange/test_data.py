"""`weal data`: added, listed, used, opened, removed and forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.storage.home.contents import Contents
from tests.builders.archivists import SECRET, Archivists, hand_over


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Archivists:
    return Archivists(tmp_path_factory.mktemp("first") / "homes")


@pytest.fixture
def lanxi(first: Archivists, tmp_path_factory: pytest.TempPathFactory) -> Archivists:
    return Archivists.of(first.copies(tmp_path_factory)(), first.data)


def test_data_is_added_and_listed_to_all(lanxi: Archivists, tmp_path: Path) -> None:
    file = tmp_path / "soil.csv"
    file.write_bytes(b"acid" * 300)
    ran = lanxi.good(lanxi.bo, "data", "add", file, "--as", "soil", "--note", "Of the field.")
    assert "its 1,200 bytes stay in this home" in ran.out
    lanxi.meet()
    rows = {row["name"]: row for row in lanxi.json(lanxi.mei, "data", "list")["data"]}
    assert (rows["soil"]["kept"], rows["soil"]["yours"], rows["yields"]["kept"]) == (
        False,
        False,
        True,
    )
    assert rows["soil"]["size"] == 1_200 and rows["soil"]["owner_name"] == "Bo"
    shown = lanxi.good(lanxi.mei, "data", "list").out
    assert "soil" in shown and "Bo" in shown
    assert lanxi.good(lanxi.mei, "data", "list", "-o", "csv").out.startswith("id,name,size,owner,")


def test_data_is_used_under_the_consent_that_covers_it(lanxi: Archivists) -> None:
    refused = lanxi.refused(lanxi.bo, "data", "use", "yields", "--for", "research")
    assert "nobody consents that you use yields for research" in refused.err
    granted = lanxi.grant()
    lanxi.refused(lanxi.bo, "data", "use", "yields", "--for", "selling")
    said = lanxi.json(lanxi.bo, "data", "use", "yields", "--for", "research")
    assert (said["consent"], said["per_use"], said["unit"]) == (granted.hex(), "0.50", "EUR")
    ran = lanxi.good(lanxi.bo, "data", "use", "yields", "--for", "research", "--note", "spring")
    assert "you owe Mei 0.50 EUR. Its content comes once a seal covers it" in ran.out
    uses = lanxi.json(lanxi.bo, "data", "list", "--uses")["uses"]
    assert [row["state"] for row in uses] == ["asked", "asked"]


def test_a_use_is_followed_and_opened(lanxi: Archivists, tmp_path: Path) -> None:
    use = lanxi.use(lanxi.grant())
    assert "waits for a seal" in lanxi.good(lanxi.bo, "data", "list", "--uses").out
    lanxi.seal()
    assert "waits for the owner's node" in lanxi.good(lanxi.bo, "data", "list", "--uses").out
    refused = lanxi.refused(lanxi.bo, "data", "open", use.hex()[:8], "--out", tmp_path / "x")
    assert refused.code == 75 and "the node of Mei has not handed it over yet" in refused.err
    hand_over(lanxi.mei)
    lanxi.meet()
    ran = lanxi.good(lanxi.bo, "data", "open", "yields", "--out", tmp_path / "mine")
    assert f"has the {len(SECRET):,} bytes of yields" in ran.out
    assert (tmp_path / "mine").read_bytes() == SECRET
    said = lanxi.json(lanxi.bo, "data", "open", "yields", "--out", tmp_path / "mine")
    assert (said["use"], said["size"]) == (use.hex(), len(SECRET))
    refused = lanxi.refused(lanxi.ana, "data", "open", use.hex(), "--out", tmp_path / "x")
    assert refused.code == 77 and "sealed to other devices" in refused.err
    (record,) = lanxi.parts(use).values()
    assert "that nobody else can open" in lanxi.good(lanxi.ana, "show", record.hex()).out
    assert not (tmp_path / "x").exists()


def test_what_was_handed_over_is_forgotten_by_all_when_the_owner_says_so(
    lanxi: Archivists, tmp_path: Path
) -> None:
    use = lanxi.granted_use()
    hand_over(lanxi.mei)
    lanxi.meet()
    said = lanxi.json(lanxi.mei, "data", "forget", use.hex()[:8], "--yes")
    assert said["use"] == use.hex() and len(said["erased"]) == 1
    assert "erased" in lanxi.good(lanxi.mei, "data", "list", "--uses").out


def test_data_is_removed_from_its_owners_home(lanxi: Archivists) -> None:
    assert "no new consent or use" in lanxi.good(lanxi.mei, "data", "remove", "yields", "--yes").out
    assert Contents(lanxi.mei).hashes() == []
    (row,) = lanxi.json(lanxi.mei, "data", "list")["data"]
    assert row["erased"] and not row["kept"]
