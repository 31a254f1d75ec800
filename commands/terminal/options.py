"""What several commands take alike: --home, -o, the passphrase."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.output import Form
from commonweal.protocol.errors import PassphraseNeeded, UnusablePassphrase, UsageError

if TYPE_CHECKING:
    from commonweal.storage.home.home import Home
    from commonweal.storage.home.keystore import Secrets

Command = TypeVar("Command", bound=Callable[..., Any])

HOME_KEY = "commonweal.home"
PASSPHRASE_FILE_BYTES_MAX = 4096
PASSPHRASE_TRIES_MAX = 3


def default_home() -> Path:
    """Return COMMONWEAL_HOME, else where this system keeps a member's data."""
    given = os.environ.get("COMMONWEAL_HOME")
    if given:
        return Path(given)
    from platformdirs import user_data_path

    return user_data_path("commonweal", appauthor=False)


def _home(context: click.Context, _parameter: click.Parameter, value: str | None) -> Home:
    from commonweal.storage.home.home import Home

    return Home(value or context.find_root().meta.get(HOME_KEY) or default_home())


def home_option(command: Command) -> Command:
    """Give a command `home: Home`."""
    return click.option(
        "--home",
        metavar="FOLDER",
        callback=_home,
        help="The home; else COMMONWEAL_HOME, else the usual place of this system.",
    )(command)


def _form(_context: click.Context, _parameter: click.Parameter, value: str) -> Form:
    return Form(value)


def form_option(*forms: Form) -> Callable[[Command], Command]:
    """Give a command `form: Form`, one of `forms` or of all."""
    return click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice([form.value for form in forms or Form]),
        default=Form.TEXT.value,
        callback=_form,
        help="Who reads it: people, a script or a spreadsheet.",
    )


def passphrase_option(command: Command) -> Command:
    """Give a command `passphrase_file`."""
    return click.option(
        "--passphrase-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Read the passphrase from the first line of FILE.",
    )(command)


def given_passphrase(passphrase_file: Path | None) -> str | None:
    """Return the passphrase of the file or of the environment, None where none is given.

    COMMONWEAL_PASSPHRASE_FILE stands for --passphrase-file, COMMONWEAL_PASSPHRASE for its
    content. Raises UnusablePassphrase when the file cannot be read.
    """
    if passphrase_file is None and (named := os.environ.get("COMMONWEAL_PASSPHRASE_FILE")):
        passphrase_file = Path(named)
    if passphrase_file is None:
        return os.environ.get("COMMONWEAL_PASSPHRASE") or None
    return passphrase_in(passphrase_file)


def passphrase_in(path: Path) -> str:
    """Return the passphrase in the first line of a file. Raises UnusablePassphrase."""
    try:
        with path.open("rb") as file:
            line = file.readline(PASSPHRASE_FILE_BYTES_MAX)
        return line.decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise UnusablePassphrase(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UnusablePassphrase(f"{path}: not UTF-8") from None


def unlock(home: Home, passphrase_file: Path | None) -> Secrets:
    """Return the `Secrets` of a home, asking for the passphrase where nothing gives it.

    Raises PassphraseNeeded where nobody can be asked, WrongPassphrase, and what
    `keystore.unlock` raises.
    """
    from commonweal.protocol.errors import WrongPassphrase
    from commonweal.storage.home import keystore

    if not keystore.needs_passphrase(home.keystore):
        return keystore.unlock(home.keystore, None)
    given = given_passphrase(passphrase_file)
    if given is not None:
        return keystore.unlock(home.keystore, given)
    if not is_typed():
        raise PassphraseNeeded(str(home.keystore))
    for left in range(PASSPHRASE_TRIES_MAX - 1, -1, -1):
        try:
            return keystore.unlock(home.keystore, ask_passphrase())
        except WrongPassphrase:
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def unlocking(passphrase_file: Path | None) -> Callable[[Home], Secrets]:
    """Return what opens the keystore of a home as `unlock` does, when its secrets are needed.

    A passphrase is asked for once, however often the secrets are needed.
    """
    return unlocked_once(lambda home: unlock(home, passphrase_file))


def unlocked_once(unlock: Callable[[Home], Secrets]) -> Callable[[Home], Secrets]:
    """Return what opens a keystore by `unlock`, and after that gives the same secrets again."""
    known: dict[Path, Secrets] = {}

    def secrets(home: Home) -> Secrets:
        if home.path not in known:
            known[home.path] = unlock(home)
        return known[home.path]

    return secrets


def opened(path: Path, passphrase_file: Path | None, whose: str = "") -> tuple[Secrets, str | None]:
    """Return the secrets of a keystore, and the passphrase that opened it, None for none.

    whose: what is said of it where nobody can be asked.
    """
    from commonweal.storage.home import keystore

    if not keystore.needs_passphrase(path):
        return keystore.unlock(path, None), None
    given = given_passphrase(passphrase_file)
    if given is None and not is_typed():
        raise PassphraseNeeded(whose or str(path))
    passphrase = ask_passphrase() if given is None else given
    return keystore.unlock(path, passphrase), passphrase


def typed_link() -> str:
    """Return the link that is typed or piped: what stands in a command, others here may read."""
    from commonweal.protocol.identity.invite import LINK_CHARS_MAX

    if is_typed():
        typed: str = click.prompt(_("The link"), err=True)
        return typed
    return sys.stdin.readline(2 * LINK_CHARS_MAX)


def make_sure(question: str, *, yes: bool) -> None:
    """Go on only when the user means it: by `yes`, or by the answer to `question`.

    Raises UsageError where nobody can be asked.
    """
    if not yes:
        if not is_typed():
            raise UsageError(_("nothing was done: type it again with --yes"))
        click.confirm(question, abort=True, err=True)


def is_typed() -> bool:
    """Whether somebody types the answers, so that they can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask_passphrase(*, twice: bool = False, question: str = "") -> str:
    """Ask at the terminal."""
    passphrase: str = click.prompt(
        question or _("Passphrase"),
        hide_input=True,
        confirmation_prompt=_("The same again") if twice else False,
        err=True,
    )
    return passphrase
