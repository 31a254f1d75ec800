"""The chip of a record says in words how safe it is, and where two sides are needed who agreed."""

import pytest

from commonweal.client.contributions.record_states import RecordState, Safety
from commonweal.client.language.words import words_in
from commonweal.web.pages.template_set import environment
from tests.builders.browser import text_of

TEMPLATE = """
{% from 'parts.html' import state_chip with context %}{{ state_chip(state, agreement) }}"""


def chip(state: RecordState | None, language: str = "en", agreement: str = "") -> str:
    """Return what a person reads on the chip of a record."""
    words = words_in(language)
    template = environment().from_string(TEMPLATE)
    return text_of(template.render(_=words, state=state, agreement=agreement))


@pytest.mark.parametrize(
    ("state", "english", "chinese"),
    [
        (RecordState(Safety.FINAL, 3, 4, 1_031), "final #1,031", "已定案 #1,031"),
        (RecordState(Safety.HELD, 3, 4, None), "held by 3 of 4", "4 人中 3 人已存"),
        (RecordState(Safety.HELD, None, None, None), "held by its author", "作者处已存"),
        (RecordState(Safety.ONLY_HERE, 0, 4, None), "only here", "仅在本机"),
        (RecordState(Safety.HERE, None, None, None), "written here", "已记在本机"),
        (None, "", ""),
    ],
)
def test_the_chip_says_in_words_how_safe_a_record_is(
    state: RecordState | None, english: str, chinese: str
) -> None:
    assert (chip(state), chip(state, "zh")) == (english, chinese)


def test_the_chip_says_whether_the_other_side_agreed() -> None:
    state = RecordState(Safety.HELD, 1, 2, None)
    assert chip(state, agreement="asked") == "asked held by 1 of 2"
    assert chip(state, agreement="agreed") == "agreed held by 1 of 2"
