"""What members read, in their language: gettext over the catalogues beside this file.

The language is that of LANGUAGE, LC_ALL, LC_MESSAGES or LANG, in this order; every kind of
Chinese gets the one Chinese catalogue, everything without a catalogue English.
"""

from __future__ import annotations

import gettext
import os
from functools import lru_cache
from pathlib import Path

DOMAIN = "commonweal"
FOLDER = Path(__file__).parents[1] / "locale"

_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def N_(words: str) -> str:  # noqa: N802  gettext's own name for it
    """Return `words` as they are: they are translated where they are shown."""
    return words


def Nn_(one: str, many: str) -> tuple[str, str]:  # noqa: N802  as ngettext, but later
    """Return a sentence and its plural as they are: they are translated where they are shown."""
    return one, many


CLICKS_WORDS = (
    *(N_("Usage:"), N_("Options"), N_("Commands"), N_("Error: {message}")),
    *(N_("Show this message and exit."), N_("Show the version and exit.")),
    *(N_("Try '{command} {option}' for help."), N_("No such option {name!r}.")),
    *(N_("No such command {name!r}.")),
    *(N_("Missing argument"), N_("Missing option"), N_("Missing command.")),
    *(N_("Invalid value: {message}"), N_("Invalid value for {param_hint}: {message}")),
    *(N_("{value!r} is not a valid {number_type}."), N_("{value} is not in the range {range}.")),
    *(N_("required"), N_("default: {default}"), N_("Option {name!r} does not take a value.")),
    *(N_("{name} {filename!r} does not exist."), N_("{name} {filename!r} is a directory.")),
    *(N_("{name} {filename!r} is not readable."), N_("file")),
    *Nn_("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    *Nn_("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    *Nn_("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    *Nn_("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
)
"""What click itself says; it looks in the catalogue that `speak` opens."""


def _(words: str) -> str:
    """Return `words` in the member's language."""
    return words and _translation().gettext(words)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the form of the sentence that fits `number`."""
    return _translation().ngettext(one, many, number)


def is_chinese() -> bool:
    """Whether the member reads Chinese."""
    return _translation().info().get("language") == "zh"


def speak() -> None:
    """Let click, too, find its words in our catalogue."""
    gettext.bindtextdomain(DOMAIN, FOLDER)
    gettext.textdomain(DOMAIN)


def sentence(error: BaseException) -> str:
    """Return what the class of `error` says to a member, as one line."""
    import inspect

    return " ".join(_(inspect.cleandoc(type(error).__doc__ or "")).split())


def _translation() -> gettext.NullTranslations:
    return _opened(tuple(os.environ.get(name) for name in _VARIABLES))


@lru_cache(maxsize=8)
def _opened(_wanted: tuple[str | None, ...]) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, FOLDER, fallback=True)
