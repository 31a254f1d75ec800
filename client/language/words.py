"""Sentences that members read, in the language that is passed: gettext over the catalogues beside.

Language is a value here, never a state of the process: one program may speak to several members
at once. Nothing here looks at the environment; `commands/terminal/language.py` does.
"""

from __future__ import annotations

import gettext
import inspect
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from commonweal.protocol.errors import BadLink

DOMAIN = "commonweal"
FOLDER = Path(__file__).parents[1] / "locale"


def N_(text: str) -> str:  # noqa: N802  gettext's own name for it
    """Return `text` as it is: it is gathered here and translated where it is shown."""
    return text


def Nn_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802  as ngettext, but later
    """Return a sentence and its plural as they are: they are translated where they are shown."""
    return singular, plural


NO_CATALOGUE = gettext.NullTranslations()
"""The catalogue of English: every sentence is its own translation."""


DETAILS_CHARS_MAX = 1000
"""Of what an error tells: a cell or a number that somebody typed can be a megabyte long."""


class Words(NamedTuple):
    """All sentences in one language; called with an English one, it returns that in its own."""

    language: str = "en"
    """"en" or "zh"."""
    catalogue: gettext.NullTranslations = NO_CATALOGUE

    def __call__(self, text: str) -> str:
        """Return `text` in this language; as it is where no translation is known."""
        return text and self.catalogue.gettext(text)

    def plural(self, singular: str, plural: str, number: int) -> str:
        """Return the form of a sentence that fits `number`, in this language."""
        return self.catalogue.ngettext(singular, plural, number)

    def error(self, error: BaseException) -> str:
        """Return what the class of `error` says to a member, as one line."""
        return " ".join(self(inspect.cleandoc(type(error).__doc__ or "")).split())

    def details(self, error: BaseException) -> str:
        """Return what `error` adds to its sentence; "" where it adds nothing.

        What is wrong with a link is said in this language, too; others name what was typed, of
        which DETAILS_CHARS_MAX characters are shown.
        """
        text = self(str(error)) if isinstance(error, BadLink) else str(error)
        half = DETAILS_CHARS_MAX // 2
        return text if len(text) <= DETAILS_CHARS_MAX else f"{text[:half]}…{text[1 - half :]}"

    def sentences(self, *said: str) -> str:
        """Return sentences one after the other; no space stands between Chinese ones."""
        return ("" if self.is_chinese else " ").join(said)

    @property
    def is_chinese(self) -> bool:
        """Whether this is Chinese, which has its own names for actions and units."""
        return self.language == "zh"


ENGLISH = Words()


@lru_cache(maxsize=8)
def words_in(*languages: str) -> Words:
    """Return the words of the first language that has a catalogue, else English.

    languages: as in a locale, like "zh", "zh_CN.UTF-8" or "en". Every kind of Chinese gets the
    one Chinese catalogue.
    """
    for language in languages:
        if language.startswith(("en", "C")):
            return ENGLISH
        if gettext.find(DOMAIN, FOLDER, [language]):
            catalogue = gettext.translation(DOMAIN, FOLDER, [language])
            return Words(catalogue.info()["language"], catalogue)
    return ENGLISH
