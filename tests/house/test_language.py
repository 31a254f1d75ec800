"""The tree is written in plain English; and each check, given a fault, sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import language
from tests.house.test_tidy import PAGES, PLAIN, PYTHON, name, told

MINE = ("tests/house/language.py", "tests/house/test_language.py")
OTHERS_WORDS = ("tests/vectors", "tests/homes")
PRODUCT = [path for path in PYTHON if name(path).split("/")[0] not in {"tests", "bench", ".ci"}]


@pytest.mark.parametrize("path", [*PYTHON, *PAGES, *PLAIN], ids=name)
def test_sentences_are_plain(path: Path) -> None:
    if name(path) in MINE or name(path).startswith(OTHERS_WORDS):
        return
    complaints = list(language.words(path.read_text("utf-8")))
    assert not complaints, told(name(path), complaints)


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_names_say_what_they_hold(path: Path) -> None:
    text = path.read_text("utf-8")
    complaints = [*language.module(name(path)), *language.variables(name(path), text)]
    assert not complaints, told(name(path), complaints)


def test_a_class_name_has_one_meaning() -> None:
    files = [(name(path), path.read_text("utf-8")) for path in PRODUCT]
    assert not language.shared_classes(files)


@pytest.mark.parametrize(
    "text",
    [
        "# The member and his device.",
        "To whom it is sent.",
        "She votes.",
        '"""So long nobody is dialled again."""',
        "It ends. Who does not answer is dropped.",
        "    # So many records at most.",
    ],
)
def test_a_sentence_that_is_not_plain_is_seen(text: str) -> None:
    assert [line for line, _ in language.words(f"\n{text}\n")] == [2]


@pytest.mark.parametrize(
    "text",
    [
        "Who has not voted?",
        "this, there, other, shell",
        "The peer that whomever met.",
        "so long as",
    ],
)
def test_a_plain_sentence_is_taken(text: str) -> None:
    assert not list(language.words(text))


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        ("node/service/sealing.py", True),
        ("protocol/seal/timing.py", False),
        ("commands/share/seal.py", False),
        ("tests/test_sealing.py", False),
    ],
)
def test_a_module_that_is_a_participle_is_seen(place: str, seen: bool) -> None:
    assert bool(list(language.module(place))) is seen


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("one = 1", True),
        ("for found in records: pass", True),
        ("def f(it): pass", True),
        ("[each for each in records]", True),
        ("with lock as them: pass", True),
        ("record = one", False),
    ],
)
def test_a_vague_variable_is_seen(text: str, seen: bool) -> None:
    assert bool(list(language.variables("node/x.py", text))) is seen
    assert not list(language.variables("tests/x.py", text))


def test_two_classes_of_one_name_are_seen() -> None:
    files = [("a.py", "class Cut: ..."), ("b.py", "class Cut: ..."), ("c.py", "class Vote: ...")]
    assert language.shared_classes(files) == {"Cut": ["a.py", "b.py"]}
