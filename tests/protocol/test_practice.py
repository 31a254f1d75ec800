"""The practice community of tests/vectors/practice is what the code makes, byte for byte."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from commonweal.protocol import codec
from commonweal.protocol.ledger.fold.kinds import KINDS
from commonweal.protocol.ledger.state.state import DEPTH_MAX
from commonweal.protocol.ledger.state.tables import Table
from commonweal.protocol.records.record import from_bytes
from tests.builders import parent_vectors, story_vectors
from tests.builders.practice_community import FOLDER, Practice, files, to_text
from tests.protocol.ledger.layouts import fits, table_of

UNUSED = {"GUILTY", "REST"}
"""Tables that the story does not fill: a double vote, and more rules than one cut works off."""

ELSEWHERE = {
    "CAMPAIGN",
    "CAMPAIGN_VOTE",
    "COMMISSION",
    "CONSENT",
    "CONSENT_OF",
    "DATA",
    "DATA_RELEASE",
    "DATA_USE",
    "OFFER_REFERRAL",
    "OPEN_PROJECT",
    "PLEDGE",
    "PLEDGE_PAYMENT",
    "PROJECT",
    "PROJECT_LOOK",
    "PROJECT_MEMBER",
    "PROJECT_TASK",
    "PROMOTION",
    "PROMOTION_CODE",
    "REFERRAL_OF",
    "USE_OF",
    "WAITING_CAMPAIGN",
}
"""Tables of what came after the story: data, promotion, campaigns and projects have their own
stories, which the second reader follows to the same roots."""
TOLD_ELSEWHERE = {
    "campaign",
    "campaign.cancel",
    "consent.ask",
    "consent.grant",
    "consent.revoke",
    "data.release",
    "pledge",
    "pledge.withdraw",
    "project",
    "project.join",
    "project.leave",
    "promotion",
    "promotion.end",
}
"""Kinds that came after it."""


@cache
def written() -> dict[str, Any]:
    return files(Practice())


def changes() -> list[tuple[bytes, bytes | None]]:
    return [
        (bytes.fromhex(key), None if value is None else bytes.fromhex(value))
        for height in written()["heights.json"]["heights"]
        for key, value in height["changes"]
    ]


@pytest.mark.parametrize("name", ["records.json", "heights.json"])
def test_the_story_is_made_anew_byte_for_byte(name: str) -> None:
    assert to_text(written()[name]) == (FOLDER / name).read_text("utf-8")


@pytest.mark.parametrize("name", story_vectors.STORIES)
def test_each_later_story_is_made_again_byte_for_byte(name: str) -> None:
    text = story_vectors.to_text(story_vectors.STORIES[name]())
    assert text == (story_vectors.FOLDER / f"{name}.json").read_text("utf-8")


def test_every_key_is_of_one_table_and_every_value_has_its_fields() -> None:
    for key, data in changes():
        table = table_of(key)
        if data is not None:
            value = codec.decode(data, DEPTH_MAX)
            assert fits(table, value), f"{table.name}: {value!r} is not {table.layout.value}"


def test_the_story_fills_every_table_but_two() -> None:
    assert {table_of(key).name for key, _ in changes()} == (
        {one.name for one in Table} - UNUSED - ELSEWHERE
    )


def test_the_story_has_every_kind_that_a_founded_community_can_have() -> None:
    records = written()["records.json"]["records"]
    kinds = {from_bytes(bytes.fromhex(one["wire"])).kind for one in records}
    assert {*KINDS} - kinds == {"community.inherit", *TOLD_ELSEWHERE}


def test_the_story_has_what_a_reader_should_practise() -> None:
    heights: list[dict[str, Any]] = json.loads((FOLDER / "heights.json").read_text("utf-8"))[
        "heights"
    ]
    seals = [codec.decode(bytes.fromhex(one["sealed"]), 9) for one in heights]
    assert any(codec.decode(seal[0])[9] for seal in seals), "evidence of a fork"  # type: ignore[index, arg-type]
    assert len({str(seal[2]) for seal in seals}) > 2, "changes of witnesses"  # type: ignore[index]
    reasons = {reason for one in heights for reason in one["void"].values()}
    assert "the device was revoked before this record" in reasons


def test_the_community_that_goes_on_is_made_anew_byte_for_byte() -> None:
    text = json.dumps(parent_vectors.vectors(), indent=1) + "\n"
    assert text == parent_vectors.FILE.read_text("utf-8")


def test_every_kind_that_came_later_is_told_in_a_story_that_the_second_reader_follows() -> None:
    stories = [told() for told in story_vectors.STORIES.values()]
    assert {record.kind for story in stories for record in story.records} >= TOLD_ELSEWHERE
