"""`weal import opencollective|loomio|github`: what other platforms export, once, and bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.platforms import json_stream, platform_import
from commonweal.client.platforms.json_stream import DEPTH_MAX, ENTRY_CHARS_MAX, entries, lines
from commonweal.protocol.errors import UnreadableFile
from commonweal.storage.home.home import Home
from tests.builders.commons import Commons
from tests.builders.weal import Ran, good, weal


def transaction(number: int, kind: str, value: str, currency: str = "EUR", **more: Any) -> Any:
    """Return a transaction as the API of Open Collective gives it; all in it is invented."""
    outside = {"slug": f"backer-{number % 3}", "name": f"Backer {number % 3}"}
    us = {"slug": "our-garden", "name": "Our Garden"}
    sides = {"fromAccount": outside, "toAccount": us}
    if kind == "DEBIT":
        sides = {"fromAccount": us, "toAccount": outside}
    return {
        "id": f"abcdefgh-{number:08d}",
        "legacyId": number,
        "type": kind,
        "kind": "CONTRIBUTION" if kind == "CREDIT" else "EXPENSE",
        "description": f"number {number}",
        "createdAt": f"2024-03-{number % 28 + 1:02d}T10:00:00.000Z",
        "amount": {"value": json.loads(value), "currency": currency},
        **sides,
        **more,
    }


def put(folder: Path, value: Any, name: str = "garden.json") -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def answer(*nodes: Any) -> Any:
    """Return the answer of a GraphQL API; other lists come before the one that counts."""
    found = {"kinds": ["[", "{"], "limit": 1000, "nodes": list(nodes)}
    return {"data": {"account": {"slug": "our-garden", "transactions": found}}}


LOOMIO = [
    {"table": "groups", "record": {"id": 1, "name": "Garden"}},
    {"table": "users", "record": {"id": 7, "username": "invented", "name": "In Vented"}},
    {"table": "polls", "record": {"id": 3, "title": "Shall we dig a well?"}},
    {
        "table": "outcomes",
        "record": {
            "id": 5,
            "poll_id": 3,
            "author_id": 7,
            "statement": "Yes, behind the shed.",
            "latest": True,
            "created_at": "2023-05-06T07:08:09.123Z",
        },
    },
    {"table": "outcomes", "record": {"id": 4, "poll_id": 3, "author_id": 7, "latest": False}},
]
GITHUB = [
    {"login": "octo-invented", "id": 1, "type": "User", "contributions": 12},
    {"type": "Anonymous", "name": "Nn", "email": "nn@example.org", "contributions": 3},
]


def loomio(folder: Path, *records: Any) -> Path:
    return put(folder, "".join(json.dumps(record) + "\n" for record in records or LOOMIO))


def take(platform: str, home: Home | Path, path: Path, *typed: str) -> Any:
    place = home.path if isinstance(home, Home) else home
    return good("import", platform, path, "--yes", "--home", place, "-o", "json", *typed).json


def listed(home: Path) -> Any:
    return good("ledger", "--home", home, "-o", "json").json["records"]


def test_money_from_open_collective_is_income_of_agents_outside(
    lanxi: Commons, tmp_path: Path
) -> None:
    path = put(tmp_path, answer(
        transaction(1, "CREDIT", "10.50"), transaction(2, "CREDIT", "5"),
        transaction(4, "CREDIT", "500", "JPY"), transaction(5, "DEBIT", "-4.25"),
    ))  # fmt: skip
    seen = take("opencollective", lanxi.ana, path)
    assert [seen[key] for key in ("total", "new", "here", "waiting", "written")] == [4, 3, 0, 1, 3]
    rows = lanxi.json(lanxi.ana, "ledger")["records"]
    paid = sorted((row["quantity"], row["unit"], row["when"], row["member_name"]) for row in rows)
    assert paid == [
        ("10.50", "EUR", "2024-03-02T10:00:00.000Z", "outside: backer-1 @ Open Collective"),
        ("5.00", "EUR", "2024-03-03T10:00:00.000Z", "outside: backer-2 @ Open Collective"),
        ("500", "JPY", "2024-03-05T10:00:00.000Z", "outside: backer-1 @ Open Collective"),
    ]
    assert {row["note"] for row in rows} >= {"number 1 — Backer 1"}
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", *[row["id"] for row in rows])
    lanxi.meet()
    again = take("opencollective", lanxi.ana, path)
    assert [again[key] for key in ("here", "waiting", "written")] == [3, 0, 1]
    (row,) = lanxi.json(lanxi.ana, "ledger", "--limit", "1")["records"]
    assert (row["quantity"], row["member_name"]) == ("4.25", "the community")
    assert take("opencollective", lanxi.ana, path)["here"] == 4


def test_an_agent_outside_is_known_again(home: Path, tmp_path: Path) -> None:
    take("opencollective", home, put(tmp_path, [transaction(1, "CREDIT", "1")]))
    more = [transaction(1, "CREDIT", "1"), transaction(4, "CREDIT", "2")]
    seen = take("opencollective", home, put(tmp_path, more))
    assert (seen["here"], seen["new"], seen["agents"]) == (1, 1, 0)
    assert len({row["member"] for row in listed(home)}) == 1


def test_outcomes_of_loomio_are_cited_with_their_words(home: Path, tmp_path: Path) -> None:
    path = loomio(tmp_path)
    seen = take("loomio", home, path, "--scope", "well")
    assert (seen["total"], seen["written"]) == (1, 1)
    (row,) = listed(home)
    assert row["note"] == "Shall we dig a well?: Yes, behind the shed."
    assert (row["action"], row["quantity"], row["scope"]) == ("cite", None, "well")
    assert (row["when"], row["member_name"]) == (
        "2023-05-06T07:08:09.123Z",
        "outside: invented @ Loomio",
    )
    assert "cite" in good("ledger", "--home", home).out
    assert take("loomio", home, path)["here"] == 1


def test_contributors_of_github_have_what_is_new_of_their_commits(
    home: Path, tmp_path: Path
) -> None:
    path = put(tmp_path, GITHUB)
    assert take("github", home, path)["written"] == 2
    assert {(row["quantity"], row["unit"], row["member_name"]) for row in listed(home)} == {
        ("12", "commit", "outside: octo-invented @ GitHub"),
        ("3", "commit", "outside: nn@example.org @ GitHub"),
    }
    assert take("github", home, path)["written"] == 0
    later = [{**GITHUB[0], "contributions": 20}, GITHUB[1], {**GITHUB[0], "contributions": 20}]
    seen = take("github", home, put(tmp_path, later))
    assert (seen["written"], seen["here"]) == (1, 2)
    assert sum(int(row["quantity"]) for row in listed(home)) == 23


def test_commits_that_another_member_took_in_are_here(lanxi: Commons, tmp_path: Path) -> None:
    path = put(tmp_path, GITHUB)
    assert take("github", lanxi.ana, path)["written"] == 2
    lanxi.meet()
    seen = take("github", lanxi.mei, path)
    assert [seen[key] for key in ("here", "new", "written")] == [2, 0, 0]
    later = put(tmp_path, [{**GITHUB[0], "contributions": 20}, GITHUB[1]])
    assert take("github", lanxi.mei, later)["written"] == 1
    lanxi.meet()
    assert take("github", lanxi.ana, later)["here"] == 2
    rows = lanxi.json(lanxi.ana, "ledger")["records"]
    assert sorted(row["quantity"] for row in rows) == ["12", "3", "8"]


@pytest.mark.parametrize("platform", ["opencollective", "loomio", "github"])
def test_nothing_is_written_before_somebody_says_yes(
    platform: str, home: Path, tmp_path: Path
) -> None:
    files = {
        "opencollective": put(tmp_path, [transaction(1, "CREDIT", "1")], "oc.json"),
        "github": put(tmp_path, GITHUB, "gh.json"),
        "loomio": loomio(tmp_path),
    }
    ran = weal("import", platform, files[platform], "--home", home)
    assert (ran.code, "--yes" in ran.err) == (2, True)
    shown = good("import", platform, files[platform], "--home", home, "--dry-run").out
    assert "here already" in shown
    assert listed(home) == []


def test_an_import_that_was_cut_off_is_completed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform_import, "BATCH_RECORDS", 2)
    path = put(tmp_path, [transaction(n, "CREDIT", "1") for n in range(9)])
    whole = platform_import.PlatformLook.batches

    def cut(self: platform_import.PlatformLook) -> Any:
        for number, batch in enumerate(whole(self)):
            if number == 3:
                raise KeyboardInterrupt
            yield batch

    with monkeypatch.context() as patched:
        patched.setattr(platform_import.PlatformLook, "batches", cut)
        assert weal("import", "opencollective", path, "--yes", "--home", home).code == 130
    kept = len(listed(home))
    assert 0 < kept < 9
    assert take("opencollective", home, path)["here"] == kept
    assert len(listed(home)) == 9
    assert len({row["member"] for row in listed(home)}) == 3


WRONG: dict[str, Any] = {
    "no type": {"type": None},
    "no account": {"fromAccount": None},
    "no amount": {"amount": None},
    "no number": {"amount": {"value": "1", "currency": "EUR"}},
    "half a cent": {"amount": {"value": 0.005, "currency": "EUR"}},
    "half a yen": {"amount": {"value": 0.5, "currency": "JPY"}},
    "endless": {"amount": {"value": 1e300, "currency": "EUR"}},
    "no currency": {"amount": {"value": 1, "currency": "euros"}},
    "no date": {"createdAt": "last week"},
    "no id": {"id": ""},
    "a long name": {"fromAccount": {"slug": "x" * 80}},
    "an unseen name": {"fromAccount": {"slug": "a\u200b\u202eb"}},
    "a surrogate": {"fromAccount": {"slug": "a\ud800"}},
    "a surrogate in its id": {"id": "a\ud800"},
}


@pytest.mark.parametrize("what", WRONG)
def test_an_entry_that_cannot_be_read_is_named_and_nothing_is_written(
    what: str, home: Path, tmp_path: Path
) -> None:
    bad = transaction(2, "CREDIT", "1", **WRONG[what])
    path = put(tmp_path, answer(transaction(1, "CREDIT", "1"), bad))
    ran = weal("import", "opencollective", path, "--yes", "--home", home)
    assert ran.code == 65, ran
    assert "entry 2: " in ran.err
    assert "1 entry cannot be taken in" in ran.err
    assert listed(home) == []


@pytest.mark.parametrize("value", ["1e999999999999999999", "1e-99999999", "1." + "0" * 35 + "4"])
def test_an_amount_is_never_rounded(value: str, home: Path, tmp_path: Path) -> None:
    text = json.dumps(answer(transaction(1, "CREDIT", "77")))
    ran = weal(
        "import",
        "opencollective",
        put(tmp_path, text.replace("77", value)),
        "--yes",
        "--home",
        home,
    )
    assert ran.code == 65, ran
    assert "entry 1: " in ran.err
    assert listed(home) == []


HOSTILE: dict[str, str | bytes] = {
    "no JSON": "hello",
    "no list": '{"a": {"b": 1}}',
    "cut off": '[{"id": "x", "type": "CREDIT"',
    "deep": "[" + '{"a":' * (DEPTH_MAX + 1) + "1" + "}" * (DEPTH_MAX + 1) + "]",
    "deeper": "[" + '{"a":' * 100_000 + "1" + "}" * 100_000 + "]",
    "brackets": '[{"a":' + "[" * 200_000,
    "digits": '[{"a": ' + "1" * 5_000 + "}]",
    "exponent": '[{"a": 1e99999999999999999999999999}]',
    "fraction": '[{"a": 0.' + "1" * 5_000 + "}]",
    "not a number": '[{"a": NaN}]',
    "one long text": '[{"a": "' + "x" * (2 * ENTRY_CHARS_MAX) + '"}]',
    "no objects after the first": '[{"a": 1}, 2]',
    "bytes": b'[{"a": "\xff"}]',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused(what: str, home: Path, tmp_path: Path) -> None:
    path, content = tmp_path / "hostile.json", HOSTILE[what]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for platform in ("opencollective", "github", "loomio"):
        ran: Ran = weal("import", platform, path, "--yes", "--home", home)
        assert ran.code == 65, (platform, ran)
        assert len(ran.err) < 2_000
    assert listed(home) == []


def test_a_list_is_found_and_read_at_every_length_of_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, answer({"a": ']}\\"'}, {"b": [1, {"c": None}]}, {}))
    for chars in (1, 2, 3, 7, 64, 4_096):
        monkeypatch.setattr(json_stream, "READ_CHARS", chars)
        assert [entry for _, entry in entries(path)] == [
            {"a": ']}\\"'},
            {"b": [1, {"c": None}]},
            {},
        ]
    assert list(entries(put(tmp_path, '{"nodes": []}'))) == []


def test_entries_and_lines_have_a_number_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "ENTRIES_MAX", 3)
    assert len(list(entries(put(tmp_path, [{}] * 3)))) == 3
    with pytest.raises(UnreadableFile, match="more than 3 entries"):
        list(entries(put(tmp_path, [{}] * 4)))
    assert len(list(lines(put(tmp_path, "{}\n" * 3)))) == 3
    with pytest.raises(UnreadableFile, match="more than 3 entries"):
        list(lines(put(tmp_path, "{}\n" * 4)))


def test_a_text_of_the_longest_entry_is_read(tmp_path: Path) -> None:
    text = "x" * (ENTRY_CHARS_MAX - len('{"a": ""}\n'))
    assert list(lines(put(tmp_path, json.dumps({"a": text}) + "\n"))) == [(1, {"a": text})]
    with pytest.raises(UnreadableFile, match="too long"):
        list(lines(put(tmp_path, json.dumps({"a": text + "xx"}) + "\n")))


def test_an_entry_is_so_deep_at_most(tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(DEPTH_MAX - 1):
        deep = {"a": deep}
    assert list(entries(put(tmp_path, [deep]))) == [(1, deep)]
    with pytest.raises(UnreadableFile, match="too deep"):
        list(entries(put(tmp_path, [{"a": deep}])))
