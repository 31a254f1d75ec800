"""Books: balances that hledger and beancount check, and names and units that they read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data
from hypothesis import given
from hypothesis import strategies as st

from commonweal.client import Member
from commonweal.client.exports.account_names import AGENT_DIGITS, AgentLabels
from commonweal.client.exports.beancount import beancount_lines
from commonweal.client.exports.books import (
    Balance,
    Books,
    Entry,
    Posting,
    Remark,
    SealBalances,
    Transaction,
)
from commonweal.client.exports.hledger import hledger_lines
from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.members.agents import OUTSIDE_BYTES
from commonweal.protocol.records.record import CommunityId, RecordId
from tests.builders.commons import RULES, Commons
from tests.builders.weal import good
from tests.client.conftest import Accounts

needs_hledger = pytest.mark.skipif(
    shutil.which("hledger") is None, reason="hledger is not installed here; .ci/run brings it"
)
BALANCES = {
    "Assets:Set aside:income": "42.00 EUR",
    "Assets:Kept:income:seed fund": "18.00 EUR",
    "Income:Pools:income": "-90.00 EUR",
    "Expenses:Shares:income:work": "72.00 EUR",
    "Liabilities:Members:Bo:Claims:income:H2": "-20.00 EUR",
    "Liabilities:Members:Ana:Claims:income:H2": "-20.00 EUR",
    "Assets:Members:Bo:Too much:income": "6.00 EUR",
    "Assets:Members:Ana:Too much:income": "2.00 EUR",
    "Equity:Paid:Members:Ana": "-10.00 EUR",
    "Equity:Given:Members:Bo": "-5 hour, -7 kilogram",
    "Equity:Given:Members:Ana": "-1 hour",
    "Equity:Received:Members:Ana": "7 kilogram",
    "Equity:Done:work": "6 hour",
}
"""100 EUR came in and were 90. A fifth is kept; Bo worked 3 hours of 4, and was paid 40."""


def hledger(*typed: str, journal: str) -> str:
    ran = subprocess.run(
        ["hledger", *typed, "-f", "-"], input=journal, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def hledger_balances(journal: str) -> dict[str, str]:
    rows = json.loads(hledger("balance", "--flat", "--empty", "-O", "json", journal=journal))[0]
    sums: dict[str, str] = {}
    for account, _, _, amounts in rows:
        parts = [(part["aquantity"], part["acommodity"]) for part in amounts]
        sums[account] = ", ".join(
            f"{Decimal(number['decimalMantissa']).scaleb(-number['decimalPlaces'])} {unit}"
            for number, unit in parts
        )
    return {account: text for account, text in sums.items() if not text.startswith("0")}


def beans(text: str) -> list[Any]:
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    return entries


@needs_hledger
def test_hledger_finds_every_balance_as_asserted(mei: Path) -> None:
    journal = good("export", "hledger", "--home", mei).out
    hledger("check", "--strict", journal=journal)
    assert journal.count(" = ") > len(BALANCES)
    assert hledger_balances(journal) == BALANCES


@needs_hledger
@pytest.mark.parametrize(
    ("was", "wrong"), [("= 42.00", "= 42.01"), ("  80.00", "  80.01"), ("account ", "; ")]
)
def test_hledger_sees_a_balance_a_posting_or_an_account_that_is_wrong(
    was: str, wrong: str, mei: Path
) -> None:
    journal = good("export", "hledger", "--home", mei).out
    assert was in journal or was == "  80.00"
    changed = journal.replace(was, wrong) if was in journal else journal.replace("-90.00", "-90.5")
    ran = subprocess.run(
        ["hledger", "check", "--strict", "-f", "-"], input=changed, capture_output=True, text=True
    )
    assert ran.returncode != 0


def test_beancount_finds_every_balance_as_asserted(mei: Path) -> None:
    entries = beans(good("export", "beancount", "--home", mei).out)
    names = {
        entry.account: f"{entry.account.split(':')[0]} : {entry.meta['name']}".replace(" : ", ":")
        for entry in entries
        if isinstance(entry, data.Open)
    }
    sums: dict[tuple[str, str], Decimal] = {}
    for entry in entries:
        for posting in entry.postings if isinstance(entry, data.Transaction) else ():
            assert posting.units is not None
            assert posting.units.number is not None
            key = names[posting.account], posting.units.currency
            sums[key] = sums.get(key, Decimal()) + posting.units.number
    shown: dict[str, str] = {}
    for (account, unit), amount in sorted(sums.items()):
        named = {"HOUR": "hour", "KILOGRAM": "kilogram"}.get(unit, unit)
        if amount:
            part = f"{amount} {named}"
            shown[account] = f"{shown[account]}, {part}" if account in shown else part
    wanted = {
        account.replace("seed fund", "seed: fund"): text for account, text in BALANCES.items()
    }
    assert shown == wanted
    asserted = {names[entry.account] for entry in entries if isinstance(entry, data.Balance)}
    money = {account for account, text in BALANCES.items() if account[0] in "ALI" and "EUR" in text}
    assert asserted == (money | {"Assets:Pools:income"}) - {"Assets:Kept:income:seed fund"}


def test_what_is_not_final_or_not_confirmed_is_in_no_account(
    accounts_once: Accounts, mei: Path
) -> None:
    with Member(mei) as me:
        entries = list(me.books().entries)
    remarks = [entry.text for entry in entries if isinstance(entry, Remark)]
    assert any("9 hour" in text and text.startswith("not final") for text in remarks)
    assert any(text.startswith("said: 5.00 EUR to Bo") for text in remarks)
    made = [entry for entry in entries if isinstance(entry, Transaction)]
    assert all(dict(entry.about).get("id") != accounts_once.payments.said for entry in made)
    assert all(sum(map(_amount, entry.postings)) == 0 for entry in made)


def _amount(posting: Posting) -> Decimal:
    return posting.amount


def test_a_contribution_has_its_date_and_money_that_of_its_seal(
    accounts_once: Accounts, mei: Path
) -> None:
    with Member(mei) as me:
        made = [entry for entry in me.books().entries if isinstance(entry, Transaction)]
        sealed = {seal.height: seal.time_ms for seal in me.seals()}
    (stated,) = (entry for entry in made if entry.what == "work beds")
    assert stated.at_ms == 1_767_571_200_000
    (income,) = (entry for entry in made if entry.what == "income")
    assert dict(income.about)["id"] == accounts_once.income
    assert income.at_ms == sealed[int(dict(income.about)["height"])]


@pytest.mark.parametrize("name", ["hledger", "beancount"])
def test_an_erased_note_is_in_no_export(name: str, accounts: Callable[[], Accounts]) -> None:
    lanxi = accounts().lanxi
    assert lanxi.good(lanxi.bo, "export", name).out.count("dug") == 2
    rows = lanxi.json(lanxi.bo, "ledger", "--member", "Bo")["records"]
    (id,) = (row["id"] for row in rows if row["note"])
    lanxi.good(lanxi.bo, "erase", id[:16], "--yes")
    assert lanxi.good(lanxi.bo, "export", name).out.count("dug") == 1


@needs_hledger
def test_a_community_that_is_founded_again_has_the_same_books(
    accounts: Callable[[], Accounts], tmp_path: Path
) -> None:
    lanxi = accounts().lanxi
    lanxi.good(lanxi.mei, "refound", "--into", tmp_path / "again")
    journal = good("export", "hledger", "--home", tmp_path / "again").out
    hledger("check", "--strict", journal=journal)
    assert sorted(hledger_balances(journal).values()) == sorted(BALANCES.values())
    beans(good("export", "beancount", "--home", tmp_path / "again").out)


@needs_hledger
def test_what_a_pool_bears_of_a_correction_is_in_its_account(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("half")
    lanxi = Commons(folder)
    lanxi.adopt(RULES.replace('share = "100%"', 'share = "50%"'), folder)
    worked = lanxi.json(lanxi.bo, "record", "work", "3", "hours")["id"]
    income = lanxi.json(lanxi.ana, "income", "100", "EUR")["id"]
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", worked[:16], income[:16])
    lanxi.seal()
    lanxi.good(lanxi.ana, "correct", income[:16], "80", "EUR")
    lanxi.meet()
    lanxi.good(lanxi.mei, "attest", income[:16])
    lanxi.seal()
    with Member(lanxi.mei.path) as me:
        (pool,) = me.shares().pools
        owed = {claim.height: claim.amount for claim in me.claims(member="Bo").claims}
    journal = lanxi.good(lanxi.mei, "export", "hledger").out
    hledger("check", "--strict", journal=journal)
    assert "corrected income" in journal
    sums = hledger_balances(journal)
    assert sums["Income:Pools:income"] == "-80.00 EUR"
    assert sums["Assets:Pools:income"] == f"{pool.amount} EUR"
    for height, amount in owed.items():
        assert sums[f"Liabilities:Members:Bo:Claims:income:H{height}"] == f"-{amount} EUR"
    assert Decimal(sums["Expenses:Shares:income:work"].split()[0]) + pool.amount == 80
    beans(lanxi.good(lanxi.mei, "export", "beancount").out)


HOSTILE = [
    *("Ann", "ann", "Ann ", "A:B", "A;B", "(Ann)", "[x] y", "=Ann", "* Ann", "!", "Ann  Lee"),
    *("a|b", "花园", "علی\u200cرضا", "क्\u200dषमा", "🧑\u200d🌾", '"quoted"', "back\\slash", "{x}"),
    *("123", "é", "\x1b[31mred", "two\nlines", "Claims", "Set aside", "x" * 64, "y" * 64 + "1"),
    *("@x", "# x", "ß"),
]


def books_of(names: list[str], units: list[str]) -> Books:
    """Return books in which everybody of these names gave something in each unit."""

    def entries() -> Generator[Entry, None, None]:
        balances = []
        for name in names:
            for unit in units:
                giver, pool = ("Equity", "Given", "Members", name), ("Assets", "Pools", name)
                postings = (
                    Posting(pool, Decimal("1000.50"), unit),
                    Posting(giver, Decimal("-1000.50"), unit),
                )
                about = (("height", "1"), ("note", name))
                yield Transaction(1_700_000_000_000, name, name, about, postings)
                balances.append(Balance(pool, Decimal("1000.50"), unit))
        yield SealBalances(1_700_000_000_000, 1, tuple(balances))
        yield Remark("\n".join(names))

    at_ms = 1_700_000_000_000
    community = CommunityId(RecordId(bytes(32)))
    return Books(community, names[0], 1, at_ms, tuple(units), 0, entries())


UNITS = [
    *("EUR", "eur", "hour", "小时", "个", "half-day", 'a"b', "a;b"),
    *("m2", "3D", "X-3D", "x" * 40, "x" * 41),
]


@needs_hledger
def test_every_name_is_an_account_of_its_own_in_hledger() -> None:
    journal = "\n".join(hledger_lines(books_of(HOSTILE, UNITS)))
    hledger("check", "--strict", journal=journal)
    accounts = hledger("accounts", "Assets", journal=journal).splitlines()
    assert len(accounts) == len(set(HOSTILE))
    units = hledger("commodities", journal=journal).splitlines()
    assert len(units) == len(UNITS)
    assert "\x1b" not in journal


def test_every_name_is_an_account_of_its_own_in_beancount() -> None:
    text = "\n".join(beancount_lines(books_of(HOSTILE, UNITS)))
    entries = beans(text)
    opened = [entry for entry in entries if isinstance(entry, data.Open)]
    assert len(opened) == 2 * len(set(HOSTILE))
    units = [entry for entry in entries if isinstance(entry, data.Commodity)]
    assert {entry.meta["name"] for entry in units} == set(UNITS)
    assert len({entry.currency for entry in units}) == len(UNITS)
    assert "\x1b" not in text


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5, unique=True))
def test_beancount_reads_books_of_any_names(names: list[str]) -> None:
    written = [name.encode("utf-8", "replace").decode() for name in names]
    beans("\n".join(beancount_lines(books_of(written, ["EUR", *written]))))


@pytest.mark.parametrize("lines_of", [hledger_lines, beancount_lines])
def test_nobody_is_called_as_an_account_of_another(
    lines_of: Callable[[Books], Iterator[str]],
) -> None:
    account = re.compile(r"  Assets:Pools:(.+?)  ")
    taken = ["Ann B", "Ann(B"]  # one legal form, so the second has digits of its hash
    text = "\n".join(lines_of(books_of(taken, ["EUR"])))
    _, made = dict.fromkeys(account.findall(text))
    names = [taken[0], made, taken[1]]
    text = "\n".join(lines_of(books_of(names, ["EUR"])))
    assert len(set(account.findall(text))) == len(names)


def test_nobody_is_called_as_what_tells_two_of_one_name_apart(
    mei: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Member(mei) as me:
        one, two, other, *_ = ids = [member.id for member in membership.members(me.view.state)]
        names: dict[bytes, str] = {one: "Ann", two: "Ann"}
        names[other] = f"Ann {one.hex()[:AGENT_DIGITS]}"
        monkeypatch.setattr(LedgerView, "name", lambda _view, id: names.get(id, id.hex()))
        labels = AgentLabels(me.view)
        accounts = [labels.account(id) for id in ids]
        assert len(set(accounts)) == len(ids)
        assert accounts == [labels.account(id) for id in ids]
        near = [bytes([7]) * OUTSIDE_BYTES, bytes([7]) * (OUTSIDE_BYTES - 1) + b"\0"]
        names |= dict.fromkeys(near, "Zed")
        assert len({labels.account(agent) for agent in near}) == len(near)


DIRECTIVES = [
    "x\ninclude /etc/passwd",
    'x"\ninclude "secret.beancount"',
    "x\r\n2026-01-01 close Assets:Pools",
    'x\\"\nplugin "os"',
    "x\u2028include y",
    "x\x0binclude y",
]
BEGINNINGS = re.compile(r'$|; |\d{4}-\d\d-\d\d |  +\S|commodity "|account |decimal-mark \.$')


@pytest.mark.parametrize("lines_of", [hledger_lines, beancount_lines])
def test_nothing_that_others_wrote_is_a_directive(
    lines_of: Callable[[Books], Iterator[str]],
) -> None:
    text = "\n".join(lines_of(books_of(DIRECTIVES, ["EUR", *DIRECTIVES])))
    for line in re.split("[\n\r\x0b\x0c\u2028\u2029]", text):
        assert BEGINNINGS.match(line), line
        assert not re.match(r"\d{4}-\d\d-\d\d close", line)
    if lines_of is beancount_lines:
        kinds = {type(entry) for entry in beans(text)}
        assert kinds == {data.Open, data.Commodity, data.Transaction, data.Balance}
