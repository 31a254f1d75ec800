"""`weal consent`: grant, ask, list, show, end, and receipts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders.consenting_homes import ConsentingHomes


@pytest.fixture
def archive(tmp_path: Path) -> ConsentingHomes:
    return ConsentingHomes(tmp_path / "archive")


def test_a_consent_is_granted_listed_and_revoked(archive: ConsentingHomes) -> None:
    said = ["--for", "research", "--for", "teaching", "--to", "Bo", "--until", "90d"]
    said += ["--per-use", "0.50", "EUR", "--notice", "For a book."]
    made = archive.good(archive.mei, "consent", "grant", "notes", *said)
    assert "Granted, as " in made.out
    (row,) = archive.json(archive.mei, "consent", "list")["consents"]
    assert (row["state"], row["per_use"], row["unit"]) == ("given", "0.50", "EUR")
    assert (row["purposes"], row["recipients"]) == (["research", "teaching"], ["Bo"])
    shown = archive.good(archive.mei, "consent", "show", row["id"][:12]).out
    assert "0.50 EUR for each use" in shown and "For a book." in shown
    receipt = json.loads(archive.good(archive.mei, "consent", "receipt", row["id"][:12]).out)
    alone = archive.good(archive.mei, "consent", "receipt", row["id"][:12], "--record")
    record = json.loads(alone.out)
    assert receipt["dpv:hasRecordOfActivity"]["@id"] == record["@id"]
    ended = archive.good(archive.mei, "consent", "revoke", row["id"][:12]).out
    assert "What was read cannot be unread." in ended
    assert "No consents yet." in archive.good(archive.mei, "consent", "list").out


def test_a_request_is_answered_as_it_asks(archive: ConsentingHomes) -> None:
    archive.good(
        archive.bo, "consent", "ask", "notes", "--for", "research", "--notice", "For a book."
    )
    archive.meet()
    (row,) = archive.json(archive.mei, "consent", "list")["consents"]
    assert row["asks_you"] and row["giver"] is None
    archive.good(archive.mei, "consent", "grant", "--request", row["id"][:12])
    archive.meet()
    (given,) = archive.json(archive.bo, "consent", "list")["consents"]
    assert given["covers_you"] and given["answers"] == row["id"]
