"""The 24 words (BIP-39) that stand for a member's 32 bytes, written and read.

They are read however people write them down: with numbers, commas and line breaks, by the first
four letters of each, in the table that `weal init` prints. The word list of the `mnemonic` package
is loaded when words are read or shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import assert_never

from commonweal.protocol.errors import UnknownWord, WordsDoNotFit, WrongWordCount
from commonweal.protocol.identity.identity import ENTROPY_BYTES

WORDS = 24
PHRASE_CHARACTERS_MAX = 1024
BEGINNING_LETTERS = 4
"""Letters of an English word that tell it from all others."""

_PARTS = re.compile(r"\d+|[^\W\d_]+")


class Language(StrEnum):
    """The BIP-39 word lists that are shown and read."""

    ENGLISH = "english"
    CHINESE = "chinese_simplified"


def phrase_from_entropy(entropy: bytes, language: Language = Language.ENGLISH) -> str:
    """Return the 24 words, separated by spaces, that stand for 32 bytes (BIP-39)."""
    assert len(entropy) == ENTROPY_BYTES
    from mnemonic import Mnemonic

    return Mnemonic(language.value).to_mnemonic(entropy)


def entropy_from_phrase(phrase: str) -> bytes:
    """Return the 32 bytes of entropy that 24 English or Chinese words encode (BIP-39).

    Case, width and signs do not matter; Chinese words need no spaces; the beginning of an English
    word is enough, of four letters or more. Where each word has its number, from 1 to 24, they are
    taken in that order. Raises `WrongWordCount`, `UnknownWord` (with the word's number and the
    nearest word), or `WordsDoNotFit` when every word is known and the checksum is wrong.
    """
    if len(phrase) > PHRASE_CHARACTERS_MAX:
        raise WrongWordCount(f"more than {PHRASE_CHARACTERS_MAX} characters")
    typed = words_in(phrase)
    if len(typed) != WORDS:
        raise WrongWordCount(f"{len(typed)} words were read")
    from mnemonic import Mnemonic

    language = _language(typed)
    reader = Mnemonic(language.value)
    known = {word: word for word in reader.wordlist}
    if language is Language.ENGLISH:
        known |= {
            word[:letters]: word
            for word in reader.wordlist
            for letters in range(BEGINNING_LETTERS, len(word))
        }
    for place, word in enumerate(typed, start=1):
        if word not in known:
            raise UnknownWord(f"word {place}, {word!r}{_hint(word, language, reader.wordlist)}")
    try:
        return bytes(reader.to_entropy([known[word] for word in typed]))
    except ValueError:
        raise WordsDoNotFit("every word is in the list, but not in this order") from None


def words_in(phrase: str) -> list[str]:
    """Return what stands for words in a text, in lower case: by number where all 24 have theirs."""
    words, numbered = _parts(phrase)
    return numbered or words


def is_whole(phrase: str) -> bool:
    """Whether a text that is typed line by line has all its words, by number if it has numbers."""
    words, numbered = _parts(phrase)
    is_plain = not any(character.isdecimal() for character in phrase)
    return bool(numbered) or (is_plain and len(words) >= WORDS)


def _parts(phrase: str) -> tuple[list[str], list[str]]:
    """Return the words of a text as they follow, and by number; the latter empty unless all are."""
    plain = unicodedata.normalize("NFKC", phrase).lower()
    seen = "".join(character for character in plain if unicodedata.category(character) != "Cf")
    words: list[str] = []
    numbered: dict[int, str] = {}
    number = None
    for part in _PARTS.findall(seen):
        if part.isdecimal():
            number = int(part) if len(part) <= 2 else None
            continue
        parts = list(part) if _is_chinese(part) else [part]
        words += parts
        if number is not None:
            numbered = {} if number == 1 else numbered  # a heading has said 24
            numbered[number] = parts[0]
        number = None
    places = range(1, WORDS + 1)
    is_numbered = all(place in numbered for place in places)
    return words, [numbered[place] for place in places] if is_numbered else []


def _is_chinese(word: str) -> bool:
    return all("\u4e00" <= character <= "\u9fff" for character in word)


def _language(words: list[str]) -> Language:
    chinese = sum(map(_is_chinese, words))
    return Language.CHINESE if 2 * chinese > len(words) else Language.ENGLISH


def _hint(word: str, language: Language, wordlist: Sequence[str]) -> str:
    match language:
        case Language.ENGLISH:
            near = _nearest(word, wordlist)
        case Language.CHINESE:
            near = _simplified(word, wordlist)
        case _:
            assert_never(language)
    return f"; the nearest is {near[0]!r}" if near else ""


def _nearest(word: str, wordlist: Sequence[str]) -> list[str]:
    """Return the English word that was meant: by its beginning, else by its look.

    A beginning alone looks like several words, so there is none for it.
    """
    begun = [known for known in wordlist if known[:BEGINNING_LETTERS] == word[:BEGINNING_LETTERS]]
    if begun or len(word) <= BEGINNING_LETTERS:
        return begun
    return get_close_matches(word, wordlist, n=1)


def _simplified(word: str, wordlist: Sequence[str]) -> list[str]:
    """Return the simplified form of a traditional character: the two lists run in parallel."""
    from mnemonic import Mnemonic

    traditional = Mnemonic("chinese_traditional").wordlist
    return [wordlist[traditional.index(word)]] if word in traditional else []
