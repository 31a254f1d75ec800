"""Taking in sheets: a preview first, then all new rows of it or none.

What is here already is not written again, so an import that was cut off is completed by calling
it again. Prints nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commonweal.client.home.submit import now_ms, writer
from commonweal.client.importers.imports import ImportResult, Imports, Progress, unshown
from commonweal.client.language.times import iso_when, read_date
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.drafts import BATCH_BYTES_MAX, BATCH_RECORDS
from commonweal.client.sheets.known_rows import known_rows
from commonweal.client.sheets.preview import SheetLook, SheetPreview, seen
from commonweal.client.sheets.rows import SheetRecord
from commonweal.client.sheets.sheet import Sheet, SheetForm
from commonweal.client.sheets.sheet_form import FormChoice, form_of
from commonweal.protocol.errors import OverBudget, UnreadableFile, UnreadableTime


@dataclass(frozen=True, slots=True)
class SheetImportResult(ImportResult):
    """What an import of a sheet came to.

    waiting: new rows that were not written, as others keep no more of this device before a seal.
    """

    waiting: int


class SheetImports(Imports):
    """Contributions that are written down in sheets."""

    def sheet_preview(
        self,
        file: Path,
        mapping: str | None = None,
        *,
        encoding: str | None = None,
        decimal: str | None = None,
        dates: str | None = None,
        opened_on: str | None = None,
        heading_line: int = 1,
    ) -> SheetPreview:
        """Return what the rows of a sheet (CSV) would come to; write nothing.

        mapping: `field=column,field==value,...`, or the path of a TOML file; None for what the
        headings say. encoding, decimal (the mark before a fraction), dates (ymd, dmy, mdy): None
        for what the bytes and all cells say. opened_on: a date, where the rows are what members had
        before that day: hours as work, money as lent, things as raised, anything else as produced,
        in the scope "opening balance". heading_line: what stands above it is left out.

        Raises UsageError for a wrong mapping, AmbiguousSheet where the cells leave a choice that
        matters, UnreadableFile.
        """
        opened = None if opened_on is None else _day(opened_on)
        choice = FormChoice(mapping, encoding, decimal, dates, opened, heading_line)
        with Sheet(file, self.home.path, self.words) as sheet:
            form = form_of(sheet, choice, self.words)
            with self._looking(sheet, form) as look:
                return look.preview(is_mapping_guessed=mapping is None)

    def import_csv(
        self, preview: SheetPreview, *, progress: Progress = unshown
    ) -> SheetImportResult:
        """Take in the rows of a sheet that `sheet_preview` found new; all of them or none.

        Nothing is written where a row cannot be read or would count for nothing. Raises
        UnreadableFile where the file is not the one that was looked at. What is more than others
        keep before a seal waits: it is written by the same call after it.
        """
        with Sheet(Path(preview.source), self.home.path, self.words) as sheet:
            if sheet.digest != preview.digest:
                changed = self.words("{path} was changed since the preview; look at it again")
                raise UnreadableFile(changed.format(path=sheet.path))
            if not preview.is_good:
                return _result(preview, 0)
            with self._only_import(), self._looking(sheet, preview.form) as look:
                if seen(self.view) != preview.seen:
                    preview = look.preview(is_mapping_guessed=preview.is_mapping_guessed)
                if not preview.is_good:
                    return _result(preview, 0)
                written = self._write_rows(look, preview.new, progress, sheet.path)
        return _result(preview, written)

    @contextmanager
    def _looking(self, sheet: Sheet, form: SheetForm) -> Iterator[SheetLook]:
        with known_rows(self.view) as known:
            yield SheetLook(self.view, sheet, form, known, self.words)

    def _write_rows(self, look: SheetLook, total: int, progress: Progress, path: Path) -> int:
        """Write the rows that are not here; return how many, when a budget ends it too."""
        drafts, written = self.view.drafts(), 0
        with (
            writer(self.home, self._unlock) as write_batch,
            progress(visible(path.name), total) as advance,
        ):
            for batch in _batches(look.new_records()):
                try:
                    made = self._written(write_batch, drafts, (row.wish() for row in batch))
                except OverBudget:
                    break
                if batch[0].begins_treasury:
                    look.reader.begin_treasury(batch[0].unit, made[0].id)
                written += len(made)
                advance(len(made))
        return written


def _day(text: str) -> str:
    """Return a day as an event states it. Raises UnreadableTime, FutureTime."""
    when = read_date(text, now_ms())
    if not when.is_day:
        raise UnreadableTime(text)
    return iso_when(when)


def _batches(records: Iterator[SheetRecord]) -> Iterator[list[SheetRecord]]:
    """Yield records in batches that a node takes at once; one that begins a treasury is alone.

    Those after it go into that treasury, so they are read after it is written.
    """
    batch: list[SheetRecord] = []
    size = 0
    for record in records:
        more = len(record.note.encode())
        is_full = len(batch) == BATCH_RECORDS or size + more > BATCH_BYTES_MAX
        if batch and (is_full or record.begins_treasury):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += more
        if record.begins_treasury:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _result(preview: SheetPreview, written: int) -> SheetImportResult:
    waiting = preview.new - written if preview.is_good else 0
    counts = (preview.total, preview.here, written)
    return SheetImportResult(preview.source, *counts, preview.faults, waiting)
