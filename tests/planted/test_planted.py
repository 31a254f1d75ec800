"""Every threat has a fault that was planted, and every fault a test that saw it, as it is now."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.house import threats
from tests.planted.__main__ import copied, plant
from tests.planted.faults import ROOT, Fault, Seen, keep, read, results, unseen

FAULTS = read()
ROWS = threats.rows(threats.PAGE.read_text("utf-8"))
QUICK = "tests/protocol/test_codec.py"
SOUND = Fault("sound", "protocol/codec.py", '"""Canonical', '"""The canonical', (QUICK,))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.threat[:40])
def test_every_test_of_a_threat_is_red_by_a_fault_that_is_named(row: threats.Row) -> None:
    assert threats.nodes(row), "no test"
    assert set(row.faults) <= FAULTS.keys()
    red = [one for name in row.faults for one in FAULTS[name].red]
    blind = [test for test in row.tests if not any(is_of(test, one) for one in red)]
    assert not blind, "no planted fault is said to make them red"


def is_of(test: tuple[str, str], red: str) -> bool:
    """Say whether what is red is what a row names: a file, or a test by how it begins."""
    file, _, function = red.removeprefix("tests/").partition("::")
    return file == test[0] and function.startswith(test[1])


def test_every_planted_fault_belongs_to_a_threat() -> None:
    named = {name for row in ROWS for name in row.faults}
    assert not FAULTS.keys() - named


@pytest.mark.parametrize("name", FAULTS)
def test_the_guard_that_a_fault_takes_away_is_there(name: str) -> None:
    fault = FAULTS[name]
    changed = fault.planted_in((ROOT / fault.file).read_text("utf-8"))
    if fault.file.endswith(".py"):
        compile(changed, fault.file, "exec")
    for test in fault.red:
        file, *names = test.partition("[")[0].split("::")
        source = (ROOT / file).read_text("utf-8")
        words = [f"class {name}" for name in names[:-1]] + [f"def {name}" for name in names[-1:]]
        assert all(word in source for word in words), test


def test_every_planted_fault_was_seen_by_its_test_as_both_are_now() -> None:
    left = unseen(FAULTS, results())
    assert not left, f"make faults, and commit what it notes: {left}"


# The gate itself.


def good() -> dict[str, Seen]:
    """A result for each fault."""
    return {
        name: Seen(one.digest(), dict.fromkeys(one.red, "assert 0"), 1)
        for name, one in FAULTS.items()
    }


def test_whole_results_are_taken(tmp_path: Path) -> None:
    keep(good(), tmp_path / "results.json")
    assert not unseen(FAULTS, results(tmp_path / "results.json"))


@pytest.mark.parametrize("text", [None, "", "{}"], ids=["missing", "empty", "of nothing"])
def test_results_that_are_not_there_fail(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "results.json"
    if text is not None:
        file.write_text(text, "utf-8")
    assert set(unseen(FAULTS, results(file)).values()) == {"never planted"}


def test_results_that_are_cut_short_fail(tmp_path: Path) -> None:
    keep(good(), tmp_path / "results.json")
    (tmp_path / "cut.json").write_bytes((tmp_path / "results.json").read_bytes()[:-9])
    with pytest.raises(json.JSONDecodeError):
        results(tmp_path / "cut.json")


def test_a_result_of_another_fault_or_without_a_test_fails() -> None:
    name, fault = next(iter(FAULTS.items()))
    changed = {**FAULTS, name: replace(fault, new=fault.new + " ")}
    assert list(unseen(changed, good())) == [name]
    green = {**good(), name: Seen(fault.digest(), {}, 1)}
    assert unseen(FAULTS, green) == {name: f"planted, and not seen by {', '.join(fault.red)}"}


def test_words_about_a_test_leave_its_results_valid_and_code_does_not(tmp_path: Path) -> None:
    fault = replace(SOUND, red=("test_x.py",))

    def digest(source: str) -> str:
        (tmp_path / "test_x.py").write_text(source, "utf-8")
        return fault.digest(tmp_path)

    plain = digest('def test() -> None:\n    """A."""\n    assert f() == "#1"\n')
    assert digest('"""B."""\n\n\ndef test() -> None:\n    assert f() == "#1"  # c\n') == plain
    assert digest('def test() -> None:\n    """A."""\n    assert f() == "#2"\n') != plain
    assert digest('def test() -> None:\n    """A."""\n    assert f() in "#1"\n') != plain


def test_a_planted_fault_is_seen_and_no_fault_is_not(tmp_path: Path) -> None:
    copy = copied(tmp_path / "copy")
    assert not plant(SOUND, copy).said
    red = replace(SOUND, old="if again != data:", new="if again is None:")
    assert plant(red, copy).said[QUICK].startswith("test_")
    broken = replace(SOUND, old="\nimport msgpack\n", new="\nimport msgpack_of_nobody\n")
    with pytest.raises(ValueError, match="pytest ended with"):
        plant(broken, copy)
    missing = replace(SOUND, old="nothing of the kind")
    with pytest.raises(ValueError, match="stands 0 times"):
        plant(missing, copy)
