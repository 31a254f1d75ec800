"""From the rows of a sheet to the records to be written.

What a record says follows from the row alone: neither the zone, the language nor the path of
this machine is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from os import urandom
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from commonweal.client.contributions.contributions import CONTENT_BYTES_MAX
from commonweal.client.home.submit import now_ms
from commonweal.client.language.quantity import (
    TIME_UNITS,
    quantity_field,
    read_action,
    read_quantity,
    read_scope,
)
from commonweal.client.language.times import read_date, stated
from commonweal.client.language.words import Words
from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.client.ledger.names.directory import People
from commonweal.client.ledger.names.named import spec_named
from commonweal.client.sheets.columns import MONEY, REQUIRED
from commonweal.client.sheets.date_format import iso_date
from commonweal.client.sheets.number_format import DECIMALS, plain_number
from commonweal.client.sheets.row_units import RowUnits
from commonweal.client.sheets.sheet import Row, SheetForm
from commonweal.client.things.resources import treasury_of
from commonweal.protocol import codec
from commonweal.protocol.errors import (
    UnknownId,
    UnreadableQuantity,
    UnreadableTime,
    UnusableText,
)
from commonweal.protocol.ledger.members.agents import OUTSIDE_BYTES
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED
from commonweal.storage.ledger.contributions.row_digests import ROW_BYTES, ROW_KEY

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

CACHED_MAX = 4_096
"""Names, actions and units that are looked up once."""
PAYERS_MAX = 100_000
"""People outside in one sheet."""
OPENING = "opening balance"
"""The scope of opening balances, by which rules can tell them; the same in every language."""
LENT = "capital"
"""The factor of what a member lent before."""

V = TypeVar("V")


class SheetRecord(NamedTuple):
    """What a row comes to.

    digest: stands for the row in the ledger. begins_treasury: it begins the community's holding of
    its unit.
    """

    line: int
    data: dict[str, codec.Value]
    note: str
    digest: bytes
    unit: str
    begins_treasury: bool

    def wish(self) -> Wish:
        """Return the record to be written."""
        from commonweal.node.service.events import Text, Wish

        text = Text("text/plain", self.note.encode()) if self.note else None
        return Wish("event", {**self.data, ROW_KEY: self.digest}, (), text)


class RowReader:
    """Reads rows as the sheet is written, for the ledger as it is."""

    def __init__(self, view: LedgerView, form: SheetForm, words: Words) -> None:
        """form: how the sheet is written."""
        self._view, self._words = view, words
        self._decimal, self._dates = form.decimal, form.dates
        self._opened_on = form.opened_on
        self._is_statement = "payer" in {*form.mapping.columns, *form.mapping.values}
        people = People(view.store, view.settings.here, words=words)
        self._member = _cached(lambda name: bytes(people.find_active(name)))
        self._action = _cached(lambda text: read_action(text, words))
        self._scope = _cached(lambda text: read_scope(text, words))
        self._spec = _cached(self._spec_named)
        self._treasury = _cached(lambda unit: treasury_of(view, unit))
        self._units = RowUnits(view, words)
        self._now_ms = now_ms()
        self._payers: dict[str, bytes] = {}
        self._begun: dict[str, bytes] = {}

    def read(self, row: Row) -> SheetRecord | None:
        """Return what a row comes to. Raises CommonwealError where it cannot be read.

        None for what a bank statement says of money that went out.
        """
        cells = row.cells
        for field in REQUIRED:
            if field not in cells and (field != "action" or self._opened_on is None):
                raise UnusableText(self._words("{field} is empty").format(field=field))
        number = self._number(cells["quantity"])
        if number.startswith("-") and self._is_statement:
            return None
        amount = read_quantity(number, cells["unit"], self._words)
        unit = str(amount["unit"])
        typed = cells.get("action")
        action = _opening_action(cells, unit) if typed is None else self._action(typed)
        data: dict[str, codec.Value] = {"action": action, quantity_field(action, unit): amount}
        data |= self._named(cells)
        if self._opened_on is not None:
            data = self._opening(action) | data
        note, payer = cells.get("note", ""), cells.get("payer", "")
        if payer:
            note = f"{note} — {payer}" if note else payer
        if len(note.encode()) > CONTENT_BYTES_MAX:
            raise UnusableText(self._words("the note is longer than a record takes"))
        # What the row says, not what the rules of the day count: so it is known again later.
        digest = blake2b(codec.encode(data), digest_size=ROW_BYTES).digest()
        data = self._units.counted(data)
        treasury = self._begun.get(unit) or (self._treasury(unit) if self._is_statement else None)
        if self._is_statement:
            data |= self._income(payer, treasury)
        begins = self._is_statement and treasury is None
        return SheetRecord(row.line, data, note, digest, unit, begins)

    def begin_treasury(self, unit: str, treasury: bytes) -> None:
        """Let what is read next go to a holding of `unit` that was begun since."""
        self._begun[unit] = treasury

    def _named(self, cells: dict[str, str]) -> dict[str, codec.Value]:
        """Return what a row says beside action, quantity and note."""
        data: dict[str, codec.Value] = {}
        if not self._is_statement:
            provider = cells.get("provider")
            data["provider"] = self._member(provider) if provider else bytes(self._view.me)
        if "receiver" in cells:
            data["receiver"] = self._member(cells["receiver"])
        if "scope" in cells:
            data["inScopeOf"] = self._scope(cells["scope"])
        if "factor" in cells:
            data["factor"] = cells["factor"]
        if "date" in cells:
            data[HAPPENED] = self._date(cells["date"])
        if "resource" in cells:
            data["resourceConformsTo"] = self._spec(cells["resource"])
        return data

    def _opening(self, action: str) -> dict[str, codec.Value]:
        """Return what an opening balance says where its row says nothing else."""
        assert self._opened_on is not None, "it is one"
        data: dict[str, codec.Value] = {"inScopeOf": OPENING, HAPPENED: self._opened_on}
        if action == "raise":
            data["newInventoriedResource"] = {}
        if action == "transfer":
            data |= {"receiver": bytes(self._view.community), "factor": LENT}
        return data

    def _spec_named(self, name: str) -> bytes:
        """Return the specification of this name. Raises UnknownId."""
        spec = spec_named(self._view, name)
        if spec is None:
            raise UnknownId(
                self._words("{name}; say what it is first: weal spec resource").format(name=name)
            )
        return bytes(spec)

    def _number(self, text: str) -> str:
        """Return a number as `read_quantity` takes it."""
        plain = plain_number(text, self._decimal)
        if plain is not None:
            return plain
        if any(plain_number(text, decimal) for decimal in DECIMALS):
            wrong = self._words("{number}, where the mark before a fraction is {decimal}")
            raise UnreadableQuantity(wrong.format(number=text, decimal=self._decimal))
        return text

    def _date(self, text: str) -> codec.Value:
        """Return when a row says that it happened, as an event states it."""
        date = iso_date(text, self._dates)
        if date is None:
            raise UnreadableTime(text)
        return stated(read_date(date, self._now_ms))

    def _payer(self, name: str) -> bytes:
        """Return the id of somebody outside; the same for the same name in one sheet."""
        if name not in self._payers:
            if len(self._payers) >= PAYERS_MAX:
                most = self._words("more than {most} payers in one sheet")
                raise UnusableText(most.format(most=PAYERS_MAX))
            self._payers[name] = urandom(OUTSIDE_BYTES)
        return self._payers[name]

    def _income(self, payer: str, treasury: bytes | None) -> dict[str, codec.Value]:
        """Return what an income has beside what its row says: who paid, and where it is kept."""
        kept: dict[str, codec.Value] = (
            {"newInventoriedResource": {}}
            if treasury is None
            else {"toResourceInventoriedAs": bytes(treasury)}
        )
        return {"provider": self._payer(payer), "receiver": bytes(self._view.community), **kept}


def _opening_action(cells: dict[str, str], unit: str) -> str:
    """Return as what an opening balance comes in: work, a debt, a thing, or points."""
    if unit in TIME_UNITS:
        return "work"
    if "resource" in cells:
        return "raise"
    return "transfer" if unit in MONEY else "produce"


def _cached(look_up: Callable[[str], V]) -> Callable[[str], V]:
    return lru_cache(CACHED_MAX)(look_up)
