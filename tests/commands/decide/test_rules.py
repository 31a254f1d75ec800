"""Rules are compared, replayed, tried and refused by line."""

from __future__ import annotations

import re
from pathlib import Path

from tests.builders.commons import RULES, Commons, worked
from tests.builders.weal import good, weal


def test_rules_are_compared_replayed_and_their_history_kept(lanxi: Commons, tmp_path: Path) -> None:
    _, bos = worked(lanxi, 2, 2)
    lanxi.good(lanxi.ana, "attest", "--scope", "none")
    lanxi.good(lanxi.ana, "attest", bos[:10])
    lanxi.good(lanxi.ana, "attest", "--member", "Mei")
    got = lanxi.json(lanxi.ana, "income", "10", "EUR")["id"]
    lanxi.meet()
    lanxi.good(lanxi.bo, "attest", got[:10])
    lanxi.seal()
    other = RULES.replace('points = "event.effort"', 'points = "event.effort / 2 + 1"')
    file = tmp_path / "other.toml"
    file.write_text(other, "utf-8")
    changes = lanxi.json(lanxi.bo, "rules", "diff", file)["changes"]
    assert [one["path"] for one in changes] == ["value.work.points"]
    run = lanxi.json(lanxi.bo, "rules", "backtest", file)
    assert {one["difference"] for one in run["members"]} == {"0.00"}
    again = lanxi.json(lanxi.ana, "rules", "backtest", file)
    assert again["hash"] == run["hash"]
    proposed = lanxi.json(lanxi.bo, "rules", "propose", file, "--backtest", "--sunset", "2d")
    row = lanxi.json(lanxi.bo, "vote", "show", proposed["id"][:10])
    assert row["backtest"][16:] == run["hash"]
    assert row["sunset_hours"] == 48
    lanxi.good(lanxi.bo, "rules", "comment", proposed["id"][:10], "rounder")
    assert "rounder" in lanxi.good(lanxi.bo, "vote", "show", proposed["id"][:10]).out
    assert lanxi.refused(lanxi.bo, "rules", "trial", proposed["id"][:10]).code == 2
    lanxi.good(lanxi.bo, "rules", "withdraw", proposed["id"][:10])
    history = lanxi.json(lanxi.bo, "rules", "history")["history"]
    assert [one["in_force"] for one in history] == [False, True]
    text = lanxi.good(lanxi.bo, "rules", "show", "--toml").out
    file.write_text(text, "utf-8")
    assert lanxi.json(lanxi.bo, "rules", "diff", file)["changes"] == []
    assert "An hour is 1,000 points." in lanxi.good(lanxi.bo, "rules", "show").out


TRIED = """
[governance.ordinary]
trial_hours = 48
en = "What is ordinary is tried for two days."
zh = "日常事务试行两天。"
"""


def test_rules_on_trial_are_shown_and_pay_nobody(tmp_path: Path) -> None:
    (tmp_path / "tried.toml").write_text(RULES + TRIED, "utf-8")
    lanxi = Commons(tmp_path, str(tmp_path / "tried.toml"))
    more = RULES.replace('points = "event.effort"', 'points = "event.effort * event.effort"')
    proposed = lanxi.adopt(more + TRIED, tmp_path)
    row = lanxi.json(lanxi.bo, "vote", "show", proposed[:12])
    assert (row["status"], row["until"] is None) == ("trial", False)
    worked(lanxi, 1, 3)
    lanxi.good(lanxi.ana, "attest", "--member", "Mei")
    lanxi.good(lanxi.ana, "attest", "--member", "Bo")
    got = lanxi.json(lanxi.ana, "income", "100", "EUR")["id"]
    lanxi.meet()
    lanxi.good(lanxi.bo, "attest", got[:12])
    lanxi.seal()
    paid = lanxi.json(lanxi.bo, "shares")["shares"]
    assert {one["member_name"]: one["amount"] for one in paid} == {"Mei": "25.00", "Bo": "75.00"}
    run = lanxi.json(lanxi.bo, "rules", "trial", proposed[:12])
    members = {one["name"]: (one["had"], one["would"]) for one in run["members"]}
    assert (members["Mei"], members["Bo"]) == (("25.00", "10.00"), ("75.00", "90.00"))
    told = lanxi.good(lanxi.bo, "rules", "trial", proposed[:12]).out
    assert re.match(r"On trial until \d{4}-\d\d-\d\d \d\d:\d\d; computed and shown", told)
    assert lanxi.json(lanxi.bo, "rules", "show")["document"]["value"]["work"]["points"] == (
        "event.effort"
    )


def test_a_draft_with_faults_is_told_by_line(lanxi: Commons, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(RULES.replace("event.effort", "event.efort"), "utf-8")
    ran = weal("rules", "check", file, "-o", "json")
    assert ran.code == 65
    (problem,) = ran.json["problems"]
    assert "efort" in RULES.replace("event.effort", "event.efort").splitlines()[problem["line"] - 1]
    assert lanxi.refused(lanxi.mei, "rules", "propose", file).code == 65
    file.write_bytes(b"\xff\xfe")
    assert weal("rules", "check", file).code == 65
    assert weal("rules", "check", tmp_path / "none.toml").code == 65
    for name in ("cooperative", "open-source", "time-bank", "value-network"):
        file.write_text(good("rules", "template", name).out, "utf-8")
        assert good("rules", "check", file, "-o", "json").json == {
            "ok": True,
            "problems": [],
            "unsaid": [],
            "concerns": [],
        }
