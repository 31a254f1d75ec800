"""Sentences that stand together are parted as their language does."""

from __future__ import annotations

from commonweal.client.language.rejection_words import refusal
from commonweal.client.language.words import words_in
from commonweal.protocol.ledger.state.rejections import Reason


def test_a_reason_and_its_advice_are_parted_as_the_language_does() -> None:
    english = refusal(Reason.UNKNOWN_UNIT, words_in("en"))
    chinese = refusal(Reason.UNKNOWN_UNIT, words_in("zh"))
    assert ". A new one is added by: weal unit new" in english
    assert "。新单位用 weal unit new" in chinese


def test_a_reason_without_advice_is_left_as_it_is() -> None:
    assert refusal(Reason.NO_QUANTITY, words_in("en")) == Reason.NO_QUANTITY.value


def test_sentences_are_parted_by_a_space_in_english_alone() -> None:
    assert words_in("en").sentences("It is done.", "Go on.") == "It is done. Go on."
    assert words_in("zh").sentences("已完成。", "请继续。") == "已完成。请继续。"
