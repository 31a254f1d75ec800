"""Every link, heading, test and file that a page names exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import page_names
from tests.house.test_tidy import INDEXES, PAGES, ROOT, name


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_links_to_files_that_exist(path: Path) -> None:
    lost = [
        link
        for link in page_names.links(path.read_text("utf-8"))
        if not (path.parent / link).exists()
    ]
    assert not lost, f"{name(path)} links to {lost}"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_links_to_headings_that_exist(path: Path) -> None:
    for page, place in page_names.places(path.read_text("utf-8")):
        found = path.parent / page if page else path
        assert place in page_names.headings(found.read_text("utf-8")), f"{page}#{place}"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_names_tests_that_exist(path: Path) -> None:
    for file, begins in page_names.tests_named(path.read_text("utf-8")):
        found = ROOT / file.removeprefix("tests/")
        found = found if found.exists() else ROOT / "tests" / file.removeprefix("tests/")
        assert found.exists(), file
        assert f"def {begins}" in found.read_text("utf-8"), f"{file}::{begins}"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_names_files_and_functions_that_exist(path: Path) -> None:
    if name(path) in {"CHANGELOG.md", "docs/threats.md"}:  # what was, and tests by other rules
        return
    lost = []
    for file, dotted in page_names.paths_named(path.read_text("utf-8")):
        place = ROOT / file
        if not place.exists() or (
            dotted and not page_names.defines(place.read_text("utf-8"), dotted)
        ):
            lost.append(f"{file}::{dotted}" if dotted else file)
    assert not lost, f"{name(path)} names {lost}"


@pytest.mark.parametrize(
    ("dotted", "known"),
    [("f", True), ("C", True), ("C.m", True), ("N_MAX", True), ("g", False), ("C.f", False)],
)
def test_a_name_that_a_file_lacks_is_seen(dotted: str, known: bool) -> None:
    text = "N_MAX: int = 1\ndef f(): ...\nclass C:\n    def m(self): ...\n"
    assert page_names.defines(text, dotted) is known
    assert page_names.paths_named(f"`node/x.py::{dotted}` and `docs/`") == [
        ("node/x.py", dotted),
        ("docs/", ""),
    ]


def test_every_page_is_listed_where_a_reader_starts() -> None:
    listed = {
        (index.parent / link).resolve()
        for index in INDEXES
        for link in page_names.links(index.read_text("utf-8"))
    }
    hidden = [name(page) for page in PAGES if page not in listed and page not in INDEXES]
    assert not hidden, f"neither README.md nor a README.md of docs/ links to {hidden}"


def test_links_are_those_inside_the_repository() -> None:
    page = "[a](docs/a.md#b) [c](https://example.org) [d](#e) [f](mailto:g@example.org) ![h](i.svg)"
    assert page_names.links(page) == ["docs/a.md", "i.svg"]


def test_places_are_the_headings_that_a_page_links_to() -> None:
    page = "[a](docs/a.md#b-c) [c](https://example.org/#d) [d](#e) [f](g.md)"
    assert page_names.places(page) == [("docs/a.md", "b-c"), ("", "e")]
    text = "# One, and `two`\n```sh\n# three\n```\n## 14. Seals\n"
    assert page_names.headings(text) == {"one-and-two", "14-seals"}


def test_tests_are_named_by_file_and_by_how_they_begin() -> None:
    page = "`sim/test_storms.py::test_a_flood_...`, `tests/storage/home/test_home.py`"
    assert page_names.tests_named(page) == [
        ("sim/test_storms.py", "test_a_flood_"),
        ("tests/storage/home/test_home.py", ""),
    ]
