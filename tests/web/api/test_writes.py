"""Every write of the API: done by a call, once, and answered as the document says."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from commonweal.web.api.application import SUBJECTS
from tests.web.api.village import Village

WRITES: dict[str, Any] = {
    route.path: route.responses[201]["model"]
    for subject in SUBJECTS
    for route in subject.router.routes
    if getattr(route, "status_code", None) == 201
}
"""The schema of the answer of each write, by its path."""
CANNOT_BE_DONE_HERE = {
    "/fork-resolutions": "unknown_id",  # no log is forked
    "/devices/{id}/revocation": "unknown_id",  # each member has one device
}


def fits(model: Any, value: Any) -> bool:
    """Whether a value is what a schema says, with nothing more in it."""
    schema = TypeAdapter(model)
    kept: object = schema.dump_python(
        schema.validate_python(value), mode="json", exclude_unset=True
    )
    return bool(kept == value)


def test_every_write_was_called(village: Village) -> None:
    assert village.refused == CANNOT_BE_DONE_HERE
    assert village.answers.keys() | village.refused.keys() == WRITES.keys()


@pytest.mark.parametrize("path", sorted(WRITES.keys() - CANNOT_BE_DONE_HERE.keys()))
def test_a_write_answers_as_the_document_says(village: Village, path: str) -> None:
    _sent, given = village.answers[path]
    assert fits(WRITES[path], given)


def test_what_was_written_counts(village: Village) -> None:
    rows = {row["id"]: row for row in village.lanxi.json(village.mei, "ledger")["records"]}
    assert rows[village.corrected]["corrected_to"] == "2"
    assert rows[village.withdrawn]["corrected_to"] == "0"
    assert rows[village.noted]["note"] is None
    assert rows[village.work]["when"] == "2026-11-23"
    why = village.lanxi.json(village.mei, "explain", village.work)
    assert (why["yes"], why["attested"], why["points"]) == (1, True, 3000)
    votes = village.lanxi.json(village.mei, "vote", "show", village.proposal)
    assert [(row["member_name"], row["say"]) for row in votes["votes"]] == [("Bo", "yes")]
    assert [row["text"] for row in votes["comments"]] == ["good"]
    left = village.lanxi.json(village.mei, "members")["members"]
    assert {row["name"]: row["status"] for row in left}["Ana"] == "left"
