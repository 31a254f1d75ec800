"""`weal restore`: a home again, from a backup or from the member's 24 words."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from commonweal.client.community.standing import AWAITING
from commonweal.client.keep import restoration
from commonweal.client.language.plain import plain
from commonweal.commands.begin.init_found import chosen_passphrase, warn_if_open
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    is_typed,
    opened,
    passphrase_option,
)
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.protocol.errors import UnreadableFile, UsageError
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity.phrase import (
    PHRASE_CHARACTERS_MAX,
    entropy_from_phrase,
    is_whole,
    words_in,
)
from commonweal.protocol.keys import short
from commonweal.storage.home.home import Home

WORDS_BYTES_MAX = 4 * PHRASE_CHARACTERS_MAX


@click.command("restore")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--words", is_flag=True, help="From your 24 words, in place of a backup.")
@click.option(
    "--words-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Read the words from FILE, not from the keyboard.",
)
@click.option("--contact", metavar="LINK", help="A link of any member, by which peers are found.")
@passphrase_option
@click.option("--no-passphrase", is_flag=True, help="Protect the keystore by its mode alone.")
@home_option
@form_option(Form.TEXT, Form.JSON)
def restore(
    file: Path | None,
    words: bool,
    words_file: Path | None,
    contact: str | None,
    passphrase_file: Path | None,
    no_passphrase: bool,
    home: Home,
    form: Form,
) -> None:
    """Make a home again, from the backup FILE or from your 24 words.

    It writes under a new device key. From words, the records come from the peers that
    LINK names, so give the link of any member (`weal device add` shows one).
    """
    words = words or words_file is not None
    if words == (file is not None) or words != (contact is not None):
        raise UsageError(_("give either a backup, or --words with --contact"))
    if file is not None and no_passphrase:
        raise UsageError(_("a backup keeps its passphrase; --no-passphrase goes with --words"))
    if file is not None:
        whose = _("the one of the home that was backed up")
        restored = restoration.restore_backup(
            home, file, lambda path: opened(path, passphrase_file, whose), spoken()
        )
    else:
        assert contact is not None, "words go with a contact"
        link = links.from_text(contact)
        entropy = entropy_from_phrase(read_words(words_file))
        passphrase = None if no_passphrase else chosen_passphrase(passphrase_file)
        restored = restoration.restore_words(home, entropy, link, passphrase, spoken())
    warn_if_open(home)
    if form is Form.JSON:
        return write_json(plain(restored))
    say(_("This home is yours again, with a new device: {id}.").format(id=short(restored.device)))
    if restored.state == AWAITING:
        say(_("Next: `weal up`. Once a peer has given it what it lacks, you can write."))
    return None


def read_words(path: Path | None) -> str:
    """Return what is in the file, or is typed: at the keyboard, or by a script."""
    try:
        if path is not None:
            with path.open("rb") as file:
                data = file.read(WORDS_BYTES_MAX)
        elif is_typed():
            return _typed_words()
        else:
            data = sys.stdin.buffer.read(WORDS_BYTES_MAX)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UnreadableFile(_("{path}: not UTF-8").format(path=path or "-")) from None


def _typed_words() -> str:
    """Ask for the words, on one line or on several; an empty line ends them."""
    typed, question = "", _("Your 24 words")
    while len(typed) <= PHRASE_CHARACTERS_MAX and not is_whole(typed):
        line: str = click.prompt(question, default="", show_default=False, err=True)
        typed += f"{line}\n"
        count = len(words_in(typed))
        if count and not line.strip():
            break
        question = _("{count} words so far; the next, or nothing").format(count=count)
    return typed
