"""Parameters and fields that many calls have."""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Path as PathParameter
from fastapi import Query
from pydantic import Field, StringConstraints

from commonweal.protocol.errors import UnusableText

TEXT_CHARS_MAX = 64 * 1024
NAME_CHARS_MAX = 256
HEIGHT_MAX = 2**53

Id = Annotated[
    str,
    PathParameter(pattern="^[0-9a-f]{1,64}$", description="An id, or how only one begins."),
]
Name = Annotated[str, PathParameter(min_length=1, max_length=NAME_CHARS_MAX)]
Filter = Annotated[str | None, Query(max_length=NAME_CHARS_MAX)]
IdFilter = Annotated[str | None, Query(pattern="^[0-9a-f]{1,64}$")]
Height = Annotated[int | None, Query(ge=1, le=HEIGHT_MAX)]

IdText = Annotated[
    str,
    StringConstraints(pattern="^[0-9a-f]{1,64}$"),
    Field(description="An id, or how only one begins."),
]
NameText = Annotated[str, StringConstraints(min_length=1, max_length=NAME_CHARS_MAX)]
NoteText = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_CHARS_MAX)]
NumberText = Annotated[
    str,
    StringConstraints(max_length=64),
    Field(description="Exact, as 3 or 2.5.", examples=["2.5"]),
]
DurationText = Annotated[
    str, StringConstraints(max_length=64), Field(description="30m, 12h, 7d, 2w.", examples=["7d"])
]


@contextmanager
def as_file(content: bytes, name: str) -> Iterator[Path]:
    """Give content that was sent as a file, as long as it is read; of `name`, the ending counts."""
    ending = re.search(r"\.[A-Za-z0-9]{1,16}$", name)
    with tempfile.TemporaryDirectory(prefix="weal-api-") as folder:
        path = Path(folder) / f"sent{ending[0] if ending else ''}"
        path.write_bytes(content)
        yield path


def decoded(content: str) -> bytes:
    """Return bytes that were sent in base64. Raises UnusableText."""
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise UnusableText("base64") from None
