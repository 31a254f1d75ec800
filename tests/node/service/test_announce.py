"""Announcements of heads: what has their form is read, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.node.service.sync import announce
from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed
from tests.protocol.authors import BO, MEI


def test_an_announcement_is_read_back() -> None:
    pairs = [(MEI.device, 5), (BO.device, 0)]
    data = codec.encode(["heads", [[author, length] for author, length in pairs]])
    assert announce.read(data) == pairs


@pytest.mark.parametrize(
    "value",
    [
        ["heads", [[MEI.device, True]]],
        ["heads", [[MEI.device, False]]],
        ["heads", [[MEI.device, -1]]],
        ["heads", [[MEI.device, "5"]]],
        ["heads", [[MEI.device[:31], 5]]],
        ["heads", [[MEI.device, 5, 5]]],
        ["heads", [[MEI.device, 5]] * (announce.HEADS_MAX + 1)],
        ["heads"],
        ["rule", b""],
        "heads",
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_announcement_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        announce.read(codec.encode(value))


def test_an_announcement_that_is_too_large_is_refused() -> None:
    with pytest.raises(Malformed, match="too large"):
        announce.read(bytes(announce.HEADS_BYTES_MAX + 1))
