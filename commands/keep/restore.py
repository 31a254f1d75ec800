"""`weal restore`: a home again, from a backup or from the member's 24 words.

Whatever it is made from, the device is a new one with a new log, enrolled by the member's
key: the log of the lost device is read, and never written again, so nothing forks. The
home writes nothing more before it has caught up with a peer. It is made beside the place
where it will be, and moved there whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import click

from commonweal.client.community.standing import AWAITING, standing
from commonweal.client.home.submit import now_ms
from commonweal.client.keep.archive import unpack
from commonweal.client.ledger.directory import People
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
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    BadBackup,
    HomeTaken,
    NotPermitted,
    PassphraseNeeded,
    ReadOnlyDatabase,
    UnreadableFile,
    UsageError,
)
from commonweal.protocol.identity import founding
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity.identity import (
    PHRASE_CHARACTERS_MAX,
    entropy_from_phrase,
    inception_from_entropy,
    member_signer,
)
from commonweal.protocol.identity.invite import CommunityLink, RekeyedMember
from commonweal.protocol.keys import DeviceKey, MemberKey, short
from commonweal.protocol.ledger.members import member_keys, membership
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.files import sync
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings, new_port
from commonweal.storage.home.keystore import Secrets
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.seal_store import SealStore
from commonweal.storage.records.settings import RESTORING

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
        settings = from_backup(home, file, passphrase_file)
    else:
        assert contact is not None, "words go with a contact"
        link = links.from_text(contact)
        entropy = entropy_from_phrase(read_words(words_file))
        passphrase = None if no_passphrase else chosen_passphrase(passphrase_file)
        settings = from_words(home, entropy, link, passphrase)
    with home.store(readonly=True) as store:
        people = People(store, settings.community, words=spoken()) if settings.community else None
        state = standing(store, settings, people)
    if form is Form.JSON:
        community = settings.community and settings.community.hex()
        ids = {"member": settings.member.hex(), "device": settings.device.hex()}
        return write_json({**ids, "community": community, "home": str(home), "state": state})
    say(_("This home is yours again, with a new device: {id}.").format(id=short(settings.device)))
    if state == AWAITING:
        say(_("Next: `weal up`. Once a peer has given it what it lacks, you can write."))
    return None


def from_backup(home: Home, file: Path, passphrase_file: Path | None) -> Settings:
    """Make the home that `file` holds; return its settings. Its passphrase stays.

    Raises HomeTaken, BadBackup, NotPermitted when the member's key no longer speaks for
    them, and what `keystore.unlock` raises; then nothing is made.
    """

    def fill(new: Home) -> Settings:
        unpack(file, new.path)
        old = new.keystore.with_name("keystore.old")
        new.keystore.rename(old)
        secrets, passphrase = opened(
            old, passphrase_file, _("the one of the home that was backed up")
        )
        old.unlink()
        if secrets.member_entropy is None:
            raise PassphraseNeeded(_("the backup does not hold the member's key"))
        with new.store() as store:
            settings = Settings.read(store)
            entropy = secrets.member_entropy
            rekeyed = None
            if settings.community is not None:
                state = People(store, settings.here, words=spoken()).state
                rekeyed = member_keys.rekeyed(state, settings.member)
            if not rekeyed and settings.member != inception_from_entropy(entropy).member:
                raise BadBackup(_("its keys are not those of its member"))
            alone = settings.community is None or _is_alone(store, settings, entropy)
            return _begin(new, store, settings, entropy, passphrase, rekeyed, alone=alone)

    return made(home, fill)


def from_words(home: Home, entropy: bytes, link: CommunityLink, passphrase: str | None) -> Settings:
    """Make a home of the member with these words; return its settings. It awaits their records.

    The link names the member if their key was changed. Raises HomeTaken or a StorageError; then
    nothing is made.
    """
    rekeyed = link.rekeyed
    member = rekeyed.member if rekeyed else inception_from_entropy(entropy).member

    def fill(new: Home) -> Settings:
        store = new.create_store()
        try:
            for contact in link.contacts:
                store.meet(contact)
            SealStore(store, link.community).put_trusted_seal(link.height, link.seal)
            blank = Settings("", member, DeviceKey(b""), link.community)
            return _begin(new, store, blank, entropy, passphrase, rekeyed)
        finally:
            store.close()

    return made(home, fill)


def read_words(path: Path | None) -> str:
    """Return what is in the file, or is typed: at the keyboard, or by a script."""
    try:
        if path is not None:
            with path.open("rb") as file:
                data = file.read(WORDS_BYTES_MAX)
        elif is_typed():
            typed: str = click.prompt(_("Your 24 words"), err=True)
            return typed
        else:
            data = sys.stdin.buffer.read(WORDS_BYTES_MAX)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UnreadableFile(_("{path}: not UTF-8").format(path=path or "-")) from None


def _begin(
    new: Home,
    store: Store,
    settings: Settings,
    entropy: bytes,
    passphrase: str | None,
    rekeyed: RekeyedMember | None,
    *,
    alone: bool = False,
) -> Settings:
    """Give a home a new device: its keystore, its settings, the first record of its log.

    alone: nobody else has records of this community, so there is nobody to wait for.
    """
    seed = os.urandom(keys.SEED_BYTES)
    signer = keys.device_signer(seed)
    settings = replace(settings, device=DeviceKey(signer.key), port=new_port(), link=None)
    settings.put(store)
    if settings.community is not None:
        host = keys.peer_signer(seed)
        owner = (member_signer(entropy), inception_from_entropy(entropy))
        now = now_ms()
        community = CommunityId(settings.community)
        first = founding.enrol(*owner, signer, host, community, now, rekeyed)
        store.append(settings.device, [first])
        store.mark_checked(settings.device, 1)
        store.put_setting(RESTORING, None if alone else b"\x01")
    store.commit()
    keystore.create(new.keystore, Secrets(seed, entropy), passphrase)
    return settings


def _is_alone(store: Store, settings: Settings, entropy: bytes) -> bool:
    """Whether the member is the only one. Raises NotPermitted if they may enrol no device."""
    people = People(store, settings.here, words=spoken())
    active = membership.active(people.state, settings.member)
    if active is None:
        raise NotPermitted(_("the backup is of one who is no member; ask for a new invite"))
    known, threshold = active
    if threshold > 1 or MemberKey(member_signer(entropy).key) not in known:
        raise NotPermitted(_("the member's key was changed after it was written down"))
    return all(member.id == settings.member for member in people.members())


def made(home: Home, fill: Callable[[Home], Settings]) -> Settings:
    """Let `fill` make a home in a folder beside its place; move it there, whole."""
    place = home.path
    try:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise HomeTaken(str(place))
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    except OSError as error:
        raise ReadOnlyDatabase(f"{place}: {error.strerror}") from error
    try:
        settings = fill(Home(draft))
        draft.rename(place)
        sync(place.parent)
    except OSError as error:
        raise ReadOnlyDatabase(f"{place}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            shutil.rmtree(draft)
    warn_if_open(home)
    return settings
