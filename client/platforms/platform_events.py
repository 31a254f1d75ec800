"""From what platforms export to what it is here: who gave what, when, under which name.

Everybody in an export is an agent outside of the community. Nothing is decided here again, and
nothing counts before members attest it. Reads no ledger and never writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

from commonweal.client.language.times import read_date, stated
from commonweal.client.language.words import Words
from commonweal.client.platforms.json_stream import NUMBER_CHARS_MAX, Entry, entries, lines
from commonweal.protocol import codec
from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.errors import CommonwealError, UnreadableQuantity, UnusableText
from commonweal.protocol.vocabulary.currencies import decimals
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED

NAMES_MAX = 200_000
"""People and polls of one Loomio group."""
CURRENCY_CHARS = 3
CENT_DIGITS = 2
_EXACT = Context(prec=NUMBER_CHARS_MAX)
"""Rounds no number that a file may have."""
CREDIT, DEBIT = "CREDIT", "DEBIT"


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    """What an entry says. place: its number. identity: what it is known by, never a person.

    data: of the event, without the agents. name: of the agent outside. is_paid_out: the community
    gave it, else the agent did. is_income: the community was given it. total: how much there was
    at the time of the export, of which only what is new is taken in.
    """

    place: int
    identity: tuple[codec.Value, ...]
    data: dict[str, codec.Value]
    name: str
    note: str
    is_income: bool = False
    is_paid_out: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry that cannot be read, and why, as a sentence."""

    place: int
    why: str


Reading = Callable[[Path, str, int, Words], Iterator["PlatformEvent | Unread"]]
"""Yields the events of a file: its path, the scope, the time now (ms), the language."""


def opencollective(
    path: Path, scope: str, now_ms: int, words: Words
) -> Iterator[PlatformEvent | Unread]:
    """Yield transactions: money that came in from accounts outside, and that went out to them."""

    def read(place: int, entry: dict[str, Any]) -> PlatformEvent:
        kind = entry.get("type")
        if kind not in (CREDIT, DEBIT):
            raise UnusableText(words("its type is neither CREDIT nor DEBIT"))
        account = _object(entry, "fromAccount" if kind == CREDIT else "toAccount")
        account = account or _object(entry, "oppositeAccount")
        amount = _object(entry, "amountInHostCurrency") or _object(entry, "amount")
        data: dict[str, codec.Value] = {
            "action": "transfer",
            "resourceQuantity": _money(amount, words),
            "inScopeOf": scope,
            HAPPENED: _date(entry, "createdAt", now_ms),
        }
        what = _text(entry, "description") or _text(entry, "kind")
        return PlatformEvent(
            place,
            ("opencollective", _identity(entry, "id", words)),
            data,
            f"{_needed(account, 'slug', words)} @ Open Collective",
            f"{what} — {_text(account, 'name') or _text(account, 'slug')}",
            is_income=kind == CREDIT,
            is_paid_out=kind == DEBIT,
        )

    return _each(entries(path, words), read, words)


def loomio(path: Path, scope: str, now_ms: int, words: Words) -> Iterator[PlatformEvent | Unread]:
    """Yield the outcomes of polls: what a group decided elsewhere, cited here with its words."""
    names = _Names(words)

    def read(place: int, entry: dict[str, Any]) -> PlatformEvent | None:
        table, record = _needed(entry, "table", words), _object(entry, "record")
        if table == "users":
            names.keep("user", record, "username", "name")
        elif table == "polls":
            names.keep("poll", record, "title")
        if table != "outcomes" or record.get("latest") is False:
            return None
        author = names.of("user", record.get("author_id"))
        title = names.of("poll", record.get("poll_id"))
        at = _identity(record, "created_at", words)
        data: dict[str, codec.Value] = {
            "action": "cite",
            "inScopeOf": scope,
            HAPPENED: _date(record, "created_at", now_ms),
        }
        statement = _needed(record, "statement", words)
        return PlatformEvent(
            place,
            ("loomio", _identity(record, "id", words), at),
            data,
            f"{author or record.get('author_id')} @ Loomio",
            f"{title}: {statement}" if title else statement,
        )

    return _each(lines(path, words), read, words)


def github(path: Path, scope: str, now_ms: int, words: Words) -> Iterator[PlatformEvent | Unread]:
    """Yield contributors: how many commits each has in a repository by now."""
    del now_ms  # no date is in it

    def read(place: int, entry: dict[str, Any]) -> PlatformEvent:
        count = entry.get("contributions")
        if not isinstance(count, Decimal) or not 0 < count <= INT_MAX or count != int(count):
            raise UnreadableQuantity("contributions")
        login = _text(entry, "login") or _text(entry, "email")
        if not login:
            raise UnusableText(words("{field} is empty").format(field="login"))
        unit: dict[str, codec.Value] = {"n": int(count), "scale": 0, "unit": "commit"}
        data: dict[str, codec.Value] = {
            "action": "produce",
            "resourceQuantity": unit,
            "inScopeOf": scope,
        }
        name = f"{login} @ GitHub"
        return PlatformEvent(place, ("github", scope), data, name, name, total=int(count))

    return _each(entries(path, words), read, words)


READINGS: dict[str, Reading] = {
    "opencollective": opencollective,
    "loomio": loomio,
    "github": github,
}


@dataclass(slots=True)
class _Names:
    """What people and polls of a group are called."""

    words: Words
    _texts: dict[tuple[str, Any], str] = field(default_factory=dict)

    def keep(self, sort: str, record: dict[str, Any], *keys: str) -> None:
        if len(self._texts) >= NAMES_MAX:
            raise UnusableText(self.words("more than {most} names").format(most=NAMES_MAX))
        id = record.get("id")
        text = next(filter(None, (_text(record, key) for key in keys)), "")
        if type(id) in (str, Decimal) and text:
            self._texts[sort, id] = text

    def of(self, sort: str, id: Any) -> str:
        return self._texts.get((sort, id), "") if type(id) in (str, Decimal) else ""


def _each(
    read_entries: Iterator[Entry],
    read: Callable[[int, dict[str, Any]], PlatformEvent | None],
    words: Words,
) -> Iterator[PlatformEvent | Unread]:
    for place, entry in read_entries:
        try:
            event = read(place, entry)
        except CommonwealError as error:
            yield Unread(place, f"{words.error(error)} ({words.details(error)})")
            continue
        if event is not None:
            yield event


def _object(entry: dict[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key)
    return value if type(value) is dict else {}


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return value.strip() if type(value) is str else ""


def _needed(entry: dict[str, Any], key: str, words: Words) -> str:
    """Return a text or a number as a text. Raises UnusableText where there is none."""
    value = entry.get(key)
    text = str(value) if isinstance(value, Decimal) else _text(entry, key)
    if not text:
        raise UnusableText(words("{field} is empty").format(field=key))
    return text


def _identity(entry: dict[str, Any], key: str, words: Words) -> str:
    """Return what an entry is known by. Raises UnusableText without, or for half a character."""
    text = _needed(entry, key, words)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnusableText(words("{field} is no text").format(field=key)) from None
    return text


def _date(entry: dict[str, Any], key: str, now_ms: int) -> codec.Value:
    return stated(read_date(_text(entry, key), now_ms))


def _money(amount: dict[str, Any], words: Words) -> dict[str, codec.Value]:
    """Return an amount in the decimals of its currency; the sign is that of the type."""
    value, currency = amount.get("value"), amount.get("currency")
    if type(currency) is not str or len(currency) != CURRENCY_CHARS or not currency.isupper():
        raise UnusableText(words("{field} is empty").format(field="currency"))
    scale = decimals(currency)
    shift = scale
    if not isinstance(value, Decimal):
        value, shift = amount.get("valueInCents"), scale - CENT_DIGITS
    if not isinstance(value, Decimal) or not 0 < value.copy_abs() <= INT_MAX:
        raise UnreadableQuantity(f"{value} {currency}")
    n = value.copy_abs().scaleb(shift, _EXACT)
    if not 0 < n <= INT_MAX or n != int(n):
        raise UnreadableQuantity(f"{value} {currency}")
    return {"n": int(n), "scale": scale, "unit": currency}
