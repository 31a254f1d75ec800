"""Consents as a member grants, asks, ends and reads them, and receipts of them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member
from commonweal.client.exchange.data.consent_rows import (
    DPV_INVALID,
    DPV_STATES,
    DPV_VALID,
    EXPIRED,
    LATER,
    STATES,
    VALID,
)
from commonweal.client.home.submit import now_ms
from commonweal.protocol.errors import UnknownId, UsageError, WouldNotCount
from tests.builders.consenting_homes import NOTICE, ConsentingHomes

HOUR_MS = 3_600_000


@pytest.fixture
def lanxi(tmp_path: Path) -> ConsentingHomes:
    return ConsentingHomes(tmp_path / "archive")


def test_a_use_is_written_under_the_consent_that_covers_it(lanxi: ConsentingHomes) -> None:
    dear = lanxi.granted("Bo", per_use=("2", "EUR"))
    cheap = lanxi.granted("all")
    with Member(lanxi.bo) as bo:
        (row, other) = bo.consents()
        assert {row.id.hex(), other.id.hex()} == {dear, cheap} and row.covers_you
        made = bo.use_data("notes", "research")
        assert (made.consent.hex(), made.per_use, made.unit) == (cheap, Decimal("0.50"), "EUR")
        (use,) = bo.data_uses()
    assert (use.name, use.purpose, use.user_name, use.owner_name) == (
        *("notes", "research", "Bo", "Mei"),
    )
    assert (use.owed, use.open) == (Decimal("0.50"), Decimal("0.50"))
    lanxi.meet()
    with Member(lanxi.mei) as mei:
        (owned,) = mei.owned_data()
        assert (owned.name, owned.size, owned.consents, owned.uses) == ("notes", 1_234, 2, 1)
        assert owned.earned == (("EUR", Decimal("0.50"), Decimal(0)),)


def test_without_a_consent_nothing_is_written(lanxi: ConsentingHomes) -> None:
    lanxi.granted("Bo")
    with Member(lanxi.ana) as ana:
        with pytest.raises(UsageError, match="nobody consents that you use notes for research"):
            ana.use_data("notes", "research")
        assert ana.consents() == []
    with Member(lanxi.bo) as bo, pytest.raises(UsageError, match="for teaching"):
        bo.use_data("notes", "teaching")


def test_a_revoked_consent_covers_nothing_more(lanxi: ConsentingHomes) -> None:
    consent = lanxi.granted("Bo")
    lanxi.used()
    with Member(lanxi.mei) as mei:
        mei.revoke_consent(consent)
        row = mei.consent(consent)
        assert (row.state, row.valid, row.yours, row.uses) == ("withdrawn", False, False, 1)
        assert mei.consents() == [] and len(mei.consents(ended=True)) == 1
        with pytest.raises(WouldNotCount):
            mei.revoke_consent(consent)
    lanxi.meet()
    with Member(lanxi.bo) as bo:
        (over,) = bo.consents(ended=True)
        assert (over.state, bo.consents()) == ("withdrawn", [])
        with pytest.raises(UsageError):
            bo.use_data("notes", "research")
        with pytest.raises(WouldNotCount, match="not in force any more"):
            bo.use_data("notes", "research", consent=consent)


def test_a_request_waits_until_it_is_answered(lanxi: ConsentingHomes) -> None:
    with Member(lanxi.bo) as bo:
        asked = bo.ask_consent("notes", ["teaching", "research"], "For a course.")
        assert bo.consent(asked.consent.hex()).yours
    lanxi.meet()
    with Member(lanxi.mei) as mei:
        (waits,) = [row for row in mei.inbox().rows if row.kind == "consent_request"]
        assert "Bo asks for your consent to use notes for research, teaching" in waits.words
        assert waits.command.startswith("weal consent grant --request ")
        made = mei.answer_request(asked.consent, per_use=("1", "EUR"))
        row = mei.consent(made.consent)
        assert (row.purposes, row.recipients, row.notice) == (
            *(("research", "teaching"), ("Bo",), "For a course."),
        )
        assert row.answers == asked.consent
        assert mei.consent(asked.consent).state == "answered"
        assert not [row for row in mei.inbox().rows if row.kind == "consent_request"]


def test_time_is_told_as_it_is_read(lanxi: ConsentingHomes) -> None:
    now = now_ms()
    later = lanxi.granted("Bo", begin_ms=now + HOUR_MS)
    over = lanxi.granted("Bo", end_ms=now - HOUR_MS)
    with Member(lanxi.mei) as mei:
        assert mei.consent(later).state == LATER
        assert mei.consent(over).state == EXPIRED
        assert mei.consent(over).valid is False


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"purposes": []}, UsageError),
        ({"purposes": ["x" * 33]}, UsageError),
        ({"named": "ladder"}, UnknownId),
        ({"recipients": ["Nobody"]}, UnknownId),
        ({"pool": "gifts"}, WouldNotCount),
        ({"per_use": ("0", "EUR")}, WouldNotCount),
    ],
)
def test_what_would_not_count_is_not_written(
    lanxi: ConsentingHomes, said: dict[str, Any], error: type[Exception]
) -> None:
    usual: dict[str, Any] = {"named": "notes", "purposes": ["research"], "recipients": ["Bo"]}
    with Member(lanxi.mei) as mei:
        with pytest.raises(error):
            mei.grant_consent(**(usual | {"notice": NOTICE} | said))
        assert mei.consents() == []


def test_a_receipt_is_a_record_of_the_fields_that_the_standard_requires(
    lanxi: ConsentingHomes,
) -> None:
    """Source: example 39 of the guide to ISO/IEC TS 27560 with DPV, required fields only."""
    consent = lanxi.granted("Bo", end_ms=now_ms() + HOUR_MS)
    with Member(lanxi.mei) as mei:
        receipt = json.loads(json.dumps(mei.consent_receipt(consent)))
        me, lanxi_id = mei.view.me.hex(), mei.view.community.hex()
    record = receipt["dpv:hasRecordOfActivity"]
    assert receipt["@type"] == "dpv:ConsentReceipt"
    assert receipt["dct:created"] and receipt["dct:identifier"].startswith(consent)
    assert record["@type"] == "dpv:ConsentRecord"
    assert record["@id"] == f"urn:commonweal:{lanxi_id}:{consent}"
    assert record["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#record"
    assert record["dpv:hasDataSubject"]["@id"] == f"urn:commonweal:{me}"
    (controller,) = record["dpv:hasDataController"]
    assert controller["schema:name"] == "Bo" and controller["schema:contact"]
    assert record["dpv:hasJurisdiction"] == record["dpv:hasApplicableLaw"] == "not stated"
    process = record["dpv:hasProcess"]
    assert process["dpv:hasPurpose"] == [{"@type": "dpv:Purpose", "dct:title": "research"}]
    assert process["dpv:hasPersonalData"]["dct:title"] == "notes"
    assert process["dpv:hasRecipient"] == [controller["@id"]]
    location, duration = process["dpv:hasStorageCondition"]
    assert location["@type"] == "dpv:StorageLocation"
    assert duration["dpv:hasDuration"]["@type"] == "dpv:UntilTimeDuration"
    assert record["dpv:hasConsentControl"]["dpv:isExercisedAt"]
    assert record["dpv:hasRight"][0]["@type"] == "dpv:DataSubjectRight"
    notice = record["dpv:hasNotice"]
    assert notice["dct:language"] == "en" and notice["dct:description"] == NOTICE
    (status,) = record["dpv:hasConsentStatus"]
    assert status["@type"] == ["dpv:ConsentGiven", "dpv:ExpressedConsent"]
    assert status["dpv:isIndicatedAtTime"]
    assert record["weal:perUse"] == {"n": 50, "scale": 2, "unit": "EUR"}


def test_the_states_of_dpv_are_valid_for_given_and_renewed_alone() -> None:
    """Source: the guide, 8.5.2: two states are valid for processing, and eight are not."""
    assert len(DPV_VALID) + len(DPV_INVALID) == 10
    assert set(DPV_STATES) == set(STATES)
    for state, word in DPV_STATES.items():
        assert (word in DPV_VALID) == (state in VALID), state
        assert word in (*DPV_VALID, *DPV_INVALID)
