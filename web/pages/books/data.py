"""My data: what of this member is kept, here and by others; erasing texts; copies to take away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from commonweal.client.language.digits import whole_number
from commonweal.protocol.errors import CommonwealError, UsageError
from commonweal.web.pages import downloads
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

MEMORY_BYTES_MAX = 4 * 1024 * 1024
"""An archive that is larger is kept in a file while it is sent."""

PART_BYTES = 64 * 1024


@router.get("/data")
def data(page: Page) -> Response:
    """Show what is kept of this member, and what they wrote, page by page."""
    before = page.query("before")
    with page.member() as member:
        listed = member.own_records(
            device=page.query("device") or None,
            before=whole_number(before),
            texts=bool(page.query("texts")),
        )
        return page.show(
            "books/data.html",
            held=member.held_data(),
            listed=listed,
            states=member.record_states([row.id for row in listed.rows]),
            owned=member.owned_data(),
            texts=page.query("texts"),
            device=page.query("device"),
            before=before,
        )


@router.get("/data/archive.zip")
def archive(page: Page) -> Response:
    """Give all that this member wrote, with texts and files."""
    file = SpooledTemporaryFile(MEMORY_BYTES_MAX)  # noqa: SIM115 - closed when it is sent
    with page.member() as member:
        member.own_archive(file)
    file.seek(0)

    def parts() -> Iterator[bytes]:
        with file:
            while part := file.read(PART_BYTES):
                yield part

    headers = {"content-disposition": 'attachment; filename="my-data.zip"'}
    return StreamingResponse(parts(), media_type="application/zip", headers=headers)


@router.get("/data/receipt.json")
def receipt(page: Page) -> Response:
    """Give a receipt of what is held of this member."""
    with page.member() as member:
        text = json.dumps(member.receipt(), ensure_ascii=False, indent=1)
    return downloads.attached(text.encode(), "receipt.json", downloads.JSON)


@router.get("/data/erase/{id}")
def preview(page: Page, id: str) -> Response:
    """Show what would be erased, and what stays."""
    return _preview(page, id)


@router.post("/data/erase/{id}")
def erase(page: Page, id: str) -> Response:
    """Ask all members to forget a text, once the member said that they mean it."""
    try:
        if not page.field("sure"):
            raise UsageError(page.words("Say that you mean it: it cannot be taken back."))
        erased = page.act(lambda me: me.erase(id))
    except CommonwealError as error:
        return _preview(page, id, page.sentence(error))
    done = page.words("It stays here: another member names the same text in one of their records.")
    if erased.erased:
        done = page.words("Erased here, and asked of all members.")
    return page.go("/data", done, at=f"r-{erased.record.hex()[:12]}")


def _preview(page: PageRequest, id: str, error: str = "") -> Response:
    with page.member() as member:
        record = member.show(member.erasable(id))
        assert record.body is not None, "else there is nothing to erase"
        if record.body.erased:
            return page.go("/data", page.words("Its text was erased."))
        return page.show(
            "books/erase.html",
            422 if error else 200,
            record=record,
            facts=member.facts(record.id),
            error=error,
        )
