"""Recording and reading: what was typed is found again, and json keeps its shape."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.sharing import finality
from commonweal.commands.contribute import ledger as ledger_commands
from commonweal.protocol import errors
from commonweal.protocol.vocabulary import identifiers as texts
from commonweal.storage.home.home import Home
from commonweal.storage.records.logs.log_store import Store
from tests.builders.weal import founder, good, weal


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "home", "Ann 安")


def recorded(home: Path, *typed: str) -> dict[str, Any]:
    found: dict[str, Any] = good("record", *typed, "--home", home, "-o", "json").json
    return found


def listed(home: Path, *typed: str) -> Any:
    return good("ledger", *typed, "--home", home, "-o", "json").json


def test_what_is_recorded_is_listed(home: Path) -> None:
    written = recorded(home, "work", "2.5", "hours", "--note", "seeds", "--scope", "garden")
    assert sorted(written) == ["forecast", "id", "promise", "seq", "when"]
    assert written["promise"] is None, "it keeps none"
    assert written["forecast"]["attestations_missing"] == 1
    assert written["seq"] == 2
    found = listed(home)
    assert found["total"] == 1
    (row,) = found["records"]
    status = good("status", "--home", home, "-o", "json").json
    assert row["when"].endswith("Z")
    assert row.pop("when") == row.pop("claimed_at")
    assert row == {
        "id": written["id"],
        "seq": 2,
        "member": status["member"],
        "member_name": "Ann 安",
        "action": "work",
        "quantity": "2.5",
        "unit": "hour",
        "receiver": None,
        "scope": "garden",
        "note": "seeds",
        "sealed": False,
        "why": None,
        "corrected_to": None,
    }


def test_chinese_and_english_are_one_record(home: Path) -> None:
    recorded(home, "work", "3", "hours")
    recorded(home, "工作", "３", "小时")
    one, two = listed(home)["records"]
    same = ("action", "quantity", "unit", "member")
    assert [one[key] for key in same] == [two[key] for key in same]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        (("work", "3", "hours"), "effortQuantity"),
        (("use", "3", "天"), "effortQuantity"),
        (("produce", "3", "kg"), "resourceQuantity"),
    ],
)
def test_effort_and_things_are_kept_apart(typed: tuple[str, ...], key: str, home: Path) -> None:
    written = recorded(home, *typed)
    data = good("show", written["id"], "--home", home, "-o", "json").json["data"]
    assert data[key]["n"] == 3
    assert {"effortQuantity", "resourceQuantity"} & data.keys() == {key}


def test_a_note_is_in_the_erasable_body_only(home: Path) -> None:
    written = recorded(home, "work", "1", "hour", "--note", "花园 secret")
    shown = good("show", written["id"], "--home", home, "-o", "json").json
    assert shown["body"]["permanent"] is False
    assert shown["body"]["text"] == "花园 secret"
    with Home(home).store() as store:
        assert b"secret" not in (store.wire(bytes.fromhex(written["id"])) or b"")  # type: ignore[arg-type]
        store.erase_body(bytes.fromhex(shown["body"]["hash"]))
        store.commit()
    assert listed(home)["records"][0]["note"] is None
    assert "was erased" in good("show", written["id"], "--home", home).out


def test_evidence_travels_with_its_kind(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    file.write_bytes(b"\x89PNG\r\n" + bytes(60_000))
    written = recorded(home, "work", "1", "hour", "--file", str(file))
    shown = good("show", written["id"], "--home", home, "-o", "json").json
    assert shown["body"]["media_type"] == "image/png"
    assert shown["body"]["held"] is True
    assert "image/png" in good("show", written["id"], "--home", home).out


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (("play", "1", "hour"), 2, "no such action"),
        (("work", "3,5", "hour"), 2, "is it 3.5"),
        (("work", "many", "hour"), 2, "cannot be read"),
        (("work", "1", ""), 65, "a unit has"),
        (("work", "1", "hour", "--note", ""), 65, "a note has"),
        (("work", "1", "hour", "--note", "x" * 70_000), 65, "a note has"),
        (("work", "1", "hour", "--scope", " "), 65, "a scope has"),
        (("work", "1", "hour", "--scope", "x" * 201), 65, "a scope has"),
        (("work", "1", "hour", "--provider", "Nobody"), 65, "Nobody"),
        (("work", "1", "hour", "--file", "/nowhere/at/all"), 65, "/nowhere/at/all"),
        (("work", "1", "hour", "--file", "BIG"), 65, "too large"),
        (("work", "1", "hour", "--file", "BIG", "--note", "x"), 2, "not both"),
        (("work", "1", "hour", "--wait", "1"), 69, "weal up"),
    ],
)
def test_what_cannot_be_recorded_leaves_nothing(
    typed: tuple[str, ...], code: int, said: str, home: Path, tmp_path: Path
) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(64 * 1024))
    words = [str(big) if word == "BIG" else word for word in typed]
    ran = weal("record", *words, "--home", home)
    assert ran.code == code
    assert said in ran.err
    assert listed(home)["total"] == 0


def test_a_full_disk_acknowledges_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_store: Store) -> None:
        raise errors.DiskFull("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "commit", full)
        ran = weal("record", "work", "1", "hour", "--home", home, "-o", "json")
    assert (ran.code, ran.out) == (73, "")
    assert listed(home)["total"] == 0


def test_filters_count_what_they_list(home: Path) -> None:
    recorded(home, "work", "1", "hour", "--scope", "garden")
    recorded(home, "work", "2", "hour")
    recorded(home, "produce", "3", "kg", "--scope", "garden")
    assert listed(home)["total"] == 3
    assert listed(home, "--action", "工作")["total"] == 2
    assert listed(home, "--scope", "garden")["total"] == 2
    assert listed(home, "--scope", "garden", "--action", "work")["total"] == 1
    assert listed(home, "--member", "Ann 安")["total"] == 3
    assert listed(home, "--since", "1h")["total"] == 3
    assert listed(home, "--until", "1h")["total"] == 0
    limited = listed(home, "--limit", "1")
    assert limited["total"] == 3
    assert [row["action"] for row in limited["records"]] == ["produce"]
    assert listed(home, "--limit", "0") == {"total": 3, "records": [], "not_counting": []}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (("--member", "Nobody"), 65),
        (("--action", "play"), 2),
        (("--since", "soon"), 2),
        (("--limit", "-1"), 2),
    ],
)
def test_a_filter_that_says_nothing_is_refused(
    typed: tuple[str, ...], code: int, home: Path
) -> None:
    assert weal("ledger", *typed, "--home", home).code == code


def test_membership_is_no_event(home: Path) -> None:
    good("invite", "create", "--home", home)
    assert listed(home) == {"total": 0, "records": [], "not_counting": []}
    assert "Nothing is recorded" in good("ledger", "--home", home).out


def test_people_read_a_straight_table_in_their_language(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(home, "work", "2.5", "hours", "--note", "a\x1b[31mb\nc")
    recorded(home, "produce", "12", "kg", "--scope", "花园")
    english = good("ledger", "--home", home).out
    assert "a\\x1b[31mb\\nc" in english
    assert "\x1b" not in english
    assert "2 records" in english
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    chinese = good("ledger", "--home", home).out
    assert "工作" in chinese
    assert "公斤" in chinese
    rows = good("ledger", "--home", home, "-o", "json").json["records"]
    assert {row["action"] for row in rows} == {"work", "produce"}


def test_a_long_ledger_says_how_much_it_leaves_out(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_commands, "TEXT_ROWS", 1)
    recorded(home, "work", "1", "hour")
    recorded(home, "work", "2", "hour")
    assert "1 of 2 records" in good("ledger", "--home", home).out
    assert len(listed(home)["records"]) == 2


def test_a_sheet_holds_no_formula(home: Path) -> None:
    recorded(home, "work", "1", "hour", "--note", "=HYPERLINK(1)", "--scope", "@SUM(A1)")
    sheet = good("ledger", "--home", home, "-o", "csv").out
    header, row = csv.reader(io.StringIO(sheet))
    assert header == list(ledger_commands.FIELDS)
    found = dict(zip(header, row, strict=True))
    assert found["note"] == "'=HYPERLINK(1)"
    assert found["scope"] == "'@SUM(A1)"


def test_show_says_all_of_a_record(home: Path) -> None:
    written = recorded(home, "work", "1", "hour", "--note", "one\ntwo\x1b[2J")
    shown = good("show", written["id"][:10], "--home", home)
    assert "  one\n  two\\x1b[2J\n" in shown.out
    found = good("show", written["id"][:10].upper(), "--home", home, "-o", "json").json
    assert sorted(found) == [
        *("author", "basis", "body", "claimed_at", "clock", "community", "counts", "data"),
        *("deps", "holders", "id", "kind", "member", "member_name", "prev", "reason", "sealed"),
        *("sealed_at", "seq", "signature", "waits_for", "when"),
    ]
    assert found["signature"] == "good"
    assert found["holders"] is None


def test_the_founding_record_can_be_shown(home: Path) -> None:
    community = good("status", "--home", home, "-o", "json").json["community"]
    found = good("show", community, "--home", home, "-o", "json").json
    assert found["kind"] == "community.found"
    assert found["body"]["permanent"] is True


@pytest.mark.parametrize("prefix", ["", "ab", "zzzz", "0" * 64, "0" * 65, "\x1b[2J"])
def test_an_id_that_fits_nothing_is_told(prefix: str, home: Path) -> None:
    ran = weal("show", prefix, "--home", home)
    assert ran.code == 65
    assert "Nothing here has this name or id" in ran.err
    assert "\x1b" not in ran.err


def test_an_id_that_fits_two_records_names_both(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = "abcd" + "0" * 60, "abcd" + "1" * 60
    monkeypatch.setattr(
        Store, "ids", lambda _store, _prefix: [bytes.fromhex(one), bytes.fromhex(two)]
    )
    ran = weal("show", "abcd", "--home", home)
    assert ran.code == 65
    assert "More than one" in ran.err
    assert one[:16] in ran.err
    assert two[:16] in ran.err


def test_names_that_look_alike_are_told_apart(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "look alike" not in good("members", "--home", home).err
    monkeypatch.setattr(texts, "confusable_groups", lambda names: [[*names, *names]])
    ran = good("members", "--home", home)
    own = good("status", "--home", home, "-o", "json").json["member"][:8]
    assert f"look alike; tell them apart by their ids: Ann 安 ({own}), Ann 安 ({own})" in ran.err


def test_members_and_devices_are_listed(home: Path) -> None:
    status = good("status", "--home", home, "-o", "json").json
    assert good("members", "--home", home, "-o", "json").json == {
        "members": [
            {
                "member": status["member"],
                "name": "Ann 安",
                "status": "active",
                "devices": 1,
                "roles": ["witness"],
                "claimed": [],
                "founder": True,
                "you": True,
                "powers": None,
            }
        ]
    }
    (device,) = good("device", "list", "--home", home, "-o", "json").json["devices"]
    assert device["device"] == status["device"]
    assert device["here"] is True
    assert "Ann 安" in good("members", "--home", home).out
    assert "this one" in good("device", "list", "--home", home).out


def test_the_device_that_types_does_not_end_itself(home: Path) -> None:
    (device,) = good("device", "list", "--home", home, "-o", "json").json["devices"]
    ran = weal("device", "revoke", device["device"][:8], "--home", home)
    assert ran.code == 77
    assert weal("device", "revoke", "0123456789", "--home", home).code == 65


def test_status_keeps_its_shape(home: Path) -> None:
    found = good("status", "--home", home, "-o", "json").json
    assert sorted(found) == [
        *(
            "behind",
            "coming",
            "community",
            "community_name",
            "damaged",
            "device",
            "finality",
            "frontier",
        ),
        *("joined", "keepers", "keepers_needed", "light", "listening", "logs", "member"),
        *("member_name", "not_counting", "parent"),
        *("peers", "reach", "records", "refused", "room", "running", "state", "writable"),
    ]
    assert found["community_name"] == "Garden"
    assert (found["records"], found["logs"], found["peers"]) == (2, 1, [])
    assert (found["state"], found["running"]) == ("member", False)
    assert len(found["frontier"]) == 64
    shown = good("status", "--home", home).out
    assert "not running" in shown
    assert found["frontier"][:8] not in shown


@pytest.mark.parametrize("sealed", [False, True])
def test_status_says_how_much_of_a_backlog_is_sealed(
    home: Path, sealed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sealed:
        good("seal", "--home", home)
        good("record", "work", "1", "hours", "--home", home)
    final = good("status", "--home", home, "-o", "json").json["finality"]
    assert (final["records"], final["sealed"]) == ((3, 2) if sealed else (2, 0))
    said = "2 of 3 records are sealed, 66 %" if sealed else "0 of 2 records are sealed, 0 %"
    assert said not in good("status", "--home", home).out
    monkeypatch.setattr(finality, "BACKLOG_RECORDS_MIN", 1)
    assert said in good("status", "--home", home).out


def test_an_invite_is_made_listed_and_taken_back(home: Path) -> None:
    made = good("invite", "create", "--uses", "3", "--expires", "2d", "--home", home, "-o", "json")
    assert sorted(made.json) == ["code", "expires", "id", "link", "reach", "uses"]
    assert made.json["code"] is None, "no node runs"
    assert made.json["link"].startswith("weal://")
    assert made.json["uses"] == 3
    (row,) = good("invite", "list", "--home", home, "-o", "json").json["invites"]
    assert (row["id"], row["uses"], row["used"]) == (made.json["id"], 3, 0)
    assert (row["state"], row["expires"]) == ("open", made.json["expires"])
    good("invite", "revoke", made.json["id"][:8], "--home", home)
    (row,) = good("invite", "list", "--home", home, "-o", "json").json["invites"]
    assert row["state"] == "revoked"
    assert weal("invite", "revoke", "0123456789", "--home", home).code == 65


@pytest.mark.parametrize("typed", [("--uses", "0"), ("--uses", "1001"), ("--expires", "soon")])
def test_an_invite_has_bounds(typed: tuple[str, ...], home: Path) -> None:
    assert weal("invite", "create", *typed, "--home", home).code == 2


def test_a_device_is_added_by_a_link_without_an_invite(home: Path) -> None:
    from commonweal.protocol.identity import invite

    made = good("device", "add", "--home", home, "-o", "json").json
    assert invite.from_text(made["link"]).invite is None
    assert "weal restore" in good("device", "add", "--home", home).out


def test_names_follow_what_changes(home: Path) -> None:
    recorded(home, "work", "1", "hour")

    def name() -> str:
        found: str = listed(home)["records"][0]["member_name"]
        return found

    assert [name(), name()] == ["Ann 安", "Ann 安"]
    rename(home, "Anna")
    assert name() == "Anna"
    with Home(home).store() as store:
        profile = [one for one in store.rare() if one.kind == "member.profile"][-1]
        assert profile.body is not None
        store.erase_body(profile.body.hash)
        store.commit()
    assert name().startswith("?")


def rename(home: Path, name: str) -> None:
    from commonweal.node.service.events import Text, Wish
    from tests.builders.unasked import write

    write(Home(home), [Wish("member.profile", {}, (), Text("text/plain", name.encode()))])
