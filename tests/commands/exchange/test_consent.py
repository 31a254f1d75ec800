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


def test_members_vote_that_no_use_of_a_consent_counts_any_more(archive: ConsentingHomes) -> None:
    id = archive.granted()
    why = "The notice says too little."
    asked = archive.json(archive.ana, "consent", "revoke", id[:12], "--vote", "--note", why)
    archive.meet()
    (row,) = archive.json(archive.mei, "vote", "list")["votes"]
    assert (row["id"], row["subject"], row["why"]) == (asked["id"], "consent", why)
    assert row["words"] == "no use of notes by the consent of Mei counts any more"
    assert "no use of notes" in archive.good(archive.bo, "vote", "show", asked["id"][:12]).out
    archive.used()
    for home in archive.all:
        archive.good(home, "rules", "vote", asked["id"][:12], "yes")
    archive.seal()
    archive.seal()
    assert archive.json(archive.mei, "consent", "show", id[:12])["state"] == "invalidated"
    refused = archive.refused(archive.bo, "data", "use", "notes", "--for", "research")
    assert "nobody consents" in refused.err
    (use,) = archive.json(archive.mei, "data", "list", "--uses")["uses"]
    assert use["user_name"] == "Bo", "what was used before stands"


def test_why_is_said_with_a_vote_alone(archive: ConsentingHomes) -> None:
    id = archive.granted()
    refused = archive.refused(archive.mei, "consent", "revoke", id[:12], "--note", "x")
    assert "--note goes with --vote" in refused.err
    archive.good(archive.mei, "consent", "revoke", id[:12])
    archive.meet()
    refused = archive.refused(archive.ana, "consent", "revoke", id[:12], "--vote")
    assert "would count for nothing" in refused.err
