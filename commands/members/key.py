"""`weal key`: another key for a member, made by the member or given by their sponsors."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.community.homes import LANGUAGES
from commonweal.client.community.key_recovery import KeyRecovery, SponsorList, new_key
from commonweal.client.language.plain import plain
from commonweal.client.language.visible_text import visible
from commonweal.commands.begin.init_found import show_words
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import (
    ask_passphrase,
    form_option,
    home_option,
    is_typed,
    make_sure,
    opened,
    passphrase_in,
    passphrase_option,
)
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.protocol.errors import PassphraseNeeded, UsageError
from commonweal.protocol.identity.key_rotation import SPONSORS_MAX
from commonweal.storage.home.home import Home


@click.group("key")
def key() -> None:
    """Change your key or passphrase, or name sponsors who can give you another key."""


@key.command("new")
@click.option("--language", type=click.Choice([*LANGUAGES]), help="The language of the 24 words.")
@form_option(Form.TEXT, Form.JSON)
def new(language: str | None, form: Form) -> None:
    """Make new words, when yours are lost, and a code by which sponsors give you their key."""
    key = new_key(language or spoken().language)
    if form is Form.JSON:
        return write_json({"words": key.words, "code": key.code})
    show_words(key.words)
    say()
    say(_("Give this code to your sponsors, by a way on which they know that it is you:"))
    say(key.code)
    say(_("Each of them types: weal key give YOUR-NAME CODE"))
    say(
        _(
            "When enough did, ask a member for the link of `weal device add --member YOUR-NAME`, "
            "and type: weal restore --words --contact LINK"
        )
    )
    return None


@key.command("change")
@click.option("--language", type=click.Choice([*LANGUAGES]), help="The language of the 24 words.")
@click.option("--yes", is_flag=True, help="Do not ask whether you wrote the words down.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def change(
    language: str | None, yes: bool, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Change your key: new words take the place of the old ones, which then open nothing more."""
    secrets, passphrase = opened(home.keystore, passphrase_file)
    key = new_key(language or spoken().language)
    with part_of(KeyRecovery, home, unlock=lambda _home: secrets) as me:
        me.check_key_change()
        if form is Form.TEXT:
            show_words(key.words)
            say()
        if not yes:
            if not is_typed():
                raise UsageError(_("say --yes when the new words may count at once"))
            click.confirm(_("Did you write them down?"), abort=True, err=True)
        written = me.change_key(key, passphrase=passphrase)
    if form is Form.JSON:
        return write_json({"id": written.id.hex(), "seq": written.seq, "words": key.words})
    say(_("Your key is changed. The old words are good for nothing now; destroy them."))
    return say(_("A further device of yours gets the new key only by the new words."))


@key.command("passphrase")
@click.option(
    "--new-passphrase-file",
    "new_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Read the new passphrase from the first line of FILE.",
)
@click.option("--no-passphrase", is_flag=True, help="Protect the keystore by its mode alone.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def passphrase_(
    new_file: Path | None, no_passphrase: bool, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Change the passphrase of this device; your words and your key stay as they are.

    Backups that were made before keep the old passphrase. A node that runs goes on.
    """
    if no_passphrase and new_file is not None:
        raise UsageError(_("give either --new-passphrase-file, or --no-passphrase"))
    _secrets, old = opened(home.keystore, passphrase_file)
    new = None if no_passphrase else _new_passphrase(new_file)
    with part_of(KeyRecovery, home) as me:
        me.change_passphrase(old, new)
    if form is Form.JSON:
        return write_json({"protected": new is not None})
    if new is None:
        return say(_("The keystore has no passphrase now; only its mode protects it."))
    return say(_("The passphrase is changed. Backups made before keep the old one."))


def _new_passphrase(new_file: Path | None) -> str:
    """Return the passphrase of a file, else the one that is typed twice."""
    if new_file is not None:
        return passphrase_in(new_file)
    if not is_typed():
        raise PassphraseNeeded(_("or say --new-passphrase-file or --no-passphrase"))
    return ask_passphrase(twice=True, question=_("New passphrase"))


@key.command("sponsors")
@click.argument("members", nargs=-1, metavar="[MEMBER]...")
@click.option("--needed", type=click.IntRange(1, SPONSORS_MAX), help="So many of them; else most.")
@click.option("--none", "nobody", is_flag=True, help="Nobody shall give you another key.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def sponsors(
    members: tuple[str, ...],
    needed: int | None,
    nobody: bool,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Name members who together can give you another key; without names, list them.

    Enough of them together can take your place, so name members that you trust.
    """
    if members and nobody:
        raise UsageError(_("give either names, or --none"))
    with part_of(KeyRecovery, home, passphrase_file) as me:
        if not members and not nobody:
            return _show_sponsors(me.sponsors(), form)
        named = me.name_sponsors(*members, needed=needed)
    if form is Form.JSON:
        return write_json({"id": named.id.hex(), "seq": named.seq, "needed": named.needed})
    if not named.count:
        return say(_("Nobody can give you another key now."))
    sentence = ngettext(
        "Named. {needed} of {n} can give you another key.",
        "Named. {needed} of {n} can give you another key.",
        named.count,
    )
    return say(sentence.format(needed=named.needed, n=named.count))


@key.command("give")
@click.argument("member")
@click.argument("code")
@click.option("--yes", is_flag=True, help="Do not ask whether the code is from MEMBER.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def give(
    member: str, code: str, yes: bool, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Say, as a sponsor, that MEMBER shall have the key of CODE, which `weal key new` showed.

    Whoever made CODE will be MEMBER: take it only from them, in person or by voice.
    """
    with part_of(KeyRecovery, home, passphrase_file) as me:
        name = me.check_key_gift(member, code)
        question = _("Did {name} give you this code in person, or by voice?")
        make_sure(question.format(name=visible(name)), yes=yes)
        statement = me.give_key(member, code)
    if form is Form.JSON:
        row = {"id": statement.id.hex(), "seq": statement.seq, "said": statement.given}
        return write_json({**row, "needed": statement.needed})
    if not statement.is_enough:
        words = _("Said. {n} of {needed} did.")
        return say(words.format(n=statement.given, needed=statement.needed))
    say(_("{name} has the new key now.").format(name=name))
    return say(_("Send them the link of: weal device add --member {name}").format(name=name))


def _show_sponsors(listed: SponsorList, form: Form) -> None:
    if form is Form.JSON:
        return write_json(plain(listed))
    if not listed.sponsors:
        return say(_("You named no sponsors. If you lose your words, nobody can help you."))
    for sponsor in listed.sponsors:
        say(visible(sponsor.name) or _("? (this key is nobody's now; name sponsors anew)"))
    enough = _("{needed} of them together can give you another key.")
    return say(enough.format(needed=listed.needed))
