"""What members do with each other, typed: attesting, roles, things, votes, shares, and refusals."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.language.rejection_words import REASONS
from commonweal.node.service.events import Wish
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home, Settings
from tests.builders import homes
from tests.builders.commons import RULES, Commons, worked
from tests.builders.weal import weal


def test_everybody_who_joined_is_listed_with_roles(lanxi: Commons) -> None:
    lanxi.good(lanxi.bo, "role", "claim", "producer")
    lanxi.meet()
    (bo,) = [one for one in lanxi.json(lanxi.ana, "members")["members"] if one["name"] == "Bo"]
    assert (bo["status"], bo["roles"], bo["claimed"]) == ("active", [], ["producer"])
    assert "producer, claimed" in lanxi.good(lanxi.ana, "members").out
    lanxi.good(lanxi.ana, "role", "endorse", "Bo", "producer")
    lanxi.meet()
    listed = lanxi.json(lanxi.bo, "role", "list")
    first, claim = sorted(listed["claims"], key=lambda one: one["role"], reverse=True)
    assert (first["role"], first["member_name"], first["held"]) == ("witness", "Mei", True)
    assert (claim["held"], claim["endorsements"], claim["needed"]) == (True, 1, 1)
    assert [one["role"] for one in listed["roles"]] == ["co-owner", "producer", "witness"]
    lanxi.good(lanxi.bo, "role", "resign", "producer")
    assert lanxi.json(lanxi.bo, "role", "list")["claims"] == [first]


def test_income_is_shared_alike_on_every_node_and_explained(lanxi: Commons) -> None:
    mine, bos, anas = worked(lanxi, 1, 3, 4)
    lanxi.good(lanxi.mei, "attest", bos[:10], anas[:10])
    lanxi.good(lanxi.bo, "attest", "--member", "Mei")
    got = lanxi.json(lanxi.ana, "income", "100", "EUR", "--earned-by", bos[:10])
    lanxi.meet()
    assert lanxi.json(lanxi.mei, "shares")["shares"] == []
    lanxi.good(lanxi.mei, "attest", got["id"][:10])
    would = lanxi.json(lanxi.mei, "shares", "--if-sealed")
    assert would["provisional"] is True
    assert {one["amount"] for one in would["shares"]} == {"12.50", "37.50", "50.00"}
    assert lanxi.json(lanxi.mei, "shares")["shares"] == []
    lanxi.seal()
    printed = [lanxi.good(home, "shares", "-o", "json").out for home in lanxi.all]
    assert printed[0] == printed[1] == printed[2]
    shares = {one["member_name"]: one["amount"] for one in lanxi.json(lanxi.bo, "shares")["shares"]}
    assert shares == {"Mei": "12.50", "Bo": "37.50", "Ana": "50.00"}
    rules = [lanxi.good(home, "rules", "show", "-o", "json").out for home in lanxi.all]
    assert rules[0] == rules[1] == rules[2]
    lines = lanxi.json(lanxi.ana, "shares", "--lines")["lines"]
    for line in lines:
        told = lanxi.json(lanxi.ana, "explain", line["line"])
        assert told["rule"] == "By hours."
        assert int(told["weights"]) == 8_000
        assert float(told["of"]) * told["weight"] / told["weights"] == float(told["amount"])
        (event,) = told["inputs"]
        back = lanxi.json(lanxi.ana, "explain", event)
        assert [one["line"] for one in back["lines"]] == [line["line"]]
    assert {one["inputs"][0] for one in lines} == {mine, bos, anas}
    words = lanxi.good(lanxi.ana, "explain", lines[0]["line"]).out
    assert "By hours." in words
    balance = lanxi.json(lanxi.bo, "balance")
    assert balance["paid"] == [{"name": None, "unit": "EUR", "amount": "37.50"}]
    assert balance["given"][0]["sealed"] == "3"


def test_what_was_corrected_is_attested_again(lanxi: Commons) -> None:
    _, bos = worked(lanxi, 1, 3)
    lanxi.good(lanxi.ana, "attest", bos[:10])
    lanxi.meet()
    lanxi.good(lanxi.bo, "correct", bos[:10], "2.5", "hours")
    lanxi.meet()
    told = lanxi.json(lanxi.ana, "explain", bos)
    assert (told["quantity"], told["yes"], told["attested"]) == ("2.5", 0, False)
    lanxi.good(lanxi.ana, "attest", bos[:10])
    assert lanxi.json(lanxi.ana, "explain", bos)["attested"] is True
    taken_back = lanxi.good(lanxi.ana, "attest", bos[:10], "--withdraw")
    assert taken_back.out.startswith("You took back what you said of: work 2.5 hour")
    lanxi.good(lanxi.ana, "dispute", bos[:10], "--note", "I was there")
    assert lanxi.json(lanxi.ana, "explain", bos)["disputes"] == 1
    lanxi.good(lanxi.ana, "dispute", bos[:10], "--withdraw")
    assert lanxi.json(lanxi.ana, "explain", bos)["disputes"] == 0


def test_things_units_and_where_they_went(lanxi: Commons) -> None:
    lanxi.good(lanxi.mei, "unit", "new", "crate")
    lanxi.meet()
    made = lanxi.json(lanxi.bo, "resource", "new", "apples", "12", "crate", "--common")
    lanxi.good(lanxi.bo, "resource", "new", "apples", "3", "crate")
    (first, second) = lanxi.json(lanxi.bo, "resource", "list")["resources"]
    assert {first["accountable_name"], second["accountable_name"]} == {"the community", "Bo"}
    assert {first["onhand"], second["onhand"]} == {"0", "3"}, "nobody attested the twelve yet"
    lanxi.meet()
    lanxi.good(lanxi.ana, "attest", made["id"][:10])
    lanxi.meet()
    (first, second) = lanxi.json(lanxi.bo, "resource", "list")["resources"]
    assert {first["onhand"], second["onhand"]} == {"12", "3"}
    assert len(lanxi.json(lanxi.bo, "resource", "list", "--member", "Bo")["resources"]) == 1
    shown = lanxi.json(lanxi.bo, "resource", "show", made["id"][:10])
    assert (shown["name"], shown["unit"], shown["events"]) == ("apples", "crate", [made["id"]])
    traced = lanxi.json(lanxi.bo, "trace", made["id"][:10])
    assert (traced["sort"], [one["id"] for one in traced["upstream"]]) == ("resource", [made["id"]])
    assert "apples" in lanxi.good(lanxi.bo, "trace", made["id"][:10]).out
    assert "crate" in {one["unit"] for one in lanxi.json(lanxi.bo, "unit", "list")["units"]}


def test_work_from_outside_is_claimed(lanxi: Commons) -> None:
    paid = lanxi.json(lanxi.mei, "income", "5", "EUR", "--note", "a customer")
    (agent,) = lanxi.json(lanxi.mei, "agent", "list")["agents"]
    assert (agent["agent"], agent["events"], agent["note"]) == (paid["payer"], 1, "a customer")
    for words in (("ledger",), ("show", paid["id"][:10])):
        shown = lanxi.good(lanxi.mei, *words).out
        assert f"outside: {paid['payer'][:8]}" in shown
        assert f"?{paid['payer'][:8]}" not in shown
    lanxi.meet()
    claim = lanxi.json(lanxi.bo, "agent", "claim", paid["payer"][:8])
    lanxi.meet()
    lanxi.good(lanxi.ana, "attest", claim["id"][:10])
    (agent,) = lanxi.json(lanxi.ana, "agent", "list")["agents"]
    assert agent["member_name"] == "Bo"


def test_a_member_is_removed_by_vote_and_another_leaves(lanxi: Commons) -> None:
    opened = lanxi.json(lanxi.mei, "remove", "Ana", "--yes", "--note", "never here")
    lanxi.meet()
    assert lanxi.refused(lanxi.ana, "rules", "vote", opened["id"][:10], "no").code == 77
    for home in (lanxi.mei, lanxi.bo):
        lanxi.good(home, "rules", "vote", opened["id"][:10], "yes")
    (row,) = lanxi.json(lanxi.bo, "vote", "list")["votes"]
    assert (row["subject"], row["status"], row["words"]) == ("removal", "draft", "remove Ana")
    lanxi.seal()
    told = lanxi.json(lanxi.bo, "vote", "show", opened["id"][:10])
    assert (told["status"], told["yes"], told["electorate"]) == ("passed", 2, 2)
    status = {one["name"]: one["status"] for one in lanxi.json(lanxi.bo, "members")["members"]}
    assert status == {"Mei": "active", "Bo": "active", "Ana": "removed"}
    lanxi.good(lanxi.bo, "leave", "--yes")
    assert lanxi.refused(lanxi.bo, "record", "work", "1", "hour").code == 77


REFUSALS: dict[str, tuple[tuple[str, ...], str]] = {
    "attesting one's own": (("attest", "{mine}"), Reason.SELF_ATTESTED),
    "disputing one's own": (("dispute", "{mine}"), Reason.SELF_ATTESTED),
    "correcting another's": (("correct", "{bos}", "9", "hours"), Reason.NOT_YOURS),
    "withdrawing what was not said": (("attest", "{bos}", "--withdraw"), Reason.NOTHING_NEW),
    "a role that is not": (("role", "claim", "queen"), Reason.UNKNOWN_ROLE),
    "a role off its path": (("role", "claim", "co-owner"), Reason.NO_PATH),
    "endorsing who claimed nothing": (("role", "endorse", "Bo", "producer"), Reason.NOT_CLAIMED),
    "resigning nothing": (("role", "resign", "producer"), Reason.NOT_CLAIMED),
    "a unit that is taken": (("unit", "new", "hour"), Reason.NAME_TAKEN),
    "a unit that looks like one": (("unit", "new", "H0UR"), Reason.NAME_TAKEN),
    "income in no unit": (("income", "3", "florin"), Reason.UNKNOWN_UNIT),
    "a thing in no unit": (("resource", "new", "a", "3", "florin"), Reason.UNKNOWN_UNIT),
    "rules that are in force": (
        ("rules", "propose", "{rules}"),
        "these rules are in force already",
    ),
    "voting on what is decided": (("rules", "vote", "{done}", "no"), Reason.VOTE_CLOSED),
    "withdrawing what is decided": (("rules", "withdraw", "{done}"), Reason.VOTE_CLOSED),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_would_count_for_nothing_is_not_written(
    what: str, lanxi: Commons, tmp_path: Path
) -> None:
    typed, reason = REFUSALS[what]
    mine, bos = worked(lanxi, 1, 2)
    (done,) = lanxi.json(lanxi.mei, "vote", "list", "--all")["votes"]
    file = tmp_path / "same.toml"
    file.write_text(RULES, "utf-8")
    words = {"mine": mine[:12], "bos": bos[:12], "done": done["id"][:12], "rules": str(file)}
    ran = lanxi.refused(lanxi.mei, *(one.format(**words) for one in typed))
    assert ran.code == 77
    assert reason in ran.err


def test_an_invalid_record_in_the_log_is_shown_with_its_reason(lanxi: Commons) -> None:
    (mine,) = worked(lanxi, 1)
    wish = Wish("attest", {"event": bytes.fromhex(mine), "say": "yes"})
    (bad,) = homes.write(lanxi.mei, wish)
    id = bytes(bad["id"]).hex()
    row = lanxi.json(lanxi.mei, "show", id[:12])
    assert (row["counts"], row["reason"]) == (False, Reason.SELF_ATTESTED.value)
    assert Reason.SELF_ATTESTED.value in lanxi.good(lanxi.mei, "show", id[:12]).out
    assert Reason.SELF_ATTESTED.value in lanxi.good(lanxi.mei, "explain", id[:12]).out
    assert lanxi.json(lanxi.mei, "show", mine[:12])["reason"] is None
    assert lanxi.json(lanxi.mei, "ledger")["records"][0]["sealed"] is False
    assert "not sealed yet" in lanxi.good(lanxi.mei, "ledger").out
    lanxi.seal()
    assert lanxi.json(lanxi.mei, "ledger")["records"][0]["sealed"] is True
    assert "all listed are final" in lanxi.good(lanxi.mei, "ledger").out
    assert lanxi.json(lanxi.bo, "show", id[:12])["reason"] == Reason.SELF_ATTESTED.value
    assert lanxi.json(lanxi.bo, "show", mine[:12])["sealed"] is True


LISTS: dict[tuple[str, ...], str] = {
    ("members",): "members",
    ("role", "list"): "claims",
    ("resource", "list"): "resources",
    ("unit", "list"): "units",
    ("agent", "list"): "agents",
    ("vote", "list", "--all"): "votes",
    ("rules", "history"): "history",
    ("shares",): "shares",
    ("shares", "--lines"): "lines",
    ("sql", "SELECT * FROM members"): "rows",
    ("balance",): "given",
}


@pytest.mark.parametrize("typed", LISTS, ids=" ".join)
def test_lists_are_written_for_people_scripts_and_sheets(
    typed: tuple[str, ...], lanxi: Commons
) -> None:
    worked(lanxi, 1, 2)
    value: Any = lanxi.json(lanxi.mei, *typed)
    assert isinstance(value[LISTS[typed]], list)
    assert lanxi.good(lanxi.mei, *typed).out.strip()
    rows = list(csv.reader(io.StringIO(lanxi.good(lanxi.mei, *typed, "-o", "csv").out)))
    assert len({len(row) for row in rows}) == 1


def test_sql_answers_and_refuses(lanxi: Commons) -> None:
    worked(lanxi, 1, 2)
    typed = ("sql", "SELECT action, count(*), sum(effort_n) FROM events GROUP BY action")
    assert lanxi.json(lanxi.mei, *typed)["rows"] == [
        {"action": "work", "count(*)": 2, "sum(effort_n)": 3}
    ]
    assert "work" in lanxi.good(lanxi.mei, *typed).out
    cut = weal("sql", "SELECT id FROM events", "--limit", "1", "--home", lanxi.mei.path)
    assert "more than 1 rows" in cut.err
    assert lanxi.refused(lanxi.mei, "sql", "DELETE FROM members").code == 65


def test_every_reason_is_a_sentence_of_the_catalogue() -> None:
    assert set(REASONS) == {reason.value for reason in Reason}


def test_a_second_look_loads_no_fold(lanxi: Commons) -> None:
    lanxi.good(lanxi.mei, "resource", "list")
    script = (
        "import sys; from commonweal.cli import main\n"
        f"code = main(['resource', 'list', '--home', {str(lanxi.mei.path)!r}])\n"
        "heavy = [one for one in sys.modules if one.startswith(('trio', 'libp2p',"
        " 'commonweal.node', 'commonweal.protocol.ledger.fold', 'commonweal.protocol.rules'))]\n"
        "sys.exit(code or ' '.join(heavy) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_members_vote_which_record_of_a_fork_counts(lanxi: Commons, tmp_path: Path) -> None:
    lanxi.seal()
    other = Home(Path(shutil.copytree(lanxi.bo.path, tmp_path / "bo again")))
    ids = [
        RecordId(bytes.fromhex(lanxi.json(home, "record", "work", hours, "hour")["id"]))
        for home, hours in ((lanxi.bo, "1"), (other, "2"))
    ]
    pair = []
    for home, id in zip((lanxi.bo, other), ids, strict=True):
        with home.store(readonly=True) as store:
            record = store.record(id)
            assert record is not None
            pair.append(record)
    with lanxi.mei.store(readonly=True) as store:
        here = Settings.read(store).here
    for home in lanxi.all:
        with home.store() as store:
            store.freeze(fork_proof.check(pair[0], pair[1], here))
            store.append_branch(pair)
            store.commit()
    assert "one of two records" in lanxi.refused(lanxi.mei, "resolve", here.hex()).err
    lanxi.seal()
    opened = lanxi.json(lanxi.mei, "resolve", ids[1].hex()[:10], "--note", "the phone that is used")
    lanxi.meet()
    (row,) = lanxi.json(lanxi.ana, "vote", "list")["votes"]
    assert (row["subject"], row["words"]) == ("fork", f"keep {ids[1].hex()[:8]}")
    for home in (lanxi.mei, lanxi.ana):
        lanxi.good(home, "rules", "vote", opened["id"][:10], "yes")
    lanxi.seal()
    lanxi.seal()
    for home in (lanxi.mei, lanxi.ana):
        shown = [lanxi.json(home, "show", id.hex()[:10]) for id in ids]
        assert [one["sealed"] for one in shown] == [False, True]
