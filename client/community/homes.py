"""Homes: made with a new member and a device, and made to found a community."""

from __future__ import annotations

import hmac
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from commonweal.client.governance.rule_templates import NO_RULES, document_of_rules
from commonweal.client.home.submit import Unlock, now_ms, without_passphrase
from commonweal.client.language.words import ENGLISH, Words, words_in
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    CommonwealError,
    InCommunityAlready,
    KeystoreMissing,
    PassphraseNeeded,
    UnusableText,
)
from commonweal.protocol.identity import founding
from commonweal.protocol.identity.identity import (
    ENTROPY_BYTES,
    NONCE_BYTES,
    inception_from_entropy,
    member_signer,
)
from commonweal.protocol.identity.phrase import Language, entropy_from_phrase, phrase_from_entropy
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import SALT_BYTES, community_of
from commonweal.protocol.vocabulary.identifiers import (
    NAME_CHARACTERS_MAX,
    displayed_name,
    normal_name,
)
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings, new_port
from commonweal.storage.home.keystore import Secrets

UNCONFIRMED = "home.words_unconfirmed"
"""Setting of a home whose words are not on paper yet: the language of the words."""

LANGUAGES = {"en": Language.ENGLISH, "zh": Language.CHINESE}
"""Languages of the 24 words."""


@dataclass(frozen=True, slots=True)
class NewHome:
    """A home that was made. words: the member's 24 words, which are kept nowhere else."""

    member: MemberId
    device: keys.DeviceKey
    words: str


def create_home(
    folder: Path | str, name: str, *, passphrase: str | None = None, language: str = "en"
) -> NewHome:
    """Make a home in `folder`, with a new member called `name` and a device.

    passphrase: of the keystore, None for none. language: of the 24 words and of errors, "en" or
    "zh". Raises UnusableText, KeystoreExists, or a StorageError; then no home is made.
    """
    words = words_in(language)
    settings, phrase = make_home(Home(folder), name, passphrase, words.language, words)
    return NewHome(settings.member, settings.device, phrase)


def make_home(
    home: Home,
    name: str,
    passphrase: str | None,
    language: str = "en",
    words: Words = ENGLISH,
    *,
    is_guided: bool = False,
) -> tuple[Settings, str]:
    """Make a home with a new member called `name`; return its settings and the 24 words.

    language: of the 24 words, a key of LANGUAGES; words: of what is raised. is_guided: the words
    are shown again until the member says that they are on paper; see `unconfirmed_words`.

    The keystore is written last, and without it a home is not made: a killed process leaves
    nothing that is in the way. Raises UnusableText, KeystoreExists, KeystoreMissing where the
    records of another member are, or a StorageError; then no home was made.
    """
    name = checked_name(name, words)
    entropy, seed = os.urandom(ENTROPY_BYTES), os.urandom(keys.SEED_BYTES)
    phrase = phrase_from_entropy(entropy, LANGUAGES[language])
    member = inception_from_entropy(entropy).member
    device = keys.DeviceKey(keys.device_signer(seed).key)
    settings = Settings(name, member, device, port=new_port())
    home.create()
    is_new = not home.exists()
    try:
        store = home.create_store()
        try:
            if store.counts().records:
                raise KeystoreMissing(str(home.keystore))
            settings.put(store)
            store.put_setting(UNCONFIRMED, language.encode() if is_guided else None)
            store.commit()
        finally:
            store.close()
        keystore.create(home.keystore, Secrets(seed, entropy), passphrase)
    except CommonwealError:
        if is_new:
            with suppress(OSError):
                home.database.unlink(missing_ok=True)
        raise
    return settings, phrase


def is_made(home: Home) -> bool:
    """Whether a home is complete; one without a keystore and records was never finished."""
    if not home.exists() or os.path.lexists(home.keystore):
        return home.exists()
    with home.store(readonly=True) as store:
        return store.counts().records > 0


def unconfirmed_words(home: Home, unlock: Unlock = without_passphrase) -> str | None:
    """Return the 24 words where the member has not said that they are on paper; else None.

    They are worked out from the key in the keystore, which `unlock` opens.
    """
    with home.store(readonly=True) as store:
        language = store.setting(UNCONFIRMED)
    if language is None:
        return None
    entropy = unlock(home).member_entropy
    return None if entropy is None else phrase_from_entropy(entropy, LANGUAGES[language.decode()])


def are_own_words(home: Home, phrase: str, unlock: Unlock = without_passphrase) -> bool:
    """Return whether 24 words, as they are typed, are those of this home's member.

    Raises what `entropy_from_phrase` raises, and PassphraseNeeded where this device does not hold
    the member's key.
    """
    entropy = entropy_from_phrase(phrase)
    own = unlock(home).member_entropy
    if own is None:
        raise PassphraseNeeded(str(home.keystore))
    return hmac.compare_digest(entropy, own)


def confirm_words(home: Home) -> None:
    """Note that the words are on paper, so that no command shows them again. Raises HomeInUse."""
    with home.lock(), home.store() as store:
        store.put_setting(UNCONFIRMED, None)
        store.commit()


def found_community(
    home: Home,
    name: str,
    unlock: Unlock = without_passphrase,
    rules: str | None = None,
    words: Words = ENGLISH,
) -> Settings:
    """Write a founding record and the founder's profile; return the home's new settings.

    rules: a template's name, a file's, or none, which stands for None too. Raises BadRuleset.
    """
    name = checked_name(name, words)
    document = document_of_rules(NO_RULES if rules is None else rules)
    with home.lock(), home.store() as store:
        settings = Settings.read(store)
        if settings.community is not None:
            raise InCommunityAlready(settings.community.hex()[:8])
        secrets = unlock(home)
        if secrets.member_entropy is None:
            raise PassphraseNeeded(words("this device does not hold the member's key"))
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
        bodies = {
            written.record.body.hash: written.body
            for written in (founded, profile)
            if written.record.body
        }
        store.append(settings.device, run, bodies)
        store.mark_checked(settings.device, len(run))
        settings = Settings(
            settings.name, settings.member, settings.device, community, settings.port
        )
        settings.put(store)
        store.commit()
    return settings


def checked_name(name: str, words: Words = ENGLISH) -> str:
    """Return a name in the one form that is kept. Raises UnusableText for nothing, or controls."""
    plain = normal_name(name)
    if not plain or displayed_name(plain) != plain:
        raise UnusableText(
            words("a name has 1 to {most} characters, all visible").format(most=NAME_CHARACTERS_MAX)
        )
    return plain
