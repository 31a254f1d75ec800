"""Data that stays with its owner: what there is, what is added, opened and removed."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from commonweal.client.member import Member
from commonweal.storage.home.tokens import KeptToken
from commonweal.web.api.answers import words_for
from commonweal.web.api.bodies import BODY_BYTES_MAX
from commonweal.web.api.calls import (
    PASSPHRASE_CHARS_MAX,
    Body,
    Reader,
    SubjectRouter,
    Writes,
    allowed,
)
from commonweal.web.api.cursors import Page
from commonweal.web.api.models import HexText, result_of, rows_of
from commonweal.web.api.parameters import Id, NameText, NoteText, decoded

router = SubjectRouter(tags=["data"])


class NewDataBody(Body):
    """Data to be added: its name, and the content in base64, which stays in this home.

    file: what it is called in the owner's home. Larger content is added by `weal data add`.
    """

    name: NameText
    file: NameText
    base64: Annotated[str, StringConstraints(max_length=BODY_BYTES_MAX)]
    note: NoteText | None = None


class OpeningBody(Body):
    """What opens a content: the passphrase of the keystore; null where it has none."""

    passphrase: str | None = Field(default=None, max_length=PASSPHRASE_CHARS_MAX)


class OpenedAnswer(BaseModel):
    """A content that was opened, in base64. size: in bytes."""

    use: HexText
    resource: HexText
    name: str
    size: int
    base64: str


@router.reads("/data", rows_of("data", Member.data))
def data(me: Reader, page: Page) -> Any:
    """The data in the books, as `weal data list`."""
    rows, rest = page.part(me.data(), lambda row: row.id)
    return {"data": rows, "next": rest}


@router.reads("/data-uses", rows_of("uses", Member.readings))
def uses(me: Reader, page: Page) -> Any:
    """This member's uses of data, and those of theirs, as `weal data list --uses`."""
    rows, rest = page.part(me.readings(), lambda row: row.id)
    return {"uses": rows, "next": rest}


@router.asks("/data-uses/{id}/opening", OpenedAnswer)
def open_use(
    request: Request,
    _token: Annotated[KeptToken, Depends(allowed("write"))],
    id: Id,
    body: OpeningBody,
) -> Any:
    """The content that was handed over for a use of this member's, as `weal data open`.

    It needs a token of scope write, since it is opened by the key of this device.
    """
    language = words_for(request).language
    with Member(request.app.state.home, language=language, passphrase=body.passphrase) as me:
        use, content = me.opened_data(id)
    named = {"use": use.id, "resource": use.resource, "name": use.name, "size": len(content)}
    return named | {"base64": b64encode(content).decode()}


@router.writes("/data", result_of(Member.add_content))
def add(write: Writes, body: NewDataBody) -> Response:
    """Bring data into the books, as `weal data add`."""

    def added(me: Member) -> Any:
        return me.add_content(decoded(body.base64), body.file, body.name, note=body.note)

    return write(added, body)


@router.writes("/data/{id}/removal", result_of(Member.remove_data))
def remove(write: Writes, id: Id) -> Response:
    """Erase the content of this member's data, as `weal data remove`."""
    return write(lambda me: me.remove_data(id))
