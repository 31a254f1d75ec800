"""My data in a browser: what is kept, copies to take away, and texts that are erased."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.keep import own_data
from tests.builders.browser import browser
from tests.builders.commons import Commons
from tests.builders.weal import founder, good
from tests.web.books.conftest import FENCE, LOAVES, WATER, Lanxi


def test_it_says_what_is_kept_here_and_by_others(lanxi: Lanxi) -> None:
    with Member(lanxi.bo) as member:
        held = member.held_data()
        assert [device.here for device in held.devices] == [True]
    with browser(lanxi.bo.path) as bo:
        bo.get("/data")
        assert "stands in the ledger of Lanxi" in bo.text
        assert "3 members hold a whole copy" in bo.text
        assert f"records I wrote {held.devices[0].records} on this computer" in bo.text
        assert f'href="/data/erase/{lanxi.ids[WATER]}"' in bo.page.text
        assert "watered" in bo.text
        bo.get("/data", language="zh")
        assert "我的数据" in bo.text


def test_what_others_wrote_of_a_member_is_counted(copies: Callable[[], Commons]) -> None:
    village = copies()
    village.good(village.mei, "record", "work", "1", "hour", "--provider", "Ana")
    village.meet()
    with Member(village.ana) as ana:
        held = ana.held_data()
    assert (held.written_by_others, held.said_by_others, held.shares) == (1, 2, 1)


def test_records_are_shown_page_by_page(lanxi: Lanxi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_data, "ROWS_MAX", 2)
    with Member(lanxi.bo) as member:
        (device,) = member.held_data().devices
    shown: list[str] = []
    with browser(lanxi.bo.path) as bo:
        bo.get("/data")
        while True:
            shown += [part.split('"')[0] for part in bo.page.text.split('<li id="r-')[1:]]
            if 'rel="next"' not in bo.page.text:
                break
            link = bo.page.text.split('rel="next" href="')[1].split('"')[0]
            bo.get(link.replace("&amp;", "&"))
        assert len(shown) == len(set(shown)) == device.records
        assert bo.get(f"/data?device={'ab' * 32}").status_code == 404
        for before in ("-1", "9" * 5_000):
            assert bo.get(f"/data?before={before}").status_code == 200


def test_texts_are_found_among_so_many_records(
    lanxi: Lanxi, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Member(lanxi.bo) as member:
        every = member.own_records(texts=True)
        assert all(row.body is not None for row in every.rows)
        assert lanxi.ids[FENCE] in [row.id.hex() for row in every.rows]
        assert every.before is None
        monkeypatch.setattr(own_data, "LOOKED_AT_MAX", 1)
        steps: list[own_data.OwnRecord] = []
        before: int | None = None
        while True:
            step = member.own_records(texts=True, before=before)
            steps += step.rows
            before = step.before
            if before is None:
                break
        assert tuple(steps) == every.rows


def test_a_copy_has_every_record_text_file_and_a_receipt(tmp_path: Path) -> None:
    home = founder(tmp_path / "ann")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    good("record", "work", "1", "hour", "--note", "围栏", "--home", home)
    good("record", "work", "2", "hours", "--file", tmp_path / "photo.png", "--home", home)
    with browser(home) as ann:
        sent = ann.get("/data/archive.zip")
        receipt = json.loads(ann.get("/data/receipt.json").text)
    with zipfile.ZipFile(io.BytesIO(sent.content)) as packed:
        records = [json.loads(line) for line in packed.read("records.jsonl").splitlines()]
        sheet = packed.read("contributions.csv").decode("utf-8-sig")
        files = [name for name in packed.namelist() if name.startswith("files/")]
        assert packed.read(files[0]) == b"\x89PNG\r\n\x1a\n"
        assert json.loads(packed.read("receipt.json"))["record_id"] == receipt["record_id"]
    with Member(home) as member:
        held = member.held_data()
        (noted,) = (row.id.hex() for row in member.contributions().records if row.note)
    assert [row["seq"] for row in records] == list(range(held.devices[0].records))
    assert [row["text"] for row in records if row["id"] == noted] == ["围栏"]
    assert [row["effort"] for row in csv.DictReader(io.StringIO(sheet))] == ["2", "1"]
    assert receipt["pii_principal_id"] == held.member.hex()
    assert receipt["processing"][0]["pii_information"][0]["value"] == "Ann"


def test_a_text_is_erased_once_the_member_means_it(copies: Callable[[], Commons]) -> None:
    village = copies()
    hut = village.json(village.bo, "record", "work", "3", "hours", "--note", "secret hut")["id"]
    with browser(village.bo.path) as bo:
        bo.get(f"/data/erase/{hut}")
        assert "secret hut" in bo.text
        assert "effort 3 hour" in bo.text
        before = village.records(village.bo)
        assert bo.post(f"/data/erase/{hut}").status_code == 422
        assert "cannot be taken back" in bo.text
        assert village.records(village.bo) == before
        bo.post(f"/data/erase/{hut}", {"sure": "1"})
        assert "Erased here" in bo.text
        assert "text erased" in bo.text
        assert "secret hut" not in bo.page.text
        bo.get(f"/data/erase/{hut}")
        assert "Its text was erased." in bo.text
    with Member(village.bo) as member:
        details = member.show(hut)
        assert details.body is not None
        assert details.body.erased


def test_what_another_wrote_cannot_be_erased(lanxi: Lanxi) -> None:
    with browser(lanxi.bo.path) as bo:
        assert bo.get(f"/data/erase/{lanxi.ids[LOAVES]}").status_code == 422
        assert bo.get(f"/data/erase/{'ab' * 32}").status_code == 404
