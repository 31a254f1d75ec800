"""Data on the page: what there is, what is added and removed, and what is opened."""

from __future__ import annotations

from fastapi import APIRouter, Response

from commonweal.client.exchange.data.contents import ListedContent
from commonweal.client.exchange.data.readings import DataReading
from commonweal.client.member import Member
from commonweal.protocol.errors import CommonwealError, UsageError
from commonweal.protocol.records.record import RecordId
from commonweal.web.pages import downloads
from commonweal.web.pages.request import Page, PageRequest

router = APIRouter()

PATH = "/data/contents"
BINARY = "application/octet-stream"


@router.get(PATH)
def contents(page: Page) -> Response:
    """Show the data in the books, and what came of its uses."""
    return _shown(page)


@router.post(PATH)
def add(page: Page) -> Response:
    """Bring the content of a file that was sent into the books; it stays in this home."""
    name, note = page.field("name"), page.field("note") or None
    file_name, content = _sent(page)
    try:
        if not content:
            raise UsageError(page.words("Choose a file with something in it."))
        if not name:
            raise UsageError(page.words("Say what the data is called."))
        made = page.act(lambda me: me.add_content(content, file_name, name, note=note))
    except CommonwealError as error:
        return _shown(page, 422, add_error=page.sentence(error))
    done = page.words("{name} is in the books; its content stays on this computer.")
    return page.go(PATH, done.format(name=made.name), at=f"r-{made.id.hex()[:12]}")


@router.post(f"{PATH}/open")
def open_(page: Page) -> Response:
    """Give the content that was handed over for a use, opened and checked."""
    use = page.field("use")
    try:
        row, content = page.act(lambda me: me.opened_data(use))
    except CommonwealError as error:
        return _shown(page, 422, error=page.sentence(error))
    return downloads.attached(content, f"data-{row.resource.hex()[:8]}.bin", BINARY)


@router.post(f"{PATH}/remove")
def remove(page: Page) -> Response:
    """Erase the content of this member's data, once they said that they mean it."""
    try:
        _must_mean_it(page)
        removed = page.act(lambda me: me.remove_data(page.field("data")))
    except CommonwealError as error:
        return _shown(page, 422, error=page.sentence(error))
    return page.go(PATH, page.words("The content of {name} is erased.").format(name=removed.name))


@router.post(f"{PATH}/forget")
def forget(page: Page) -> Response:
    """Ask all members to erase what was handed over for a use."""
    try:
        _must_mean_it(page)
        page.act(lambda me: me.forget_release(page.field("use")))
    except CommonwealError as error:
        return _shown(page, 422, error=page.sentence(error))
    return page.go(PATH, page.words("Erased here, and asked of all members."))


def _must_mean_it(page: PageRequest) -> None:
    if not page.field("sure"):
        raise UsageError(page.words("Say that you mean it: it cannot be taken back."))


def _sent(page: PageRequest) -> tuple[str, bytes]:
    """Return name and content of the file that was sent; ("", b"") without one."""
    upload = page.form.get("file")
    if isinstance(upload, str | None):
        return "", b""
    content: bytes = upload.file.read()
    upload.file.seek(0)  # what is sent twice is known by it
    return upload.filename or "", content


def _shown(page: PageRequest, status: int = 200, error: str = "", add_error: str = "") -> Response:
    with page.member() as member:
        rows, uses = member.data(), member.readings()
        return page.show(
            "owned/contents.html",
            status,
            rows=[row for row in rows if not row.erased],
            erased=[row for row in rows if row.erased and row.yours],
            mine=[row for row in uses if row.user == member.view.me],
            of_mine=[row for row in uses if row.owner == member.view.me],
            states=_states(member, rows, uses),
            error=error,
            add_error=add_error,
            typed={"name": page.field("name"), "note": page.field("note")},
        )


def _states(member: Member, rows: list[ListedContent], uses: list[DataReading]) -> object:
    """Return how safe the records are that are shown."""
    ids: list[RecordId] = [row.event for row in rows] + [row.id for row in uses]
    return member.record_states(ids)
