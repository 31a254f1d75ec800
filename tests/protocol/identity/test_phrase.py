"""The 24 words: as BIP-39 has them, and read back however people write them down."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.errors import (
    CommonwealError,
    UnknownWord,
    WordsDoNotFit,
    WrongWordCount,
)
from commonweal.protocol.identity.phrase import (
    Language,
    entropy_from_phrase,
    is_whole,
    phrase_from_entropy,
    words_in,
)

GOLDEN = json.loads((Path(__file__).parents[2] / "vectors" / "keys.json").read_text())
ENTROPY = bytes(range(32))
ENGLISH = phrase_from_entropy(ENTROPY)
CHINESE = phrase_from_entropy(ENTROPY, Language.CHINESE)


@pytest.mark.parametrize("case", GOLDEN["phrase"], ids=lambda case: case["entropy"][:8])
def test_phrases_follow_bip_39(case: dict[str, str]) -> None:
    entropy = bytes.fromhex(case["entropy"])
    assert phrase_from_entropy(entropy) == case["english"]
    assert phrase_from_entropy(entropy, Language.CHINESE) == case["chinese"]
    assert entropy_from_phrase(case["english"]) == entropy
    assert entropy_from_phrase(case["chinese"]) == entropy


@pytest.mark.parametrize(
    "phrase",
    [
        pytest.param(f"  {ENGLISH.upper()}\n", id="capitals and ends"),
        pytest.param(ENGLISH.replace(" ", "\t \r\n"), id="other spaces"),
        pytest.param(
            "".join(chr(ord(c) + 0xFEE0) if c > " " else "\u3000" for c in ENGLISH), id="full width"
        ),
        pytest.param(CHINESE.replace(" ", ""), id="chinese without spaces"),
        pytest.param(CHINESE.replace(" ", "\u3000"), id="ideographic spaces"),
        pytest.param(CHINESE.replace(" ", "", 11), id="chinese in two parts"),
    ],
)
def test_words_are_read_however_they_are_typed(phrase: str) -> None:
    assert entropy_from_phrase(phrase) == ENTROPY


def _with_word(phrase: str, place: int, word: str) -> str:
    words = phrase.split()
    words[place - 1] = word
    return " ".join(words)


@pytest.mark.parametrize(
    ("phrase", "error", "text"),
    [
        ("", WrongWordCount, "0 words"),
        (ENGLISH.rsplit(" ", 1)[0], WrongWordCount, "23 words"),
        (f"{ENGLISH} art", WrongWordCount, "25 words"),
        (" ".join(ENGLISH.split()[:12]), WrongWordCount, "12 words"),
        ("abandon " * 2000, WrongWordCount, "1024 characters"),
        (_with_word(ENGLISH, 3, "abandom"), UnknownWord, "word 3, 'abandom'.*is 'abandon'"),
        (_with_word(ENGLISH, 24, "qqqqqq"), UnknownWord, "word 24, 'qqqqqq'$"),
        (_with_word(ENGLISH, 1, "的"), UnknownWord, "word 1, '的'$"),
        (_with_word(ENGLISH, 1, "\x1b[2J"), UnknownWord, "word 1, 'j'$"),
        (_with_word(CHINESE, 5, "這"), UnknownWord, "word 5, '這'; the nearest is '这'"),
        (_with_word(CHINESE, 6, "龘"), UnknownWord, "word 6, '龘'$"),
        (_with_word(CHINESE, 7, "abandon"), UnknownWord, "word 7, 'abandon'$"),
        (" ".join(["abandon"] * 24), WordsDoNotFit, "in the list"),
        (" ".join(["的"] * 24), WordsDoNotFit, "in the list"),
    ],
)
def test_a_phrase_that_cannot_be_read_says_where(
    phrase: str, error: type[CommonwealError], text: str
) -> None:
    with pytest.raises(error, match=text):
        entropy_from_phrase(phrase)


@given(st.binary(min_size=32, max_size=32), st.sampled_from(Language))
@settings(max_examples=30)
def test_every_entropy_has_words_that_are_read_back(entropy: bytes, language: Language) -> None:
    phrase = phrase_from_entropy(entropy, language)
    assert len(phrase.split()) == 24
    assert entropy_from_phrase(phrase) == entropy


@given(st.text(max_size=1100))
@settings(max_examples=100)
def test_any_text_is_a_phrase_or_refused_by_name(text: str) -> None:
    with contextlib.suppress(CommonwealError):
        assert len(entropy_from_phrase(text)) == 32


def test_the_word_lists_are_loaded_only_when_words_are_read() -> None:
    code = (
        "import sys; from commonweal.protocol.identity import identity as i;"
        "i.inception_from_entropy(bytes(32)); sys.exit('mnemonic' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root, timeout=30, check=True)


def _numbered(phrase: str, form: str, between: str = " ") -> str:
    return between.join(form.format(n=n, word=word) for n, word in enumerate(phrase.split(), 1))


def _columns(phrase: str, count: int) -> str:
    """Return words as a page has them that is read column by column."""
    numbered = _numbered(phrase, "{n:2} {word}", "\n").split("\n")
    rows = len(numbered) // count
    return "\n".join("   ".join(numbered[row::rows]) for row in range(rows))


@pytest.mark.parametrize("phrase", [ENGLISH, CHINESE], ids=["english", "chinese"])
@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda words: _numbered(words, "{n:2} {word}", "  "), id="numbers"),
        pytest.param(lambda words: _numbered(words, "{n}. {word}", "\n"), id="a list"),
        pytest.param(lambda words: _numbered(words, "({n}){word}", ","), id="in brackets"),
        pytest.param(lambda words: _numbered(words, "{n:02}、{word}", "，"), id="chinese signs"),
        pytest.param(lambda words: _columns(words, 3), id="columns"),
        pytest.param(lambda words: words.replace(" ", ", ") + ".", id="commas"),
        pytest.param(lambda words: words.replace(" ", ";\r\n"), id="semicolons"),
        pytest.param(lambda words: '"' + words.replace(" ", '" "') + '"', id="quotes"),
        pytest.param(lambda words: "\ufeff" + words.replace(" ", " \u200b"), id="unseen signs"),
        pytest.param(
            lambda words: "My 24 words:\n" + _numbered(words, "{n} {word}") + "\n", id="a heading"
        ),
        pytest.param(lambda words: "1 2 3 " + words, id="numbers that are none of theirs"),
    ],
)
def test_words_are_read_as_people_write_them_down(
    written: Callable[[str], str], phrase: str
) -> None:
    assert entropy_from_phrase(written(phrase)) == ENTROPY


@pytest.mark.parametrize("letters", [4, 5, 6])
def test_the_beginning_of_a_word_is_enough(letters: int) -> None:
    assert entropy_from_phrase(" ".join(word[:letters] for word in ENGLISH.split())) == ENTROPY


def test_three_letters_of_a_longer_word_are_not_enough() -> None:
    with pytest.raises(UnknownWord, match=r"word 1, 'aba'$"):
        entropy_from_phrase(_with_word(ENGLISH, 1, "aba"))


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("abad", ""),  # three words of the list look like it
        ("zzzz", ""),
        ("abandonn", "; the nearest is 'abandon'"),
        ("abanxxxx", "; the nearest is 'abandon'"),
        ("zbandon", "; the nearest is 'abandon'"),
    ],
)
def test_a_hint_names_no_wrong_word(typed: str, hint: str) -> None:
    with pytest.raises(UnknownWord) as caught:
        entropy_from_phrase(_with_word(ENGLISH, 1, typed))
    assert str(caught.value) == f"word 1, {typed!r}{hint}"


def test_every_wrong_letter_of_four_is_hinted_rightly_or_not_at_all() -> None:
    """A typist who writes four letters of a word, one of them wrong, is not sent astray."""
    for word in ENGLISH.split():
        for place in range(4):
            typed = word[:place] + "q" + word[place + 1 : 4]
            with pytest.raises((UnknownWord, WordsDoNotFit)) as caught:
                entropy_from_phrase(_with_word(ENGLISH, 1, typed))
            assert "nearest" not in str(caught.value)


def test_words_that_lack_a_number_are_counted() -> None:
    numbered = _numbered(ENGLISH, "{n} {word}").replace("24 ", "")
    assert words_in(numbered) == ENGLISH.split()
    with pytest.raises(WrongWordCount, match="23 words"):
        entropy_from_phrase(numbered.rsplit(" ", 1)[0])


@pytest.mark.parametrize(
    "phrase", [ENGLISH, CHINESE, _numbered(ENGLISH, "{n:2} {word}", "\n"), _columns(CHINESE, 4)]
)
def test_words_that_are_typed_line_by_line_end_by_themselves(phrase: str) -> None:
    shorter = phrase.rsplit(maxsplit=1)[0]
    assert is_whole(phrase)
    assert not is_whole(shorter)


def test_a_heading_before_numbered_words_ends_nothing_early() -> None:
    heading = "Your 24 words. Write them down on paper, now:\n"
    lines = _numbered(ENGLISH, "{n:2} {word}", "\n").split("\n")
    assert [is_whole(heading + "\n".join(lines[:count])) for count in (15, 23, 24)] == [
        False,
        False,
        True,
    ]
