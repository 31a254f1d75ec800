"""Books as a ledger that beancount reads, and checks with `bean-check`."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from unicodedata import category

from commonweal.client.exports.account_names import NAMELESS, AccountNames, LegalNames
from commonweal.client.exports.books import Balance, Books, Remark, SealBalances, Transaction
from commonweal.client.exports.hledger import TEXT_CHARS_MAX
from commonweal.client.language.visible_text import visible

RESERVED = ("NULL", "TRUE", "FALSE")
UNIT_CHARS_MAX = 24
"""The longest name of a currency that every version of beancount reads."""

_NO_UNIT = re.compile(r"[^A-Z0-9]+")


def beancount_lines(books: Books) -> Generator[str, None, None]:
    """Yield the lines of a ledger, as they are asked for.

    beancount reads a balance at the beginning of a day, so of several seals of one day the balances
    of the last are written, at the next day.
    """
    accounts, units = AccountNames(_account_part, "-"), LegalNames(_unit, "-", UNIT_CHARS_MAX)
    first = _day(books.first_ms)
    yield f"; {visible(books.community_name)} {books.community.hex()}"
    yield f"; final at height {books.height}; comments at the end are not final"
    for unit in books.units:
        yield f"{first} commodity {units.of(unit)}"
        yield f"  name: {_quoted(unit)}"
    balances: dict[tuple[str, str], tuple[date, Balance]] = {}
    with closing(books.entries) as entries:
        for entry in entries:
            match entry:
                case Transaction():
                    yield from _transaction(entry, accounts, units)
                case SealBalances():
                    day = _day(entry.at_ms)
                    for balance in entry.balances:
                        key = (accounts.of(balance.account), units.of(balance.unit))
                        if key in balances and balances[key][0] < day:
                            yield _balance(*key, *balances[key])
                        balances[key] = day, balance
                case Remark():
                    yield f"; {visible(entry.text)}"
    for key, stated in balances.items():
        yield _balance(*key, *stated)
    for name, account in accounts.used.items():
        yield f"{first} open {name}"
        yield f"  name: {_quoted(' : '.join(account[1:]))}"


def _balance(name: str, unit: str, day: date, balance: Balance) -> str:
    return f"{day + timedelta(days=1)} balance {name}  {balance.amount:f} {unit}"


def _transaction(
    entry: Transaction, accounts: AccountNames, units: LegalNames
) -> Generator[str, None, None]:
    about = dict(entry.about)
    what = " | ".join(part for part in (entry.what, about.pop("note", "")) if part)
    yield f"{_day(entry.at_ms)} * {_quoted(entry.payee)} {_quoted(what)}"
    yield from (f"  {key}: {_quoted(value)}" for key, value in about.items())
    for account, amount, unit in entry.postings:
        yield f"  {accounts.of(account)}  {amount:f} {units.of(unit)}"


def _day(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms // 1000, UTC).date()


def _quoted(text: str) -> str:
    line = visible(" ".join(text.split()))[:TEXT_CHARS_MAX]
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _account_part(name: str) -> str:
    """Return letters and digits, with dashes for all else; the first is a capital or a digit."""
    spelt = (sign if category(sign)[0] == "L" or sign.isdecimal() else "-" for sign in name)
    part = re.sub("-+", "-", "".join(spelt)).strip("-")
    if not part or category(part[0]) in ("Lu", "Nd"):
        return part
    capital = part[0].upper()
    has_capital = len(capital) == 1 and category(capital) == "Lu"
    return capital + part[1:] if has_capital else f"{NAMELESS}-{part}"


def _unit(unit: str) -> str:
    """Return capitals of ASCII, with dashes for all else; the first is a letter."""
    part = _NO_UNIT.sub("-", unit.upper()).strip("-")
    is_usable = len(part) != 1 and part not in RESERVED and not part[:1].isdigit()
    return part if is_usable else f"{NAMELESS}-{part}"
