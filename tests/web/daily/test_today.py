"""Today: each thing that waits is done in one step, and leaves only when the ledger says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from commonweal.client import Member, create_home, today
from commonweal.client.home.reminders import read_reminders
from commonweal.client.inbox import InboxRow
from commonweal.client.sharing import finality
from commonweal.protocol.errors import UnknownId
from tests.builders import homes
from tests.builders.browser import Browser, browser, hidden
from tests.builders.commons import RULES, Commons, meet

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Make copies of a community in which work, a vote, a role and a newcomer wait for Mei."""
    folder = tmp_path_factory.mktemp("first")
    lanxi = Commons(folder / "homes")
    lanxi.adopt(RULES, folder)
    lanxi.good(lanxi.bo, "record", "work", "3", "hours", "--note", SCRIPT)
    lanxi.good(lanxi.bo, "role", "claim", "producer")
    file = folder / "other.toml"
    file.write_text(RULES.replace("1,000 points", "2,000 points"), "utf-8")
    lanxi.good(lanxi.bo, "rules", "propose", file)
    lanxi.seal()
    return lanxi.copies(tmp_path_factory)


@pytest.fixture
def lanxi(copied: Callable[[], Commons]) -> Commons:
    return copied()


def waiting(home: Path) -> dict[str, today.TodayRow]:
    """Return what waits today, by its kind."""
    with Member(home) as member:
        return {entry.row.kind: entry for entry in member.today().rows}


def form(row: InboxRow, key: str, about: str = "", **more: str) -> dict[str, str]:
    """Return what the form of a line sends."""
    id, member = row.id.hex() if row.id else "", row.member.hex() if row.member else ""
    return {"key": key, "kind": row.kind, "id": id, "member": member, "about": about, **more}


def sent(page: Browser, entry: today.TodayRow, say: str = "yes") -> None:
    """Send the form of a line."""
    page.post("/today/do", form(entry.row, entry.key, entry.about, say=say))


def test_what_waits_is_shown_with_the_act_that_does_it(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/")
        for text in ("work 3 hour · Bo", "Vote yes", "Endorse Bo", "Yes, so it was", "Later"):
            assert text in mei.text
        assert SCRIPT not in mei.page.text
        assert SCRIPT in mei.text
        assert "Last seal final #" in mei.text
        assert "What we did lately" in mei.text
        mei.get("/", language="zh")
        for text in ("工作 3 小时", "赞成", "推举 Bo", "稍后"):
            assert text in mei.text


def test_a_backlog_shows_how_much_of_it_is_sealed(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Member(lanxi.mei.path) as member:
        member.record("work", 1, "hours")
        final = member.status().finality
        assert final is not None
        assert final.records == final.sealed + 1, "what others wrote is sealed"
    share = f"{final.sealed} of {final.records} records are sealed"
    with browser(lanxi.mei.path) as mei:
        mei.get("/")
        assert share not in mei.text, "one record is no backlog"
        monkeypatch.setattr(finality, "BACKLOG_RECORDS_MIN", 1)
        mei.get("/")
        assert f"Being sealed {share}" in mei.text
        bar = f'<progress max="{final.records}" value="{final.sealed}"'
        assert bar in mei.page.text
        mei.get("/node")
        assert share in mei.text
        mei.get("/", language="zh")
        assert "封账中" in mei.text


@pytest.mark.parametrize("kind", ["event", "vote", "role"])
def test_a_line_leaves_when_the_ledger_has_the_answer(lanxi: Commons, kind: str) -> None:
    entry = waiting(lanxi.mei.path)[kind]
    records = lanxi.records(lanxi.mei)
    with browser(lanxi.mei.path) as mei:
        mei.get("/")
        sent(mei, entry)
        assert mei.page.status_code == 200
        assert f'value="{entry.key}"' not in mei.page.text
        assert 'class="notice"' in mei.page.text
    assert lanxi.records(lanxi.mei) == records + 1
    assert kind not in waiting(lanxi.mei.path)


def test_a_newcomer_is_vouched_for_in_one_step(tmp_path: Path) -> None:
    lanxi = Commons(tmp_path / "homes")
    two = '[membership]\nvouches = 2\nen = "Two vouch."\nzh = "两人担保。"\n'
    lanxi.adopt(f"{RULES}\n{two}", tmp_path)
    li = homes.newcomer(tmp_path / "li", homes.invited(lanxi.bo), "Li")
    meet(*lanxi.all, li)
    entry = waiting(lanxi.mei.path)["request"]
    with browser(lanxi.mei.path) as mei:
        mei.get("/")
        sent(mei, entry)
        assert "You vouch for them." in mei.text
        assert f'value="{entry.key}"' not in mei.page.text
    meet(lanxi.mei, li)
    with Member(lanxi.mei) as member:
        assert sum(known.status == "active" for known in member.members()) == 4


def test_what_was_answered_elsewhere_is_said_so_and_stays_done(lanxi: Commons) -> None:
    entry = waiting(lanxi.mei.path)["event"]
    with browser(lanxi.mei.path) as mei:
        mei.get("/")
        with Member(lanxi.mei) as member:
            assert entry.row.id is not None
            member.attest(entry.row.id)
        records = lanxi.records(lanxi.mei)
        sent(mei, entry)
        assert mei.page.status_code == 422
        assert 'role="alert"' in mei.page.text
    assert lanxi.records(lanxi.mei) == records


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "event", "id": "ab" * 32, "say": "yes"},
        {"kind": "vote", "id": "zz", "say": "yes"},
        {"kind": "vote", "say": "perhaps"},
        {"kind": "request", "member": SCRIPT},
        {"kind": "role", "member": "Bo", "about": "queen"},
        {"kind": "backup"},
        {"kind": ""},
        {},
    ],
)
def test_what_cannot_be_done_is_refused_and_writes_nothing(
    lanxi: Commons, wrong: dict[str, str]
) -> None:
    records = lanxi.records(lanxi.mei)
    with browser(lanxi.mei.path) as mei:
        mei.get("/")
        mei.post("/today/do", wrong)
        assert mei.page.status_code == 422
        assert 'role="alert"' in mei.page.text
        assert SCRIPT not in mei.page.text
    assert lanxi.records(lanxi.mei) == records


def test_later_is_until_tomorrow_and_in_this_home_alone(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, records = waiting(lanxi.mei.path)["event"], lanxi.records(lanxi.mei)
    with browser(lanxi.mei.path) as mei:
        mei.get("/")
        mei.post("/today/later", {"key": entry.key})
        assert "Put off until tomorrow." in mei.text
        assert f'value="{entry.key}"' not in mei.page.text
        assert "1 is put off until tomorrow." in mei.text
        assert lanxi.records(lanxi.mei) == records
        until_ms = read_reminders(lanxi.mei).later[entry.key]
        midnight = datetime.fromtimestamp(until_ms / 1000, UTC).astimezone()
        assert (midnight.hour, midnight.minute) == (0, 0)
        monkeypatch.setattr(today, "now_ms", lambda: until_ms)
        assert "event" in waiting(lanxi.mei.path)
        monkeypatch.undo()
        mei.post("/today/back", {})
        assert f'value="{entry.key}"' in mei.page.text


def test_what_does_not_wait_cannot_be_put_off(lanxi: Commons) -> None:
    with Member(lanxi.mei) as member, pytest.raises(UnknownId):
        member.put_off("event:" + SCRIPT)
    with browser(lanxi.mei.path) as mei:
        mei.get("/")
        assert mei.post("/today/later", {"key": SCRIPT}).status_code == 404
        assert SCRIPT not in mei.page.text


def test_how_much_is_put_off_is_bounded(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(today, "LATER_MAX", 1)
    with Member(lanxi.mei) as member:
        for kind in ("event", "vote"):
            member.put_off(waiting(lanxi.mei.path)[kind].key)
        assert member.today().put_off == 1
    assert len(read_reminders(lanxi.mei).later) == 1


def test_a_damaged_note_of_what_was_put_off_counts_as_none(lanxi: Commons) -> None:
    file = lanxi.mei.path / "reminders.json"
    wrong: list[object] = [[], {"event:x": "soon"}, {"event:x": True}, "x"]
    for later in wrong:
        file.write_text(json.dumps({"later": later, "backup_ms": 5}))
        kept = read_reminders(lanxi.mei)
        assert (kept.later, kept.backup_ms) == ({}, 5)


def test_a_form_of_another_session_that_is_sent_again_leads_back(lanxi: Commons) -> None:
    entry, once, seen = waiting(lanxi.mei.path)["event"], "", ("", "")
    records = lanxi.records(lanxi.mei)
    for _ in range(2):
        with browser(lanxi.mei.path) as mei:
            mei.get("/")
            once = once or hidden(mei.page.text)["once"]
            fields = form(entry.row, entry.key, entry.about, say="yes", once=once)
            mei.client.headers["referer"] = "http://127.0.0.1:4999/attest?member=Bo"
            mei.post("/today/do", fields)
            assert mei.page.status_code == 200
            seen = mei.text, str(mei.page.url)
    assert "This form was sent before. What it asked for is done, once." in seen[0]
    assert "/attest?member=Bo#r-" in seen[1]
    assert lanxi.records(lanxi.mei) == records + 1


def test_my_last_shares_are_shown(lanxi: Commons) -> None:
    lanxi.good(lanxi.mei, "attest", "--member", "Bo")
    income = lanxi.json(lanxi.mei, "income", "30", "EUR")["id"]
    lanxi.meet()
    lanxi.good(lanxi.bo, "attest", income)
    lanxi.seal()
    with browser(lanxi.bo.path) as bo:
        bo.get("/")
        assert "Your last shares" in bo.text
        assert re.search(r"30\.00 EUR · income final #\d", bo.text)
    with browser(lanxi.ana.path) as ana:
        ana.get("/")
        assert "Your last shares" not in ana.text


def test_shares_beyond_64_bits_are_added_up(lanxi: Commons) -> None:
    with Member(lanxi.bo.path) as bo:
        shared = (bo.view.me, 6 * 10**18, 2, "EUR", b"", 0)
        rows = [(bytes([line]), 2, "income", line, "", "bucket", *shared) for line in range(2)]
        marks = ", ".join("?" * len(rows[0]))
        bo.view.kept.layers.change_many(f"INSERT INTO payout_row VALUES ({marks})", rows)
        (share,) = bo.latest_shares()
    assert (share.amount, share.unit) == (Decimal(12 * 10**16), "EUR")


def test_where_nothing_waits_the_page_teaches(tmp_path: Path) -> None:
    create_home(tmp_path / "li", "Li")
    with browser(tmp_path / "li") as li:
        li.get("/")
        assert str(li.page.url).endswith("/welcome")
    with Member(tmp_path / "li") as member:
        member.found("Hof", rules="value-network")
    with browser(tmp_path / "li") as li:
        li.get("/")
        assert "Nothing waits for you." in li.text
        assert "Nobody has written anything down yet." in li.text
        assert "nothing is sealed yet" in li.text
        assert str(li.get("/today").url).endswith("/")
