"""What a sheet would come to, before anything of it is written.

Every guess is in it: nothing of a sheet is written that was not shown to the caller first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

from commonweal.client.importers.imports import VoidRow
from commonweal.client.language.quantity import exact
from commonweal.client.language.words import Words
from commonweal.client.ledger.forecast import Forecast
from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.client.sheets.charset import Charset
from commonweal.client.sheets.columns import Mapping
from commonweal.client.sheets.known_rows import KnownRows
from commonweal.client.sheets.rows import RowReader, SheetRecord
from commonweal.client.sheets.sheet import Sheet, SheetForm
from commonweal.protocol import codec
from commonweal.protocol.errors import CommonwealError, WouldNotCount
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.vocabulary.budget import NO_USAGE, Budget, Usage
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED

if TYPE_CHECKING:
    from commonweal.client.ledger.drafts import Drafts

FIRST_ROWS = 5
"""Rows that are shown with what each would be worth."""
FAULTS_SHOWN_MAX = 20
SEEN_BYTES = 16
HEADER_BYTES = 230
"""About what a record has beside its data: ids, signature, number, clock and time."""


@dataclass(frozen=True, slots=True)
class FirstRow:
    """One of the first rows, as it would be written.

    when: as the event states it: a day, a time of day, or ms since 1970. worth: None where it
    counts for nothing.
    """

    line: int
    when: str | int | None
    action: str
    quantity: Decimal
    unit: str
    provider: bytes
    provider_name: str
    scope: str | None
    note: str
    is_new: bool
    worth: Forecast | None


@dataclass(frozen=True, slots=True)
class SheetPreview:
    """What a sheet would come to.

    encoding, delimiter, decimal, dates: how it is read; is_guess: whether the encoding is one.
    opened_on: the day of opening balances, None for other contributions. heading_line: from 1.
    columns, values: what says each field; is_mapping_guessed: whether the headings say it.
    total, new, here: rows; new ones are those that can be written. left_out: rows of a bank
    statement by which money went out. unreadable, void: how many cannot be read, or would count
    for nothing; faults: the first of both, with their lines. reasons: how many rows are void for
    each reason. days: of how many days of the budget of one member the new rows are.
    """

    source: str
    encoding: str
    is_guess: bool
    delimiter: str
    decimal: str
    dates: str
    opened_on: str | None
    heading_line: int
    headings: tuple[str, ...]
    columns: dict[str, str]
    values: dict[str, str]
    is_mapping_guessed: bool
    total: int
    new: int
    here: int
    left_out: int
    unreadable: int
    void: int
    faults: tuple[VoidRow, ...]
    reasons: dict[str, int]
    days: int
    first: tuple[FirstRow, ...]
    digest: bytes
    seen: bytes
    """Of the ledger that it was compared with."""

    @property
    def form(self) -> SheetForm:
        """How the sheet is read."""
        charset, mapping = Charset(self.encoding, self.is_guess), Mapping(self.columns, self.values)
        marks = (self.decimal, self.dates, self.opened_on, self.heading_line)
        return SheetForm(charset, self.delimiter, self.headings, mapping, *marks)

    @property
    def is_good(self) -> bool:
        """Whether every row that is not here can be written."""
        return not self.unreadable and not self.void


class SheetLook:
    """A look at every row of a sheet, for the ledger as it is."""

    def __init__(
        self, view: LedgerView, sheet: Sheet, form: SheetForm, known: KnownRows, words: Words
    ) -> None:
        self._view, self._sheet, self._form, self._words = view, sheet, form, words
        self._known, self._drafts = known, view.drafts()
        self.reader = RowReader(view, form, words)
        self._counts = dict.fromkeys(("total", "here", "new", "left_out", "unreadable"), 0)
        self._faults: list[VoidRow] = []
        self._reasons: dict[str, int] = {}
        self._incomes: dict[tuple[str, int], str] = {}
        self._refusals: dict[Reason, str] = {}
        self._first: list[FirstRow] = []
        self._usage = NO_USAGE

    def preview(self, *, is_mapping_guessed: bool) -> SheetPreview:
        """Read every row, ask the fold, and return what it comes to."""
        form = self._form
        for row in self._sheet.rows(form):
            self._counts["total"] += 1
            try:
                record = self.reader.read(row)
            except CommonwealError as error:
                self._counts["unreadable"] += 1
                words = self._words
                told = {"why": words.error(error), "cell": words.details(error)}
                self._note_fault(row.line, words("{why} ({cell})").format(**told))
                continue
            if record is None:
                self._counts["left_out"] += 1
            else:
                self._look_at(record)
        return SheetPreview(
            source=str(self._sheet.path),
            encoding=form.charset.codec,
            is_guess=form.charset.is_guess,
            delimiter=form.delimiter,
            decimal=form.decimal,
            dates=form.dates,
            opened_on=form.opened_on,
            heading_line=form.heading_line,
            headings=form.headings,
            columns=form.mapping.columns,
            values=form.mapping.values,
            is_mapping_guessed=is_mapping_guessed,
            **self._counts,
            void=sum(self._reasons.values()),
            faults=tuple(self._faults),
            reasons=self._reasons,
            days=_days(self._usage, self._view.kept.ruleset.budget),
            first=tuple(self._first),
            digest=self._sheet.digest,
            seen=seen(self._view),
        )

    def new_records(self) -> Iterator[SheetRecord]:
        """Yield the rows that are not here, from the first. After `preview` only."""
        self._known.restart()
        for row in self._sheet.rows(self._form):
            record = self.reader.read(row)
            if record is not None and not self._known.has(record.digest, record.note):
                yield record

    def _look_at(self, record: SheetRecord) -> None:
        is_new = not self._known.has(record.digest, record.note)
        wish = record.wish()
        if len(self._first) < FIRST_ROWS:
            self._first.append(_first_row(self._view, self._view.drafts(), record, is_new))
        if not is_new:
            self._counts["here"] += 1
            return
        reason = self._drafts.alone(wish)[1]
        if reason is not None and reason not in self._refusals:
            self._refusals[reason] = self._drafts.refusal(reason, wish)
        why = self._finer(record) if reason is None else self._refusals[reason]
        if why:
            self._reasons[why] = self._reasons.get(why, 0) + 1
            self._note_fault(record.line, why)
            return
        self._counts["new"] += 1
        size = HEADER_BYTES + len(codec.encode(record.data))
        self._usage = self._usage.plus(Usage(1, size, 0, len(record.note.encode())))

    def _finer(self, record: SheetRecord) -> str:
        """Return why an income is finer than its pool counts, "" where it is not.

        It is asked once for each unit and number of decimals.
        """
        data = cast("dict[str, Any]", record.data)
        if data.get("receiver") != self._view.community:
            return ""
        key = (record.unit, data["resourceQuantity"]["scale"])
        if key not in self._incomes:
            drafts = self._view.drafts()
            trial = drafts.check(record.wish())
            try:
                drafts.refuse_finer(trial.id)
                self._incomes[key] = ""
            except WouldNotCount as error:
                self._incomes[key] = str(error)
        return self._incomes[key]

    def _note_fault(self, line: int, why: str) -> None:
        if len(self._faults) < FAULTS_SHOWN_MAX:
            self._faults.append(VoidRow(line, why))


def seen(view: LedgerView) -> bytes:
    """Return a hash of how much of the ledger is here: the same while nothing comes to it."""
    logs: list[codec.Value] = [[bytes(row.author), row.length] for row in view.store.logs()]
    return blake2b(codec.encode([view.kept.cut.height, logs]), digest_size=SEEN_BYTES).digest()


def _first_row(view: LedgerView, drafts: Drafts, record: SheetRecord, is_new: bool) -> FirstRow:
    data = cast("dict[str, Any]", record.data)
    amount = data.get("effortQuantity") or data["resourceQuantity"]
    trial = drafts.check(record.wish())
    return FirstRow(
        record.line,
        data.get(HAPPENED),
        data["action"],
        exact(amount["n"], amount["scale"]),
        amount["unit"],
        data["provider"],
        view.name(data["provider"]),
        data.get("inScopeOf"),
        record.note,
        is_new,
        None if trial.reason is not None else drafts.forecast(trial.id),
    )


def _days(usage: Usage, budget: Budget) -> int:
    """Return in how many days a member may have so much sealed, at least 1."""
    parts = zip(usage, budget.daily, strict=True)
    return max(1, *(-(-amount // daily) for amount, daily in parts))
