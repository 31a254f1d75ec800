"""`weal deal`: what it prints, from the first word to the last, in both languages."""

from __future__ import annotations

import pytest

from tests.builders.commons import Commons


def proposed(lanxi: Commons, *more: str) -> str:
    """Let Ana propose a deal to Bo, and all hold it; return the first digits of its id."""
    typed = ("--with", "Bo", "--give", "work 2 hours", "--take", "transfer 30 EUR")
    id: str = lanxi.json(lanxi.ana, "deal", "propose", *typed, *more)["id"]
    lanxi.meet()
    return id[:12]


def test_a_deal_goes_from_the_first_word_to_the_last(lanxi: Commons) -> None:
    typed = ("--with", "Bo", "--give", "work 2 hours", "--take", "transfer 30 EUR")
    said = lanxi.good(lanxi.ana, "deal", "propose", *typed, "--note", "Friday?").out
    assert said.startswith("Proposed, as ") and "It waits for the yes of Bo." in said
    lanxi.meet()
    (row,) = lanxi.json(lanxi.bo, "deal", "list")["deals"]
    id = row["id"][:12]
    assert (row["state"], row["group"], row["waits_for"]) == ("asked", "asked of me", ["Bo"])
    shown = lanxi.good(lanxi.bo, "deal", "show", id).out
    assert "in return: transfer 30 EUR · Bo → Ana" in shown
    assert "Ana: Friday?" in shown and "Bo     not yet" in shown
    assert f"You can: weal deal accept {id[:8]} · weal deal counter {id[:8]}" in shown
    said = lanxi.good(lanxi.bo, "deal", "accept", id).out
    assert said == "You said yes. All said yes: it is agreed, and final with the next seal.\n"
    lanxi.seal()
    shown = lanxi.json(lanxi.ana, "deal", "show", id)
    assert [party["sealed_at"] for party in shown["signatures"]] == [2, 2]
    assert "agrees  final #2" in lanxi.good(lanxi.ana, "deal", "show", id).out
    (hours, _money) = (clause["id"] for clause in shown["terms"])
    recorded = ("record", "work", "1.5", "hours", "--fulfills", hours[:12])
    assert "Of the promise 0.5 hour are open." in lanxi.good(lanxi.ana, *recorded).out
    promise = lanxi.json(lanxi.ana, *recorded)["promise"]
    assert {key: promise[key] for key in ("met", "open", "free", "unit")} == {
        "met": "2",
        "open": "0",
        "free": "1.0",
        "unit": "hour",
    }
    said = lanxi.good(lanxi.ana, "deal", "done", id).out
    assert said == "You said that it is done. It ends once the others say so too.\n"
    lanxi.meet()
    said = lanxi.good(lanxi.bo, "deal", "done", id).out
    assert said == "You said that it is done. The deal has ended.\n"
    assert lanxi.json(lanxi.bo, "deal", "list")["deals"] == []
    (row,) = lanxi.json(lanxi.bo, "deal", "list", "--all")["deals"]
    assert (row["state"], row["met"], row["clauses"]) == ("done", 1, 2)


def test_clauses_are_changed_one_by_one_or_typed_anew(lanxi: Commons) -> None:
    id = proposed(lanxi)
    other = lanxi.json(lanxi.bo, "deal", "counter", id, "--set", "1", "3", "hours", "--due", "5d")
    assert other["words"] == "work 3 hour · Ana → Bo, for: transfer 30 EUR · Bo → Ana"
    assert other["counters"].startswith(id)
    lanxi.meet()
    again = lanxi.json(lanxi.ana, "deal", "counter", other["id"][:12], "--give", "work 1 hour")
    assert again["words"] == "work 1 hour · Ana → Bo"
    shown = lanxi.json(lanxi.ana, "deal", "show", other["id"][:12])
    assert shown["state"] == "countered"
    assert all(clause["due"] is not None for clause in shown["terms"])


def test_a_ring_is_typed_clause_by_clause(lanxi: Commons) -> None:
    clauses = ("Mei Bo transfer 5 kg", "Bo Ana work 2 hours", "Ana Mei work 1 小时")
    typed = [word for clause in clauses for word in ("--clause", clause)]
    made = lanxi.json(lanxi.mei, "deal", "propose", *typed)
    assert len(made["clauses"]) == 3
    lanxi.meet()
    assert "ring" in lanxi.good(lanxi.bo, "deal", "list").out
    said = lanxi.good(lanxi.bo, "deal", "accept", made["id"][:12]).out
    assert said == "You said yes. It waits for the yes of Ana.\n"
    kind = ("spec", "resource", "winter apples", "--unit", "kg")
    lanxi.good(lanxi.mei, *kind)
    named = ("--with", "Bo", "--give", 'transfer 50 kg "winter apples"')
    apples = lanxi.json(lanxi.mei, "deal", "propose", *named)
    assert apples["words"] == "transfer 50 kilogram winter apples · Mei → Bo"


def test_a_deal_is_told_in_chinese(lanxi: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    id = proposed(lanxi)
    monkeypatch.setenv("LANGUAGE", "zh")
    shown = lanxi.good(lanxi.bo, "deal", "show", id).out
    assert "回报：转让 30 欧元 · Bo → Ana" in shown and "尚未" in shown and "您可以：" in shown
    assert "等待 Bo" not in shown
    assert "您已谢绝" in lanxi.good(lanxi.bo, "deal", "decline", id).out
    refused = lanxi.refused(lanxi.bo, "deal", "accept", id)
    assert "已谢绝：Bo 谢绝了" in refused.err


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("--flow", "ffff", "eeee"), "ffff"),
        (("ffff",), "ffff"),
        ((), "name an offer, or matches by --flow, or clauses"),
        (("ffff", "--give", "work 1 hour"), "one of the three"),
        (("--clause", "Ana Bo work 1"), "a clause is FROM TO ACTION QUANTITY UNIT"),
        (("--clause", 'Ana Bo "work 1 hour'), "a quotation mark is missing"),
        (("--clause", "x" * 1001), "at most 1000 characters"),
        (("--with", "Bo", "--give", "work one hour"), "one"),
        (("--with", "Bo", "--take", "work 1 hour", "--return", "Bo Ana work 1 hour"), ""),
    ],
)
def test_what_cannot_be_read_is_said_before_anything_is_written(
    lanxi: Commons, typed: tuple[str, ...], says: str
) -> None:
    if not says:
        assert lanxi.json(lanxi.ana, "deal", "propose", *typed)["waits_for"] == ["Bo"]
        return
    assert says in lanxi.refused(lanxi.ana, "deal", "propose", *typed).err


def test_deals_are_asked_in_sql(lanxi: Commons) -> None:
    id = proposed(lanxi, "--answer-by", "2100-01-01")
    lanxi.good(lanxi.bo, "deal", "accept", id)
    lanxi.seal()
    (hours, _money) = lanxi.json(lanxi.ana, "deal", "show", id)["terms"]
    lanxi.good(lanxi.ana, "record", "work", "1", "hour", "--fulfills", hours["id"][:12])

    def asked(query: str) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = lanxi.json(lanxi.ana, "sql", query)["rows"]
        return rows

    (deal,) = asked("SELECT status, parties, yes, answer_by, final FROM deals")
    assert deal == {
        "status": "agreed",
        "parties": 2,
        "yes": 2,
        "final": 1,
        "answer_by": "2100-01-01T23:59:00Z",
    }
    assert (
        asked("SELECT say, ended, final FROM signatures")
        == [{"say": "yes", "ended": None, "final": 1}] * 2
    )
    columns = "number, in_return, quantity_n, met_n, open_n, unit, status, final"
    assert asked(f"SELECT {columns} FROM clauses WHERE deal IS NOT NULL ORDER BY number") == [
        {
            "number": 1,
            "in_return": 0,
            "quantity_n": 2,
            "met_n": 1,
            "open_n": 1,
            "unit": "hour",
            "status": "agreed",
            "final": 0,
        },
        {
            "number": 2,
            "in_return": 1,
            "quantity_n": 30,
            "met_n": 0,
            "open_n": 30,
            "unit": "EUR",
            "status": "agreed",
            "final": 1,
        },
    ]
    fulfilled = "SELECT count(*) AS n FROM events JOIN clauses ON clauses.id = events.fulfills"
    assert asked(fulfilled) == [{"n": 1}]
    other = proposed(lanxi)
    lanxi.good(lanxi.ana, "deal", "withdraw", other)
    assert asked("SELECT status FROM deals ORDER BY clock DESC LIMIT 1") == [
        {"status": "withdrawn"}
    ]
