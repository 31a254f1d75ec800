"""Stories of what came after the practice community, as vectors for a second implementation.

Each is a community of its own: data that is used, promotion, campaigns and projects. What is in
these files never changes: a new story is a new file. `python -m tests.builders.story_vectors`
writes those that are missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from commonweal.protocol.ledger.state.rejections import REFUSED
from commonweal.protocol.seal.cut import delta_to_bytes
from commonweal.protocol.seal.formats import sealed_to_bytes
from tests.builders import data_story
from tests.protocol.ledger.council import Council
from tests.protocol.ledger.exchange.promotion import promoting_story
from tests.protocol.ledger.press import raising
from tests.protocol.ledger.ventures.projects import test_second_reader as project_story

FOLDER = Path(__file__).parents[1] / "vectors" / "stories"

STORIES: Mapping[str, Callable[[], Council]] = {
    "data": data_story.told,
    "promotion": lambda: promoting_story.told(0),
    "rewards": lambda: raising("reward", "return"),
    "loans": lambda: raising("loan", "extend"),
    "projects": lambda: project_story.told("points"),
}
"""The stories, by the names of their files."""


def vectors(story: Council) -> dict[str, Any]:
    """Return a story: its records, its seals, the roots of each, and what counts for nothing."""
    return {
        "community": story.community.hex(),
        "documents": {name.hex(): data.hex() for name, data in sorted(story.documents.items())},
        "records": [record.wire.hex() for record in story.records],
        "heights": [
            {
                "sealed": sealed_to_bytes(sealed).hex(),
                "delta": delta_to_bytes(delta).hex(),
                "cut root": sealed.seal.cut_root.hex(),
                "state root": sealed.seal.state_root.hex(),
                "members root": sealed.seal.members_root.hex(),
                "distribution root": sealed.seal.distribution_root.hex(),
            }
            for sealed, delta in story.sealed
        ],
        "void": {
            key[len(REFUSED) :].hex(): reason for key, reason in story.history.final.items(REFUSED)
        },
    }


def to_text(story: Council) -> str:
    """Return a story as it stands in its file."""
    return json.dumps(vectors(story), indent=1) + "\n"


def main() -> None:
    """Write the stories of which there is no file."""
    FOLDER.mkdir(exist_ok=True)
    for name, told in STORIES.items():
        file = FOLDER / f"{name}.json"
        if not file.exists():
            file.write_text(to_text(told()), "utf-8")


if __name__ == "__main__":
    main()
