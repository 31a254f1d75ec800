"""What an import returns to a program: counts, what is void with its line, and no output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from commonweal.client.importers.imports import VoidRow
from commonweal.protocol.errors import (
    NotPermitted,
    NotReachable,
    UnreadableRepository,
)
from tests.builders.git_histories import commit, git

MAPPING = "action=a,quantity=q,unit=u"


@pytest.fixture
def mei(tmp_path: Path) -> Path:
    """Return the home of a member who founded a community."""
    home = tmp_path / "mei"
    create_home(home, "Mei")
    with Member(home) as member:
        member.found("Lanxi", rules="time-bank")
    return home


def sheet(folder: Path, *rows: str) -> Path:
    """Write a sheet with these rows; return its path."""
    file = folder / "rows.csv"
    file.write_text("\n".join(("a,q,u", *rows)) + "\n")
    return file


def test_rows_are_taken_in_once_and_counted(
    mei: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, shown = sheet(tmp_path, "work,1,hour", "work,2,hours"), list[object]()

    @contextmanager
    def progress(source: str, total: int) -> Iterator[Callable[[int], None]]:
        shown.append((source, total))
        yield shown.append

    with Member(mei) as member:
        preview = member.sheet_preview(file, MAPPING)
        assert (preview.total, preview.new, preview.here) == (2, 2, 0)
        assert member.contributions().total == 0
        first = member.import_csv(preview, progress=progress)
        again = member.import_csv(member.sheet_preview(file, MAPPING))
        assert member.contributions().total == 2
    assert (first.source, first.here, first.written, first.void) == (str(file), 0, 2, ())
    assert (again.here, again.written) == (2, 0)
    assert shown == [("rows.csv", 2), 2]
    assert capfd.readouterr() == ("", "")


def test_a_void_row_is_returned_with_its_line_in_the_language_of_the_member(
    mei: Path, tmp_path: Path
) -> None:
    file, reasons = sheet(tmp_path, "work,1,hour", "produce,3,apples"), set()
    for language in ("en", "zh"):
        with Member(mei, language=language) as member:
            result = member.import_csv(member.sheet_preview(file, MAPPING))
            assert member.contributions().total == 0
        (row,) = result.void
        assert (result.written, row) == (0, VoidRow(3, row.reason))
        reasons.add(row.reason)
    assert len(reasons - {""}) == 2


def test_rows_that_cannot_be_read_are_reported_and_none_is_written(
    mei: Path, tmp_path: Path
) -> None:
    file = sheet(tmp_path, "work,1,hour", "work,much,hour")
    with Member(mei) as member:
        preview = member.sheet_preview(file, MAPPING)
        assert (preview.new, preview.unreadable, preview.is_good) == (1, 1, False)
        result = member.import_csv(preview)
        assert member.contributions().total == 0
    (row,) = result.void
    assert (result.written, row) == (0, VoidRow(3, row.reason))
    assert "much" in row.reason


def test_commits_are_taken_in_once_and_counted(mei: Path, tmp_path: Path) -> None:
    repository = tmp_path / "garden"
    repository.mkdir()
    git(repository, "init", "--quiet")
    commit(repository, "c1")
    authors = tmp_path / "authors"
    authors.write_text("Nobody <nobody@example.org>\n")
    with Member(mei) as member:
        first = member.import_git(repository, authors=authors, scope="orchard")
        again = member.import_git(repository)
        ids = {record.id for record in member.contributions().records}
    found = first.preview
    assert (found.source, found.scope, found.strangers) == ("garden", "orchard", ("Nobody",))
    assert (found.total, found.here, found.new, found.void) == (1, 0, 1, 0)
    assert (first.written, {record.id for record in first.last}) == (1, ids)
    assert (again.preview.scope, again.preview.here, again.written) == ("garden", 1, 0)
    assert again.last == ()


def test_nothing_of_a_history_is_written_that_the_caller_does_not_want(
    mei: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "garden"
    repository.mkdir()
    git(repository, "init", "--quiet")
    commit(repository, "c1")
    with Member(mei) as member:
        result = member.import_git(repository, confirm=lambda preview: preview.new > 1)
        assert member.contributions().total == 0
    assert (result.preview.new, result.written, result.waiting) == (1, 0, 0)
    (first,) = result.preview.first
    assert (str(first.quantity), first.note) == ("1", "c1 — Zed <zed@example.org>")
    assert first.worth is not None


def test_commits_that_peers_must_hold_are_not_taken_in_without_a_node(
    mei: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "garden"
    repository.mkdir()
    git(repository, "init", "--quiet")
    commit(repository, "c1")
    with Member(mei) as member:
        with pytest.raises(UnreadableRepository):
            member.import_git(tmp_path / "nowhere", needs_node=True)
        with pytest.raises(NotReachable):
            member.import_git(repository, needs_node=True)
        assert member.contributions().total == 0


def test_a_home_of_another_member_is_not_taken_in(mei: Path, tmp_path: Path) -> None:
    create_home(tmp_path / "bo", "Bo")
    with Member(tmp_path / "bo") as bo:
        bo.found("Elsewhere", rules="time-bank")
    with Member(mei) as member, pytest.raises(NotPermitted):
        member.import_home(tmp_path / "bo")
