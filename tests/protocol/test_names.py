"""Names: which characters they have, where joiners belong, which names are one."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.vocabulary import characters
from commonweal.protocol.vocabulary.identifiers import (
    NAME_CHARACTERS_MAX,
    READ_CHARACTERS_MAX,
    displayed_name,
    is_name,
    normal_name,
    skeleton,
)
from tests.second_reader import names as second_reader

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "names.json").read_text())
NAMES = [vector["name"] for vector in VECTORS if vector["is_name"]]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["what"])
def test_names_keep_their_golden_verdict(vector: dict[str, Any]) -> None:
    name = vector["name"]
    assert is_name(name) is vector["is_name"]
    assert skeleton(name) == vector["skeleton"]
    assert second_reader.skeleton(name) == vector["skeleton"].encode()
    newer = unicodedata.category(name[-1]) != "Cn" and vector["what"] == "emoji of Unicode 15"
    assert newer or second_reader.is_name(name) is vector["is_name"]


@given(st.text("aé \u0301\u200b\u200c\u200d\ufe0f👩🌾ا\u061c\u0915\u094d\u180b\u1820\t¨ﬁ"))
def test_what_is_displayed_is_a_name_and_stays(text: str) -> None:
    shown = displayed_name(text)
    assert displayed_name(shown) == shown
    assert not shown or (is_name(shown) and second_reader.is_name(shown))


def test_the_table_is_that_of_unicode_14() -> None:
    """Newer Pythons know more characters; of those that stand in the table they say the same."""
    exact = unicodedata.unidata_version == "14.0.0"
    hidden = re.compile(f"[{characters._FILLERS}{characters._SELECTORS}\u180b-\u180f]")
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        known = unicodedata.category(character)[0] not in "CZ" and not hidden.match(character)
        assert characters.is_seen(character) <= known
        assert not exact or characters.is_seen(character) == known, hex(code)


def test_names_that_differ_by_joiners_look_alike() -> None:
    assert len(NAMES) > 10
    for name in NAMES:
        assert displayed_name(name) == name
        assert skeleton(name) == skeleton(re.sub(characters.JOINERS, "", name))
    assert skeleton("علی\u200cرضا") == skeleton("علیرضا")


@pytest.mark.parametrize(
    "typed", ["e\u0301Ann", "éＡｎｎ", " éAnn ", "éAnn\u200b", "é\ufeffAnn", "é\u00adAnn"]
)
def test_a_name_is_known_however_it_is_typed(typed: str) -> None:
    assert displayed_name(typed) == "éAnn"


def test_the_normal_form_of_what_is_typed_keeps_what_is_wrong() -> None:
    assert normal_name("  Ａｎｎ\u00a0 Lee ") == "Ann Lee"
    assert normal_name("a\nb") == "a\nb"


def test_a_name_has_a_limit() -> None:
    assert is_name("花" * NAME_CHARACTERS_MAX)
    assert not is_name("花" * (NAME_CHARACTERS_MAX + 1))
    assert displayed_name("花" * 1000) == "花" * NAME_CHARACTERS_MAX
    assert displayed_name("🧑\u200d" * 64 + "🌾") == ("🧑\u200d" * 32)[:-1]
    assert displayed_name("\u200b" * READ_CHARACTERS_MAX + "a") == ""
