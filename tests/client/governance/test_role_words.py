"""What the templates say of roles is read in Chinese too."""

from __future__ import annotations

import pytest

from commonweal.client.governance.rule_templates import (
    NO_RULES,
    ROLE_WORDS,
    TITLES,
    document_of_rules,
)
from commonweal.client.language.words import words_in


@pytest.mark.parametrize("name", [name for name in TITLES if name != NO_RULES])
def test_duties_and_benefits_of_a_template_are_known_words(name: str) -> None:
    roles = document_of_rules(name)["roles"]
    fields = ("duties", "benefits")
    said = [role[field] for role in roles.values() for field in fields if field in role]
    assert said
    assert {*filter(None, said)} <= {*ROLE_WORDS}


def test_each_is_translated() -> None:
    chinese = words_in("zh")
    assert all(chinese(text) != text for text in ROLE_WORDS)
    assert len({*ROLE_WORDS}) == len(ROLE_WORDS)
