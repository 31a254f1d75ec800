"""Restoring: a home again, from a backup or from the member's 24 words.

Whatever it is made from, the device is a new one with a new log, enrolled by the member's key: the
log of the lost device is read, and never written again, so nothing forks. The home writes nothing
more before it has caught up with a peer. It is made beside the place where it will be, and moved
there whole or not at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeAlias

from commonweal.client.community.standing import standing
from commonweal.client.home.submit import now_ms
from commonweal.client.keep.archive import unpack
from commonweal.client.language.words import ENGLISH, Words
from commonweal.client.ledger.names.directory import People
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    BadBackup,
    HomeTaken,
    NotPermitted,
    PassphraseNeeded,
    ReadOnlyDatabase,
)
from commonweal.protocol.identity import founding
from commonweal.protocol.identity.identity import inception_from_entropy, member_signer
from commonweal.protocol.identity.invite import CommunityLink, RekeyedMember
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey
from commonweal.protocol.ledger.members import member_keys, membership
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.files import sync
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings, new_port
from commonweal.storage.home.keystore import Secrets
from commonweal.storage.records.logs.log_store import Store
from commonweal.storage.records.seal_store import SealStore
from commonweal.storage.records.settings import RESTORING

OpenKeystore: TypeAlias = "Callable[[Path], tuple[Secrets, str | None]]"
"""Returns the secrets of a keystore file, and the passphrase that opened it, None for none."""


@dataclass(frozen=True, slots=True)
class RestoredHome:
    """A home that was made again, with a new device. state: a word of `standing.STATES`."""

    member: MemberId
    device: DeviceKey
    community: CommunityId | None
    home: Path
    state: str


def restore_backup(
    home: Home, file: Path, open_keystore: OpenKeystore, words: Words = ENGLISH
) -> RestoredHome:
    """Make the home that a backup holds. Its passphrase stays.

    open_keystore: opens the keystore of the backup. words: of what is raised. Raises HomeTaken,
    BadBackup, NotPermitted when the member's key no longer speaks for them, and what
    `keystore.unlock` raises; then nothing is made.
    """

    def fill(new: Home) -> Settings:
        unpack(file, new.path, words)
        old = new.keystore.with_name("keystore.old")
        new.keystore.rename(old)
        secrets, passphrase = open_keystore(old)
        old.unlink()
        if secrets.member_entropy is None:
            raise PassphraseNeeded(words("the backup does not hold the member's key"))
        with new.store() as store:
            settings = Settings.read(store)
            entropy = secrets.member_entropy
            rekeyed = None
            if settings.community is not None:
                state = People(store, settings.here, words=words).state
                rekeyed = member_keys.rekeyed(state, settings.member)
            if not rekeyed and settings.member != inception_from_entropy(entropy).member:
                raise BadBackup(words("its keys are not those of its member"))
            alone = settings.community is None or _is_alone(store, settings, entropy, words)
            return _begin(new, store, settings, entropy, passphrase, rekeyed, alone=alone)

    return _restored(home, create_whole(home, fill), words)


def restore_words(
    home: Home,
    entropy: bytes,
    link: CommunityLink,
    passphrase: str | None,
    words: Words = ENGLISH,
) -> RestoredHome:
    """Make a home of the member whose 24 words stand for `entropy`; raises what `from_words` does.

    passphrase: of the new keystore; None leaves it protected by its mode alone.
    """
    return _restored(home, from_words(home, entropy, link, passphrase), words)


def from_words(
    home: Home,
    entropy: bytes,
    link: CommunityLink,
    passphrase: str | None,
    bring: Callable[[Home], None] | None = None,
) -> Settings:
    """Make a home of the member with these words; return its settings. It awaits their records.

    entropy: what the 24 words stand for. link: of any member; it names the member if their key was
    changed. bring: puts what else it keeps into it. Raises HomeTaken, a StorageError or what
    `bring` raises; then nothing is made.
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
            begun = _begin(new, store, blank, entropy, passphrase, rekeyed)
            if bring is not None:
                bring(new)
            return begun
        finally:
            store.close()

    return create_whole(home, fill)


def create_whole(home: Home, fill: Callable[[Home], Settings]) -> Settings:
    """Let `fill` make a home in a folder beside its place; move it there, whole.

    Raises HomeTaken where something is there, ReadOnlyDatabase where the disk takes nothing.
    """
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
    return settings


def _restored(home: Home, settings: Settings, words: Words) -> RestoredHome:
    with home.store(readonly=True) as store:
        community = settings.community
        people = People(store, community, words=words) if community else None
        state = standing(store, settings, people)
    return RestoredHome(settings.member, settings.device, community, home.path, state)


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
    settings = settings._replace(device=DeviceKey(signer.key), port=new_port(), link=None)
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


def _is_alone(store: Store, settings: Settings, entropy: bytes, words: Words) -> bool:
    """Whether the member is the only one. Raises NotPermitted if they may enrol no device."""
    people = People(store, settings.here, words=words)
    active = membership.active(people.state, settings.member)
    if active is None:
        raise NotPermitted(words("the backup is of one who is no member; ask for a new invite"))
    known, threshold = active
    if threshold > 1 or MemberKey(member_signer(entropy).key) not in known:
        raise NotPermitted(words("the member's key was changed after it was written down"))
    return all(member.id == settings.member for member in people.members())
