"""`Member.health`: findings as values, in the language of the member, without a node or output."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from commonweal.protocol.errors import MissingDatabase


def test_findings_are_frozen_and_in_the_language_of_the_member(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    create_home(tmp_path / "mei", "Mei")
    with Member(tmp_path / "mei") as reader, Member(tmp_path / "mei", language="zh") as chinese:
        findings, translated = reader.health(), chinese.health()
    ill = [finding for finding in findings if not finding.is_well]
    assert [finding.name for finding in ill] == ["membership"]
    assert "weal found" in ill[0].advice
    assert [finding.name for finding in translated] == [finding.name for finding in findings]
    ill_in_chinese = next(finding for finding in translated if finding.name == "membership")
    assert ill_in_chinese.what != ill[0].what and not ill_in_chinese.what.isascii()
    with pytest.raises(FrozenInstanceError):
        ill[0].is_well = True  # type: ignore[misc]
    assert capfd.readouterr() == ("", "")


def test_a_folder_without_a_home_is_an_error(tmp_path: Path) -> None:
    with Member(tmp_path) as member, pytest.raises(MissingDatabase):
        member.health()
