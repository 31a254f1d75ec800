"""The second reader follows vectors/stories to every root, and says why what is void is void."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.second_reader.fold import Height, Reader
from tests.second_reader.records import Record

STORIES = sorted((Path(__file__).parents[1] / "vectors" / "stories").glob("*.json"))
ROOTS = ("cut_root", "state_root", "members_root", "distribution_root")


def read(story: dict[str, Any], *, backwards: bool = False) -> list[Height]:
    """Let the reader read every seal of a story."""
    records = [Record.read(bytes.fromhex(wire)) for wire in story["records"]]
    documents = {
        bytes.fromhex(name): bytes.fromhex(data) for name, data in story["documents"].items()
    }
    community = bytes.fromhex(story["community"])
    reader = Reader(community, records[::-1] if backwards else records, documents)
    return [
        reader.read(bytes.fromhex(height["sealed"]), bytes.fromhex(height["delta"]))
        for height in story["heights"]
    ]


@pytest.mark.parametrize("file", STORIES, ids=lambda file: file.stem)
@pytest.mark.parametrize("backwards", [False, True])
def test_each_height_of_a_story_has_its_roots_in_any_order(file: Path, backwards: bool) -> None:
    story = json.loads(file.read_text("utf-8"))
    void: dict[str, str] = {}
    for told, expected in zip(read(story, backwards=backwards), story["heights"], strict=True):
        roots = {name.replace("_", " "): getattr(told, name).hex() for name in ROOTS}
        assert roots == {name: expected[name] for name in roots}
        void |= {record.hex(): reason for record, reason in told.void.items()}
    assert void == story["void"]


def test_there_is_a_story_of_each_venture() -> None:
    assert [file.stem for file in STORIES] == ["data", "loans", "projects", "promotion", "rewards"]
