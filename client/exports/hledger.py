"""Books as a journal that hledger reads, and checks with `hledger check --strict`."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime

from commonweal.client.exports.account_names import AccountNames, LegalNames
from commonweal.client.exports.books import Books, Remark, SealBalances, Transaction
from commonweal.client.language.visible_text import visible

TEXT_CHARS_MAX = 500
"""What is written of a note."""

_NO_NAME = re.compile(r'[\s:;"(){}<>=@*!#%&|,\\\[\]]+')


def hledger_lines(books: Books) -> Generator[str, None, None]:
    """Yield the lines of a journal, as they are asked for."""
    accounts, units = AccountNames(_account_part, " "), LegalNames(_unit, " ")
    yield f"; {_plain(books.community_name)} {books.community.hex()}"
    yield f"; final at height {books.height}; comments at the end are not final"
    yield "decimal-mark ."
    for unit in books.units:
        yield f'commodity "{units.of(unit)}"'
    with closing(books.entries) as entries:
        for entry in entries:
            match entry:
                case Transaction():
                    yield from _transaction(entry, accounts, units)
                case SealBalances():
                    yield ""
                    yield f"{_day(entry.at_ms)} * balances  ; height:{entry.height}"
                    for account, amount, unit in entry.balances:
                        name, symbol = accounts.of(account), f'"{units.of(unit)}"'
                        yield f"    {name}  0 {symbol} = {amount:f} {symbol}"
                case Remark():
                    yield f"; {_plain(entry.text)}"
    yield ""
    for name in accounts.used:
        yield f"account {name}"


def _transaction(
    entry: Transaction, accounts: AccountNames, units: LegalNames
) -> Generator[str, None, None]:
    about = dict(entry.about)
    note = about.pop("note", "")
    parts = [part for part in (entry.payee, entry.what, note) if part]
    yield ""
    yield f"{_day(entry.at_ms)} * {' | '.join(map(_plain, parts))}"
    yield f"    ; {', '.join(f'{key}:{value}' for key, value in about.items())}"
    for account, amount, unit in entry.postings:
        yield f'    {accounts.of(account)}  {amount:f} "{units.of(unit)}"'


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d")


def _plain(text: str) -> str:
    """Return text on one line that begins no comment, code or status."""
    line = visible(" ".join(text.split()))[:TEXT_CHARS_MAX]
    return re.sub(r"^[(*!=]", r"'\g<0>", line.replace(";", ","))


def _account_part(name: str) -> str:
    return _NO_NAME.sub(" ", visible(name)).strip()


def _unit(unit: str) -> str:
    return re.sub('[;"]', "'", visible(unit))
