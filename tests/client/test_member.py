"""What a program that uses `Member` may rely on: values, errors, languages, and silence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest

from commonweal.client import Member, create_home
from commonweal.client.community.keepers import keeping_warnings
from commonweal.client.language.words import ENGLISH
from commonweal.client.ledger.names.directory import called
from commonweal.protocol.errors import CommonwealError, PassphraseNeeded, UnknownId, WouldNotCount
from commonweal.protocol.keys import MemberId

LOOKS = 25


@pytest.fixture
def mei(tmp_path: Path) -> Path:
    """Return the home of a member who founded a community and recorded three hours."""
    home = tmp_path / "mei"
    create_home(home, "Mei")
    with Member(home) as member:
        member.found("Lanxi", rules="time-bank")
        member.record("work", 3, "hours", note="mended the fence")
    return home


def test_two_threads_speak_two_languages_at_once(mei: Path) -> None:
    with Member(mei) as member:
        work = member.contributions().records[0].id
    together = Barrier(2)

    def read(language: str) -> set[tuple[str, ...]]:
        together.wait()
        said = set()
        for _ in range(LOOKS):
            with Member(mei, language=language) as reader:
                said.add(reader.explain(work).sentences)
        return said

    with ThreadPoolExecutor(2) as threads:
        english, chinese = threads.map(read, ("en", "zh"))
    assert [sentences[0] for sentences in english] == ["work 3 hour · Mei"]
    assert [sentences[0] for sentences in chinese] == ["工作 3 小时 · Mei"]


def test_an_error_speaks_the_language_of_the_member(mei: Path) -> None:
    said = set()
    for language in ("en", "zh"):
        with Member(mei, language=language) as member, pytest.raises(WouldNotCount) as refused:
            member.attest(member.contributions().records[0].id)
        said.add(str(refused.value))
    assert len(said) == 2


def test_nothing_is_printed(mei: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Member(mei) as member:
        member.status()
        member.shares(if_sealed=True)
        member.seal()
        member.seals()
        with pytest.raises(CommonwealError):
            member.show("ffff")
    assert capfd.readouterr() == ("", "")


def test_results_are_exact_and_frozen(mei: Path) -> None:
    with Member(mei) as member:
        (record,) = member.contributions().records
    assert (record.action, record.quantity, record.unit) == ("work", Decimal(3), "hour")
    assert record.note == "mended the fence"
    with pytest.raises(FrozenInstanceError):
        record.note = ""  # type: ignore[misc]


def test_what_was_written_is_read_next(mei: Path) -> None:
    with Member(mei) as member:
        before = member.contributions().total
        made = member.record("work", "1.5", "hours")
        assert member.contributions().total == before + 1
        assert member.show(made.id).counts
        corrected = member.correct(made.id, "2", "hours")
        assert member.explain(made.id).sentences[0] == "work 2.0 hour · Mei"
        assert corrected.waits_for == ()


def test_what_is_not_there_is_an_error_and_writes_nothing(mei: Path) -> None:
    with Member(mei) as member:
        records = member.status().records
        with pytest.raises(UnknownId):
            member.record("work", 1, "hour", provider="Nobody")
        with pytest.raises(UnknownId):
            member.dispute("ffff")
        assert member.status().records == records


def test_a_passphrase_is_needed_to_write_and_not_to_read(tmp_path: Path) -> None:
    create_home(tmp_path / "bo", "Bo", passphrase="a long one", language="zh")
    with Member(tmp_path / "bo") as reader:
        assert reader.status().state == "no-community"
        with pytest.raises(PassphraseNeeded):
            reader.found("Lanxi")
    with Member(tmp_path / "bo", passphrase="a long one") as member:
        member.found("Lanxi")
        assert member.record("work", 1, "hour").seq == 2


def test_a_name_that_begins_as_typed_is_nearer_than_one_that_looks_alike() -> None:
    names = {MemberId(bytes([n]) * 32): name for n, name in enumerate(("Dan", "Ann O'Brien"))}
    for typed, near in (("Ann", "Ann O'Brien"), ("ann o", "Ann O'Brien"), ("Dam", "Dan")):
        with pytest.raises(UnknownId, match=f"; the nearest is {near}$"):
            called(names, typed)


@pytest.mark.parametrize(
    ("needed", "said"), [(1, "1 member must keep"), (2, "2 members must keep"), (0, "")]
)
def test_too_few_who_keep_the_ledger_are_said_in_numbers(mei: Path, needed: int, said: str) -> None:
    with Member(mei) as member:
        status = replace(member.status(), keepers=0, keepers_needed=needed)
    warned = "".join(keeping_warnings(status, ENGLISH))
    assert said in warned and bool(said) == bool(warned)
