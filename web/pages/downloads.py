"""Files that a page gives: rows as a sheet or as JSON, read while they are sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from fastapi import Response
from fastapi.responses import StreamingResponse

from commonweal.client.exports.sheet_text import sheet_lines
from commonweal.client.member import Member
from commonweal.web.pages.request import PageRequest

Rows = Iterable[Mapping[str, Any]]

SHEET, JSON = "text/csv; charset=utf-8", "application/json"


def attached(data: bytes, name: str, media_type: str) -> Response:
    """Return bytes that a browser keeps as a file. name: ASCII, without quotes."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)


def json_bytes(value: object) -> bytes:
    """Return a plain value as JSON."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2).encode()


def sheet(
    page: PageRequest, name: str, columns: Sequence[str], rows: Callable[[Member], Rows]
) -> Response:
    """Return rows as a sheet; they are read with the member while they are sent."""
    return _streamed(page, f"{name}.csv", SHEET, rows, lambda read: sheet_lines(columns, read))


def lines_of_json(
    page: PageRequest, name: str, head: Mapping[str, Any], rows: Callable[[Member], Rows]
) -> Response:
    """Return `head` with the rows as its "records", one on a line."""
    begin = json.dumps(dict(head), ensure_ascii=False)[:-1] + (", " if head else "")

    def lines(read: Rows) -> Iterator[str]:
        yield f'{begin}"records": ['
        last = ""
        for row in read:
            yield f"{last}\n" if not last else f"{last},\n"
            last = json.dumps(row, ensure_ascii=False)
        yield f"{last}\n]}}\n"

    return _streamed(page, f"{name}.json", JSON, rows, lines)


def _streamed(
    page: PageRequest,
    name: str,
    media_type: str,
    rows: Callable[[Member], Rows],
    lines: Callable[[Rows], Iterator[str]],
) -> Response:
    """Return what is sent line by line; what cannot be done is raised before anything is sent."""
    with ExitStack() as opening:
        member = opening.enter_context(page.member())
        read = rows(member)
        held = opening.pop_all()

    def sent() -> Iterator[str]:
        with held:
            yield from lines(read)

    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(sent(), media_type=media_type, headers=headers)
