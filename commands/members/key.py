"""`weal key`: another key for a member, by himself or by the sponsors whom he named.

A member's id stays; his 24 words become others. Nothing here writes a secret anywhere but
into the keystore, and shows new words once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from commonweal.client.community.homes import LANGUAGES
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.ledger_view import LedgerView, submit
from commonweal.commands.begin.init_found import show_words
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    is_typed,
    opened,
    passphrase_option,
    unlock,
    unlocking,
)
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.protocol.errors import (
    CommonwealError,
    NotPermitted,
    NotReachable,
    PassphraseNeeded,
    UsageError,
)
from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import (
    ENTROPY_BYTES,
    NONCE_BYTES,
    Inception,
    inception_from_entropy,
    member_signer,
    phrase_from_entropy,
)
from commonweal.protocol.identity.key_rotation import SPONSORS_MAX, MemberKeys
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey, Signer
from commonweal.protocol.ledger.members import member_keys, membership
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home


@click.group("key")
def key() -> None:
    """Change your key, or name sponsors who can give you another when you lost it."""


@key.command("new")
@click.option("--language", type=click.Choice([*LANGUAGES]), help="The language of the 24 words.")
@form_option(Form.TEXT, Form.JSON)
def new(language: str | None, form: Form) -> None:
    """Make new words, when yours are lost, and a code by which sponsors give you their key."""
    entropy = os.urandom(ENTROPY_BYTES)
    words = _words(entropy, language)
    code = key_rotation.key_to_text(inception_from_entropy(entropy))
    if form is Form.JSON:
        return write_json({"words": words, "code": code})
    show_words(words)
    say()
    say(_("Give this code to your sponsors, by a way on which they know that it is you:"))
    say(code)
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
    from commonweal.node.service.events import Wish

    secrets, passphrase = opened(home.keystore, passphrase_file)
    entropy = os.urandom(ENTROPY_BYTES)
    words, wanted = _words(entropy, language), inception_from_entropy(entropy)
    with folded(home) as found:
        signer = speaking(found, secrets.member_entropy)
        place = (_keys(found, found.me), found.community, wanted, _devices(found, found.me))
        data = key_rotation.sign_rekey(signer, *place)
        if form is Form.TEXT:
            show_words(words)
            say()
        if not yes:
            if not is_typed():
                raise UsageError(_("say --yes when the new words may count at once"))
            click.confirm(_("Did you write them down?"), abort=True, err=True)
        # Kept before it counts: a key that counts and is kept nowhere would be lost for ever.
        keystore.change_member(home.keystore, passphrase, entropy)
        try:
            (written,) = submit(found, [Wish(key_rotation.REKEY, data)], unlocking(passphrase_file))
        except NotReachable:
            raise  # it may be written all the same
        except CommonwealError:
            assert secrets.member_entropy is not None, "it spoke for the member"
            keystore.change_member(home.keystore, passphrase, secrets.member_entropy)
            raise
    if form is Form.JSON:
        return write_json({"id": written.id.hex(), "seq": written.seq, "words": words})
    say(_("Your key is changed. The old words are good for nothing now; destroy them."))
    return say(_("A further device of yours gets the new key only by the new words."))


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
    from commonweal.node.service.events import Wish

    if members and nobody:
        raise UsageError(_("give either names, or --none"))
    with folded(home) as found:
        old = _keys(found, found.me)
        if not members and not nobody:
            return _listed(found, old, form)
        circle = _circle(found, [*map(found.member, members)], needed) if members else None
        signer = speaking(found, unlock(home, passphrase_file).member_entropy)
        data = key_rotation.sign_sponsors(signer, old, found.community, circle)
        (written,) = submit(found, [Wish(key_rotation.SPONSORS, data)], unlocking(passphrase_file))
    if form is Form.JSON:
        enough = circle.threshold if circle else 0
        return write_json({"id": written.id.hex(), "seq": written.seq, "needed": enough})
    if circle is None:
        return say(_("Nobody can give you another key now."))
    count = len(circle.keys)
    words = ngettext(
        "Named. {needed} of {n} can give you another key.",
        "Named. {needed} of {n} can give you another key.",
        count,
    )
    return say(words.format(needed=circle.threshold, n=count))


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
    from commonweal.node.service.events import Wish

    wanted = key_rotation.key_from_text(code)
    with folded(home) as found:
        whom = found.member(member)
        old, name = _keys(found, whom), found.name(whom)
        signer = speaking(found, unlock(home, passphrase_file).member_entropy)
        named = member_keys.naming(found.state, whom)
        if named is None or not old.sponsors or MemberKey(signer.key) not in old.sponsors.keys:
            raise NotPermitted(_("{name} did not name you as a sponsor").format(name=name))
        if not yes:
            if not is_typed():
                raise UsageError(_("say --yes when you mean it"))
            question = _("Did {name} give you this code in person, or by voice?")
            click.confirm(question.format(name=visible(name)), abort=True, err=True)
        staying = _devices(found, whom)
        data = key_rotation.sign_rekey(signer, old, found.community, wanted, staying)
        (written,) = submit(
            found, [Wish(key_rotation.REKEY, data, (named,))], unlocking(passphrase_file)
        )
    said = {one for one, document in old.words if document == wanted.to_bytes()}
    count, enough = len(said | {MemberKey(signer.key)}), old.sponsors.threshold
    if form is Form.JSON:
        return write_json(
            {"id": written.id.hex(), "seq": written.seq, "said": count, "needed": enough}
        )
    if count < enough:
        return say(_("Said. {n} of {needed} did.").format(n=count, needed=enough))
    say(_("{name} has the new key now.").format(name=name))
    return say(_("Send them the link of: weal device add --member {name}").format(name=name))


def speaking(found: LedgerView, entropy: bytes | None) -> Signer:
    """Return the key of `entropy`, which speaks for the member of this home.

    Raises PassphraseNeeded where there is none, NotPermitted when the member has others.
    """
    if entropy is None:
        raise PassphraseNeeded(_("this device does not hold the member's key"))
    signer = member_signer(entropy)
    known = membership.active(found.state, found.me)
    if known is None:
        raise NotPermitted(_("you are no member now"))
    if MemberKey(signer.key) not in known[0]:
        raise NotPermitted(_("your key was changed; this device holds the old one"))
    return signer


def _keys(found: LedgerView, member: MemberId) -> MemberKeys:
    keys = member_keys.keys_of(found.state, member)
    if keys is None:
        raise NotPermitted(_("{name} is no member now").format(name=found.name(member)))
    return keys


def _devices(found: LedgerView, member: MemberId) -> list[DeviceKey]:
    """Return the devices of a member that write for him now."""
    known = membership.devices(found.state, member)
    return [one.key for one in known if one.status == "active"]


def _words(entropy: bytes, language: str | None) -> str:
    return phrase_from_entropy(
        entropy, LANGUAGES[language or ("zh" if spoken().is_chinese else "en")]
    )


def _circle(found: LedgerView, whom: list[MemberId], needed: int | None) -> Inception:
    """Return the document that names these members; without `needed`, more than half of them."""
    keys: list[MemberKey] = []
    for one in dict.fromkeys(whom):
        known = _keys(found, one)
        if one == found.me:
            raise UsageError(_("you cannot be your own sponsor"))
        if len(known.keys) > 1:
            words = _("{name} has several keys; name a person")
            raise UsageError(words.format(name=found.name(one)))
        keys += known.keys
    if len(keys) > SPONSORS_MAX:
        raise UsageError(_("at most {n} sponsors").format(n=SPONSORS_MAX))
    enough = needed or len(keys) // 2 + 1
    if enough > len(keys):
        raise UsageError(_("more are needed than are named"))
    return Inception(tuple(sorted(keys)), enough, os.urandom(NONCE_BYTES))


def _listed(found: LedgerView, old: MemberKeys, form: Form) -> None:
    circle = old.sponsors
    whose = {one: each.id for each in membership.members(found.state) for one in each.keys}
    keys = circle.keys if circle else ()
    rows: list[dict[str, Any]] = [
        {
            "key": one.hex(),
            "member": whose[one].hex() if one in whose else None,
            "name": found.name(whose[one]) if one in whose else "",
        }
        for one in keys
    ]
    enough = circle.threshold if circle else 0
    if form is Form.JSON:
        return write_json({"sponsors": rows, "needed": enough})
    if not rows:
        return say(_("You named no sponsors. If you lose your words, nobody can help you."))
    for row in rows:
        say(visible(row["name"]) or _("? (this key is nobody's now; name sponsors anew)"))
    return say(_("{needed} of them together can give you another key.").format(needed=enough))
