"""What an error tells a member."""

from __future__ import annotations

from commonweal.client.language.words import DETAILS_CHARS_MAX, ENGLISH
from commonweal.protocol.errors import UnreadableQuantity


def test_of_what_was_typed_so_much_is_told() -> None:
    for typed in ("3 hous", "9" * DETAILS_CHARS_MAX):
        assert ENGLISH.details(UnreadableQuantity(typed)) == typed
    told = ENGLISH.details(UnreadableQuantity("9" * DETAILS_CHARS_MAX + " is no number"))
    assert len(told) == DETAILS_CHARS_MAX
    assert told.startswith("999") and "9…9" in told and told.endswith("9 is no number")
