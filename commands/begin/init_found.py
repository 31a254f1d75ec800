"""`weal init` and `weal found`: a home, a member, a community."""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from pathlib import Path

import click

from commonweal.client.submit import now_ms
from commonweal.client.visible_text import visible
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.options import (
    ask_passphrase,
    form_option,
    given_passphrase,
    home_option,
    is_typed,
    passphrase_option,
    unlock,
)
from commonweal.commands.terminal.output import Form, say, warn, write_json
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    CommonwealError,
    InCommunityAlready,
    PassphraseNeeded,
    UnusableText,
)
from commonweal.protocol.identity import founding
from commonweal.protocol.identity.identity import (
    ENTROPY_BYTES,
    NONCE_BYTES,
    WORDS,
    Language,
    inception_from_entropy,
    member_signer,
    phrase_from_entropy,
)
from commonweal.protocol.records.record import SALT_BYTES, community_of
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings, new_port
from commonweal.storage.home.keystore import Secrets

NAME_CHARS_MAX = 80
WORDS_PER_LINE = 4

LANGUAGES = {"en": Language.ENGLISH, "zh": Language.CHINESE}


@click.command("init")
@click.option("--name", required=True, help="The name by which the others know you.")
@passphrase_option
@click.option("--no-passphrase", is_flag=True, help="Protect the keystore by its mode alone.")
@click.option("--language", type=click.Choice([*LANGUAGES]), help="The language of the 24 words.")
@home_option
@form_option(Form.TEXT, Form.JSON)
def init(
    name: str,
    passphrase_file: Path | None,
    no_passphrase: bool,
    language: str | None,
    home: Home,
    form: Form,
) -> None:
    """Make a home, with a new member and a device.

    Prints the member's 24 words, once: whoever has them is the member.
    """
    passphrase = None if no_passphrase else chosen_passphrase(passphrase_file)
    settings, words = make_home(home, name, passphrase, language)
    if form is Form.JSON:
        write_json(
            {
                "home": str(home),
                "member": settings.member.hex(),
                "device": settings.device.hex(),
                "words": words,
            }
        )
        return
    show_words(words)
    say()
    say(_("Next: `weal found NAME` founds a community; `weal join LINK` asks to join one."))


@click.command("found")
@click.argument("name")
@click.option(
    "--rules",
    metavar="RULES",
    help="The rules to begin with: a template of `weal rules template`, a file, or none.",
)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def found(
    name: str, rules: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Found a community called NAME, and be its first member."""
    settings = found_community(home, name, passphrase_file, rules)
    if form is Form.JSON:
        write_json({"community": settings.here.hex(), "name": checked_name(name)})
        return
    say(_("Founded {name}.").format(name=visible(checked_name(name))))
    say(_("Next: `weal up` starts your node, `weal invite create` makes a link for others."))


def make_home(
    home: Home, name: str, passphrase: str | None, language: str | None = None
) -> tuple[Settings, str]:
    """Make a home with a new member called `name`; return its settings and the 24 words.

    Raises UnusableText, KeystoreExists or a StorageError; then no home was made.
    """
    name = checked_name(name)
    entropy, seed = os.urandom(ENTROPY_BYTES), os.urandom(keys.SEED_BYTES)
    words = phrase_from_entropy(
        entropy, LANGUAGES[language or ("zh" if spoken().is_chinese else "en")]
    )
    member = inception_from_entropy(entropy).member
    device = keys.DeviceKey(keys.device_signer(seed).key)
    settings = Settings(name, member, device, port=new_port())
    home.create()
    warn_if_open(home)
    keystore.create(home.keystore, Secrets(seed, entropy), passphrase)
    try:
        store = home.create_store()
        try:
            settings.put(store)
            store.commit()
        finally:
            store.close()
    except CommonwealError:
        with suppress(OSError):
            home.keystore.unlink()
        raise
    return settings, words


def warn_if_open(home: Home) -> None:
    """Say so when other users could take a home away."""
    if (folder := home.open_to_others()) is not None:
        warn(_("Other users can write in {path}, and so take this home away.").format(path=folder))
        warn(_("Take that right from them (chmod go-w), or choose another home."))


def found_community(
    home: Home, name: str, passphrase_file: Path | None, rules: str | None = None
) -> Settings:
    """Write a founding record and the founder's profile; return the home's new settings.

    rules: a template's name, a file's, or none, which stands for None too. Raises BadRuleset.
    """
    from commonweal.commands.decide.rule_templates import NO_RULES, document_of_rules

    name = checked_name(name)
    document = document_of_rules(NO_RULES if rules is None else rules)
    with home.lock(), home.store() as store:
        settings = Settings.read(store)
        if settings.community is not None:
            raise InCommunityAlready(settings.community.hex()[:8])
        secrets = unlock(home, passphrase_file)
        if secrets.member_entropy is None:
            raise PassphraseNeeded(_("this device does not hold the member's key"))
        signer = keys.device_signer(secrets.device_seed)
        now = now_ms()
        founded = founding.found(
            member_signer(secrets.member_entropy),
            inception_from_entropy(secrets.member_entropy),
            signer,
            keys.peer_signer(secrets.device_seed),
            os.urandom(NONCE_BYTES),
            name,
            now,
            document,
        )
        first = founded.record
        community = community_of(first)
        salt = os.urandom(SALT_BYTES)
        profile = founding.profile(
            signer, community, founding.tip_after(first), settings.name, salt, now
        )
        run = [first, profile.record]
        bodies = {one.record.body.hash: one.body for one in (founded, profile) if one.record.body}
        store.append(settings.device, run, bodies)
        store.mark_checked(settings.device, len(run))
        settings = Settings(
            settings.name, settings.member, settings.device, community, settings.port
        )
        settings.put(store)
        store.commit()
    return settings


def checked_name(name: str) -> str:
    """Return a name as it is kept. Raises UnusableText for nothing, too much, or controls."""
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= NAME_CHARS_MAX or visible(name) != name:
        raise UnusableText(
            _("a name has 1 to {most} characters, all visible").format(most=NAME_CHARS_MAX)
        )
    return name


def chosen_passphrase(passphrase_file: Path | None) -> str:
    """Return the passphrase for a new keystore, asking twice where nothing gives it."""
    given = given_passphrase(passphrase_file)
    if given is not None:
        return given
    if not is_typed():
        raise PassphraseNeeded(_("or say --no-passphrase"))
    return ask_passphrase(twice=True)


def show_words(words: str) -> None:
    """Show the 24 words with their numbers."""
    listed = words.split()
    say(_("Your {count} words. Write them down on paper, now:").format(count=WORDS))
    say()
    widest = max(map(len, listed))
    for start in range(0, len(listed), WORDS_PER_LINE):
        numbered = enumerate(listed[start : start + WORDS_PER_LINE], start + 1)
        cells = (f"{number:2} {word:<{widest}}" for number, word in numbered)
        say(f"  {'  '.join(cells)}".rstrip())
    say()
    say(_("They are not shown again. Whoever has them is you; without them a lost device is lost."))
