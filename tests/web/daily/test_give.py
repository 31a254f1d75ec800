"""Give: a look before anything is written, records, repeats, undo, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member, create_home
from tests.builders.browser import Browser, browser
from tests.builders.weal import good

WORK = {"action": "work", "quantity": "3", "unit": "hours", "scope": "Garden", "note": "dug beds"}
SCRIPT = "<script>alert(1)</script>"


def total(home: Path) -> int:
    with Member(home) as mei:
        return mei.contributions().total


def test_a_look_says_what_the_rules_will_make_of_it_and_writes_nothing(
    home: Path, mei: Browser
) -> None:
    before = total(home)
    mei.post("/give/look", WORK)
    assert "work 3 hour" in mei.text
    assert "3 hour = 3,000 points once 1 more member attests it" in mei.text
    assert "An hour is 1,000 points" in mei.text
    assert total(home) == before


def test_a_look_is_in_the_language_of_the_reader(mei: Browser) -> None:
    mei.get("/give", language="zh")
    mei.post("/give/look", WORK | {"action": "工作", "unit": "小时"})
    assert "工作 3 小时" in mei.text
    assert "再有 1 名成员证实" in mei.text
    assert "一小时记一千点" in mei.text


def test_what_was_looked_at_is_recorded_in_full_and_shown_with_its_state(
    home: Path, mei: Browser
) -> None:
    mei.post("/give/look", WORK | {"when": "2026-01-05", "factor": "knowledge"})
    assert "4,500 points" in mei.text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', recording(mei)))
    assert fields.pop("form_token")
    mei.post("/give/record", fields)
    row = last_of(home, "dug beds")
    assert (row.action, row.quantity, row.unit, row.scope) == ("work", 3, "hour", "Garden")
    assert str(mei.page.url).partition("done=")[2].startswith(row.id.hex())
    assert f'id="r-{row.id.hex()[:12]}"' in mei.page.text
    assert "It is written down." in mei.text
    assert "written here" in mei.text


def last_of(home: Path, note: str) -> Any:
    with Member(home) as mei:
        return next(row for row in mei.contributions().records if row.note == note)


def recording(mei: Browser) -> str:
    """Return the markup of the form that records."""
    return mei.page.text.partition('action="/give/record"')[2].partition("</form>")[0]


def test_what_counts_for_nothing_is_said_before_it_is_recorded(mei: Browser) -> None:
    mei.post("/give/look", WORK | {"action": "deliverService", "unit": "pieces"})
    assert mei.page.status_code == 200
    assert "By the rules in force this counts for nothing." in mei.text
    assert "Record it all the same" in mei.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"quantity": "three"}, "quantity"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": ""}, "quantity"),
        ({"quantity": "9" * 40}, "quantity"),
        ({"unit": "m"}, "unit"),
        ({"action": "singing"}, "action"),
        ({"when": "soon"}, "when"),
        ({"when": "2999-01-01"}, "when"),
        ({"receiver": "Nobody"}, "receiver"),
        ({"resource": "Ladder"}, "resource"),
        ({"fulfills": "abcdef01"}, ""),
        ({"unit": "furlongs"}, ""),
        ({"scope": "x" * 200}, ""),
        ({"note": "y" * 70_000}, ""),
    ],
)
@pytest.mark.parametrize("path", ["/give/look", "/give/record"])
def test_what_cannot_be_read_is_said_beside_its_field_and_kept(
    home: Path, mei: Browser, wrong: dict[str, str], field: str, path: str
) -> None:
    before = total(home)
    mei.post(path, WORK | wrong)
    assert mei.page.status_code in (422, 413)
    assert total(home) == before
    if mei.page.status_code == 422:
        assert (f'id="e-{field}"' in mei.page.text) == bool(field)
        assert 'role="alert"' in mei.page.text
        assert "dug beds" in mei.page.text or "note" in wrong


def test_what_was_given_last_is_recorded_again_in_one_step(home: Path, mei: Browser) -> None:
    mei.post("/give/record", WORK | {"note": "watered", "quantity": "2"})
    mei.get("/give")
    again = mei.page.text.partition("watered")[2]
    form = again.partition('action="/give/record"')[2].partition("</form>")[0]
    before = total(home)
    mei.post("/give/record", dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)))
    assert total(home) == before + 1
    with Member(home) as member:
        rows = [row for row in member.contributions().records if row.note == "watered"]
    assert len(rows) == 2
    assert rows[0].scope == rows[1].scope == "Garden"


def test_what_was_recorded_is_withdrawn_right_after(home: Path, mei: Browser) -> None:
    mei.post("/give/record", WORK | {"note": "by mistake"})
    row = last_of(home, "by mistake")
    mei.post("/give/undo", {"id": row.id.hex()})
    assert "Withdrawn: work 3 hour" in mei.text
    assert last_of(home, "by mistake").corrected_to == 0
    mei.post("/give/undo", {"id": row.id.hex()})
    assert mei.page.status_code == 422
    assert "withdrawn already" in mei.text


def test_what_members_wrote_is_shown_and_commands_nothing(mei: Browser) -> None:
    hostile = f"{SCRIPT}\u202e"
    mei.post("/give/record", WORK | {"note": hostile, "scope": "<b>bed</b>"})
    mei.get("/give", language="zh")
    assert SCRIPT not in mei.page.text
    assert "<b>bed" not in mei.page.text
    assert SCRIPT in mei.text
    assert "\u202e" not in mei.text


def test_an_address_fills_in_the_form(mei: Browser) -> None:
    mei.get("/give?action=work&quantity=5&unit=hour&scope=Barn&done=zz")
    assert 'value="5"' in mei.page.text
    assert 'value="Barn"' in mei.page.text
    assert "Written down" not in mei.text


def test_another_members_record_is_not_said_to_be_mine(mei: Browser) -> None:
    mei.get(f"/give?done={'ab' * 32}")
    assert "Written down" not in mei.text


def test_nothing_to_repeat_teaches(tmp_path: Path) -> None:
    create_home(tmp_path / "bo", "Bo")
    with Member(tmp_path / "bo") as bo:
        bo.found("Hof", rules="none")
    with browser(tmp_path / "bo") as page:
        page.get("/give")
        assert "What you gave last will stand here" in page.text
        page.post("/give/look", WORK)
        assert "By the rules in force this counts for nothing." in page.text


def test_a_home_with_a_passphrase_and_no_node_is_asked_for_it(tmp_path: Path) -> None:
    home, secret = tmp_path / "bo", tmp_path / "secret"
    secret.write_text("correct horse\n")
    good("init", "--home", home, "--name", "Bo", "--passphrase-file", secret)
    good("found", "Hof", "--home", home, "--passphrase-file", secret)
    with browser(home) as bo:
        bo.get("/give")
        bo.post("/give/record", WORK)
        assert bo.page.status_code == 422
        assert "Your node does not run" in bo.text
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', bo.page.text))
        bo.post("/give/record", fields | {"passphrase": "wrong"})
        assert "does not open your keystore" in bo.text
        assert total(home) == 0
        assert "wrong" not in re.findall(r'value="([^"]*)"', bo.page.text)
        bo.post("/give/record", fields | {"passphrase": "correct horse"})
        assert "It is written down." in bo.text
    assert total(home) == 1
