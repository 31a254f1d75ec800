"""The map in docs/HACKING.md is the tree."""

from __future__ import annotations

import pytest

from tests.house import package_map


def test_the_map_of_packages_is_the_tree() -> None:
    page = package_map.PAGE.read_text("utf-8")
    assert package_map.on_page(page) == package_map.drawn(package_map.packages())


def test_every_package_says_what_it_holds() -> None:
    silent = [folder for folder, summary in package_map.packages().items() if len(summary) < 20]
    assert not silent


def test_only_the_table_is_replaced() -> None:
    page = f"# A\n\n{package_map.BEGIN}{package_map.END}\nb\n"
    filled = package_map.replaced(page, "| c |\n")
    assert package_map.on_page(filled) == "| c |\n"
    assert package_map.replaced(filled, "") == page


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        package_map.on_page("# Building\n")
