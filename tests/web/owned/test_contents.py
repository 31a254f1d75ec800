"""The page of data: added, followed, opened, removed and forgotten in a browser."""

from __future__ import annotations

import pytest

from commonweal.client import Member
from commonweal.storage.home.contents import Contents
from tests.builders.archivists import SECRET, Archivists, hand_over
from tests.builders.browser import browser

PATH = "/data/contents"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Archivists:
    return Archivists(tmp_path_factory.mktemp("first") / "homes")


@pytest.fixture
def lanxi(first: Archivists, tmp_path_factory: pytest.TempPathFactory) -> Archivists:
    return Archivists.of(first.copies(tmp_path_factory)(), first.data)


def test_data_is_added_by_a_file_and_stays_here(lanxi: Archivists) -> None:
    with browser(lanxi.bo.path) as bo:
        bo.get(PATH)
        assert "yields" in bo.text and "Mei" in bo.text
        bo.post(PATH, {"name": "soil", "note": "acid"}, files={"file": ("soil.csv", b"4.5")})
        assert "soil is in the books; its content stays on this computer." in bo.text
        assert "content on this computer" in bo.text
        sent = bo.post(PATH, {"name": "soil"}, files={"file": ("soil.csv", b"4.5")})
        assert sent.status_code == 422 and "choose another name" in bo.text
        assert bo.post(PATH, {"name": "more"}).status_code == 422
        assert "Choose a file" in bo.text
        bo.get("/data")
        assert f'href="{PATH}"' in bo.page.text
    (digest,) = Contents(lanxi.bo).hashes()
    kept = Contents(lanxi.bo).get(digest)
    assert kept is not None and (kept.name, kept.content) == ("soil.csv", b"4.5")


def test_what_was_used_is_followed_and_opened(lanxi: Archivists) -> None:
    use = lanxi.use(lanxi.grant())
    with browser(lanxi.bo.path) as bo:
        bo.get(PATH)
        assert "waits for a seal" in bo.text
        sent = bo.post(f"{PATH}/open", {"use": use.hex()})
        assert sent.status_code == 422 and "no seal covers the use yet" in bo.text
    lanxi.seal()
    with browser(lanxi.bo.path) as bo:
        bo.get(PATH)
        assert "waits for the owner's node" in bo.text
    hand_over(lanxi.mei)
    lanxi.meet()
    with browser(lanxi.bo.path) as bo:
        bo.get(PATH)
        assert "content here" in bo.text
        sent = bo.post(f"{PATH}/open", {"use": use.hex()})
        assert sent.content == SECRET
        assert "attachment" in sent.headers["content-disposition"]
        bo.get(PATH, language="zh")
        assert "留在所有者处的数据" in bo.text
    with browser(lanxi.ana.path) as ana:
        assert ana.post(f"{PATH}/open", {"use": use.hex()}).status_code == 422


def test_the_owner_sees_who_used_it_and_has_it_forgotten(lanxi: Archivists) -> None:
    use = lanxi.granted_use()
    hand_over(lanxi.mei)
    lanxi.meet()
    with browser(lanxi.mei.path) as mei:
        mei.get(PATH)
        assert "by Bo, for research" in mei.text and "handed over" in mei.text
        assert mei.post(f"{PATH}/forget", {"use": use.hex()}).status_code == 422
        mei.post(f"{PATH}/forget", {"use": use.hex(), "sure": "1"})
        assert "Erased here, and asked of all members." in mei.text
        assert mei.post(f"{PATH}/remove", {"data": lanxi.data.hex()}).status_code == 422
        mei.post(f"{PATH}/remove", {"data": lanxi.data.hex(), "sure": "1"})
        assert "The content of yields is erased." in mei.text
    with Member(lanxi.mei) as me:
        (row,) = me.data()
    assert row.erased and not row.kept
