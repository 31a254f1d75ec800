"""The language of whoever types: that of LANGUAGE, LC_ALL, LC_MESSAGES or LANG, in this order.

Commands alone read it from the environment; they pass it on to `client/` as a value.
"""

from __future__ import annotations

import gettext
import os

from commonweal.client.language.words import DOMAIN, FOLDER, N_, Nn_, Words, words_in

__all__ = ["CLICKS_WORDS", "N_", "Nn_", "_", "labelled", "ngettext", "sentence", "speak", "spoken"]

_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


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


def spoken() -> Words:
    """Return the words of the language that the environment asks for."""
    for name in _VARIABLES:
        if asked := os.environ.get(name):
            return words_in(*asked.split(":"))
    return words_in()


def _(text: str) -> str:
    """Return `text` in the member's language."""
    return spoken()(text)


def labelled(what: str, value: str) -> str:
    """Return `value` after its name, with the colon of the member's language."""
    return _("{what}: {value}").format(what=what, value=value)


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form of the sentence that fits `number`."""
    return spoken().plural(singular, plural, number)


def speak() -> None:
    """Let click, too, find its words in our catalogue."""
    gettext.bindtextdomain(DOMAIN, FOLDER)
    gettext.textdomain(DOMAIN)


def sentence(error: BaseException) -> str:
    """Return what the class of `error` says to a member, as one line."""
    return spoken().error(error)
