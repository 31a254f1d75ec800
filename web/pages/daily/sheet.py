"""A sheet of contributions: looked at first, then all of its new rows taken in, or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from functools import partial
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from fastapi import APIRouter, Response

from commonweal.client.ledger.forecast import forecast_words
from commonweal.client.member import Member
from commonweal.client.sheets.preview import SheetPreview
from commonweal.protocol.errors import AmbiguousSheet, CommonwealError, UnreadableFile, UsageError
from commonweal.storage.home.home import Home
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

SHEETS_KEPT_MAX = 4
"""Sheets that were looked at and may be taken in; of more the oldest is forgotten."""
DIGEST_BYTES = 16
OPTIONS = ("mapping", "decimal", "dates", "encoding")
"""How a sheet is read, where its cells leave a choice."""
_KEEPING = Lock()
"""Requests are answered in threads, and two may keep the same sheet."""


@router.get("/give/sheet")
def sheet(page: Page) -> Response:
    """Show where a sheet is chosen, and what the rows of one that was sent would come to."""
    if not page.typed:
        return _shown(page)
    name = page.field("kept")
    try:
        with page.member() as member:
            preview = _preview(page, member, name)
    except CommonwealError as error:
        return _shown(page, 422, error=error, name=name)
    return _shown(page, preview=preview, name=name)


@router.post("/give/sheet")
def look(page: Page) -> Response:
    """Keep the sheet that was sent, to show what its rows would come to; nothing is written."""
    name, content = page.field("kept"), _sent(page)
    if content:
        name = keep_sheet(page.home, content)
    return page.show_typed("/give/sheet", kept=name)


@router.post("/give/sheet/record")
def record(page: Page) -> Response:
    """Take in the new rows of a sheet that was looked at; what is here already is left out."""
    name = page.field("kept")
    try:
        taken = page.act(lambda member: member.import_csv(_preview(page, member, name)))
    except CommonwealError as error:
        return _shown(page, 422, error=error, name=name)
    text = page.words.plural("{n} row was taken in.", "{n} rows were taken in.", taken.written)
    notice = text.format(n=taken.written)
    if taken.waiting:
        waits = page.words("{n} wait until the next seal: take the sheet in again then.")
        notice = f"{notice} {waits.format(n=taken.waiting)}"
    return page.go("/ledger" if taken.written else "/give/sheet", notice)


def _sent(page: PageRequest) -> bytes:
    """Return the content of the file that was sent; b"" without one."""
    upload = page.form.get("sheet")
    if isinstance(upload, str | None):
        return b""
    with upload.file as file:
        content: bytes = file.read()
    return content


def keep_sheet(home: Home, content: bytes) -> str:
    """Keep a sheet in the home, and return the name by which it is found again."""
    name = blake2b(content, digest_size=DIGEST_BYTES).hexdigest()
    with _KEEPING:
        _keep(_file(home, name), content)
    return name


def _keep(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(".part")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(content)
    draft.replace(file)
    kept = sorted(file.parents[1].iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    for old in kept[:-SHEETS_KEPT_MAX]:
        shutil.rmtree(old, ignore_errors=True)


def _file(home: Home, name: str) -> Path:
    return home.path / "page-sheets" / name / "sheet.csv"


def _preview(page: PageRequest, member: Member, name: str) -> SheetPreview:
    """Return what a sheet that is kept would come to. Raises UnreadableFile without one."""
    path = _file(page.home, name)
    if not (name.isascii() and name.isalnum() and path.exists()):
        raise UnreadableFile(page.words("Choose a sheet first."))
    mapping, decimal, dates, encoding = (page.field(option) or None for option in OPTIONS)
    if mapping is not None and "=" not in mapping:
        raise UsageError(page.words("Say it as field=column, with commas between."))
    return member.sheet_preview(path, mapping, decimal=decimal, dates=dates, encoding=encoding)


def _shown(
    page: PageRequest,
    status: int = 200,
    *,
    preview: SheetPreview | None = None,
    error: CommonwealError | None = None,
    name: str = "",
) -> Response:
    doubt = error if isinstance(error, AmbiguousSheet) else None
    form: Mapping[str, str] = {} if page.form is None else {n: page.field(n) for n in OPTIONS}
    return page.show(
        "daily/sheet.html",
        status,
        preview=preview,
        kept_name=name,
        chosen={option: value for option, value in form.items() if value},
        error="" if error is None else page.sentence(error),
        doubt=doubt,
        worth=partial(forecast_words, words=page.words),
    )
