"""Attest: what others gave, what a yes changes, and each word as a record of the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.contributions import attest_rows
from commonweal.node.service.events import Wish
from commonweal.protocol.ledger.things.event_row import event_row
from tests.builders.browser import browser
from tests.builders.commons import RULES, Commons
from tests.builders.homes import write

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Make copies of a community in which Bo and Ana wait for the word of others."""
    folder = tmp_path_factory.mktemp("first")
    lanxi = Commons(folder / "homes")
    lanxi.adopt(RULES, folder)
    for home, hours, scope, note in (
        (lanxi.bo, "3", "Garden", "dug the beds"),
        (lanxi.bo, "2", "Barn", SCRIPT),
        (lanxi.ana, "5", "Garden", "修好了篱笆"),
        (lanxi.mei, "1", "Garden", "my own work"),
    ):
        lanxi.good(home, "record", "work", hours, "hours", "--scope", scope, "--note", note)
    lanxi.meet()
    return lanxi.copies(tmp_path_factory)


@pytest.fixture
def lanxi(copied: Callable[[], Commons]) -> Commons:
    return copied()


def ids(home: Path) -> dict[str, str]:
    """Return the ids of what waits, by its note."""
    with Member(home) as member:
        return {row.note or "": row.id.hex() for row in member.to_attest().rows}


def said(home: Path, id: str) -> tuple[int, int, int]:
    """Return how many say yes and no to a contribution, and how many dispute it."""
    with Member(home) as member:
        row = event_row(member.view.state, bytes.fromhex(id))
    assert row is not None
    return row.yes, row.no, row.disputes


def test_others_contributions_are_shown_with_what_a_yes_changes(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest")
        assert "3 wait for your word" in mei.text
        assert "With your yes: work 3 hour = 3,000 points with the next seal" in mei.text
        assert "dug the beds" in mei.text
        assert "Similar ones of Bo" in mei.text
        assert "my own work" not in mei.text
        assert "held by its author" in mei.text
        assert SCRIPT not in mei.page.text
        assert SCRIPT in mei.text
        mei.get("/attest", language="zh")
        assert "有 3 项等您证实" in mei.text
        assert "工作 3 小时" in mei.text


@pytest.mark.parametrize(("word", "result"), [("yes", (1, 0, 0)), ("no", (0, 1, 0))])
def test_a_word_is_in_the_ledger_and_can_be_taken_back(
    lanxi: Commons, word: str, result: tuple[int, int, int]
) -> None:
    id = ids(lanxi.mei.path)["dug the beds"]
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest")
        mei.post("/attest/say", {"id": id, "say": word})
        assert said(lanxi.mei.path, id) == result
        assert f"You said {word} to 1 contribution." in mei.text
        assert "2 wait for your word" in mei.text
        assert "You spoke of: work 3 hour · Bo" in mei.text
        mei.post("/attest/say", {"id": id, "say": "withdraw"})
        assert said(lanxi.mei.path, id) == (0, 0, 0)
        assert "3 wait for your word" in mei.text


def test_a_dispute_needs_its_reason(lanxi: Commons) -> None:
    id = ids(lanxi.mei.path)["dug the beds"]
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest")
        mei.post("/attest/dispute", {"id": id, "note": " "})
        assert mei.page.status_code == 422
        assert "Say why, so that they can answer." in mei.text
        assert said(lanxi.mei.path, id) == (0, 0, 0)
        mei.post("/attest/dispute", {"id": id, "note": "it was two hours"})
        assert said(lanxi.mei.path, id) == (0, 0, 1)
        assert "worth nothing until you withdraw" in mei.text
        mei.post("/attest/dispute", {"id": id, "say": "withdraw"})
        assert said(lanxi.mei.path, id) == (0, 0, 0)


def test_all_of_a_person_are_attested_at_once(lanxi: Commons) -> None:
    waiting = ids(lanxi.mei.path)
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest?member=Bo")
        assert "修好了篱笆" not in mei.text
        assert "Yes to all 2 shown" in mei.text
        form = mei.page.text.partition('class="card"')[2].partition("</form>")[0]
        shown = re.findall(r'name="id" value="(\w+)"', form)
        assert set(shown) == {waiting["dug the beds"], waiting[SCRIPT]}
        mei.post("/attest/say", {"id": shown, "say": "yes", "member": "Bo"})
        assert "You said yes to 2 contributions." in mei.text
        assert "Nothing of this kind waits for your word." in mei.text
        mei.get("/attest?scope=Garden")
        assert "修好了篱笆" in mei.text


def test_corrections_wait_here_too(lanxi: Commons) -> None:
    given = lanxi.json(lanxi.ana, "record", "work", "4", "hours", "--provider", "Mei")["id"]
    lanxi.good(lanxi.ana, "correct", given[:12], "2", "hours")
    lanxi.meet()
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest")
        assert "correction" in mei.text
        assert "A yes lets the correction count" in mei.text
        (id,) = [row.id.hex() for row in waiting_of(lanxi.mei.path, "correction")]
        mei.post("/attest/say", {"id": id, "say": "yes"})
        assert waiting_of(lanxi.mei.path, "correction") == []
        mei.get("/attest")
        assert "A yes lets the correction count" not in mei.text


def waiting_of(home: Path, kind: str) -> list[attest_rows.ToAttest]:
    with Member(home) as member:
        return [row for row in member.to_attest().rows if row.kind == kind]


@pytest.mark.parametrize(
    "form",
    [
        {"say": "yes"},
        {"say": "maybe", "id": "MINE"},
        {"say": "yes", "id": "MINE"},
        {"say": "yes", "id": "ab" * 32},
        {"say": "yes", "id": SCRIPT},
        {"say": "yes", "id": ""},
    ],
)
def test_what_cannot_be_said_is_refused_and_writes_nothing(
    lanxi: Commons, form: dict[str, str]
) -> None:
    with Member(lanxi.mei.path) as member:
        mine = next(row for row in member.contributions().records if row.member_name == "Mei")
    before = lanxi.records(lanxi.mei)
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest")
        mei.post("/attest/say", form | ({"id": mine.id.hex()} if form.get("id") == "MINE" else {}))
        assert mei.page.status_code == 422
    assert lanxi.records(lanxi.mei) == before


def test_a_word_that_is_sent_again_is_said_once(lanxi: Commons) -> None:
    id = ids(lanxi.mei.path)["dug the beds"]
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest")
        form = dict(re.findall(r'name="(form_token|once)" value="([^"]*)"', mei.page.text))
        for _ in range(2):
            mei.post("/attest/say", form | {"id": id, "say": "yes"})
            assert mei.page.status_code == 200
            assert "You said yes to 1 contribution." in mei.text
    assert said(lanxi.mei.path, id) == (1, 0, 0)


def test_no_more_rows_are_shown_than_the_bound(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attest_rows, "TO_ATTEST_MAX", 2)
    with Member(lanxi.mei.path) as member:
        listed = member.to_attest()
    assert (listed.total, len(listed.rows)) == (3, 2)
    assert listed.scopes == (("Garden", 2), ("Barn", 1))


def test_evidence_that_is_a_file_is_named(lanxi: Commons, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG")
    lanxi.good(lanxi.bo, "record", "work", "1", "hour", "--file", photo)
    lanxi.meet()
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest")
        assert "Evidence: a file (image/png)" in mei.text


def test_where_nothing_waits_the_page_teaches(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest")
        waiting = list(ids(lanxi.mei.path).values())
        mei.post("/attest/say", {"id": waiting, "say": "yes"})
        mei.get("/attest")
        assert "When others write down what they gave, it stands here" in mei.text
        assert mei.get("/attest?member=Nobody").status_code == 404


def test_a_claim_to_be_an_agent_outside_waits_here(lanxi: Commons) -> None:
    agent = b"o" * 16
    write(lanxi.bo, Wish("agent.claim", {"agent": agent}))
    lanxi.meet()
    with browser(lanxi.mei.path) as mei:
        mei.get("/attest")
        assert "claims to be" in mei.text
        (row,) = waiting_of(lanxi.mei.path, "agent")
        mei.post("/attest/say", {"id": row.id.hex(), "say": "yes"})
        assert waiting_of(lanxi.mei.path, "agent") == []
