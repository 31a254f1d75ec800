"""What the page says names its own pages where a command line names commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commonweal.client import Member, create_home
from commonweal.client.language.words import words_in
from commonweal.web.pages.page_words import OF_THE_PAGE, PageWords
from tests.builders.browser import browser

FIELD = re.compile(r"\{\w+\}")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("said", OF_THE_PAGE)
def test_each_sentence_is_said_without_a_command(said: str, language: str) -> None:
    assert "weal " in said
    shown = PageWords(*words_in(language))(said)
    assert "weal " not in shown
    assert set(FIELD.findall(shown)) <= set(FIELD.findall(said))
    assert words_in("zh")(said) != said, "no program says this any more"


def test_what_cannot_be_undone_leads_to_a_page(tmp_path: Path) -> None:
    create_home(tmp_path / "mei", "Mei")
    with Member(tmp_path / "mei") as mei:
        mei.found("Lanxi", rules="value-network")
        event = mei.record("work", 1, "hour").id.hex()
        corrected = mei.correct(event, "2", "hours").id.hex()
    with browser(tmp_path / "mei") as page:
        page.get("/give")
        page.post("/give/undo", {"id": corrected})
        assert page.page.status_code == 422
        assert f"say what is right on the page of {event[:8]}" in page.text
        assert "weal correct" not in page.text
