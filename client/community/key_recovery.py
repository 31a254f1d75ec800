"""Keys of a member: another key, by the member or by sponsors, and the end of a device.

A member keeps their id; their 24 words become others. A secret is written nowhere but into the
keystore, and new words are returned once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from commonweal.client.access import HomeAccess
from commonweal.client.community.homes import LANGUAGES
from commonweal.client.home.submit import WrittenRecord
from commonweal.client.ledger.names.directory import begins
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    CommonwealError,
    NotPermitted,
    NotReachable,
    PassphraseNeeded,
    UnknownId,
    UsageError,
)
from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import (
    ENTROPY_BYTES,
    NONCE_BYTES,
    Inception,
    inception_from_entropy,
    member_signer,
)
from commonweal.protocol.identity.key_rotation import SPONSORS_MAX, MemberKeys
from commonweal.protocol.identity.phrase import entropy_from_phrase, phrase_from_entropy
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey, Signer
from commonweal.protocol.ledger.members import member_keys, membership
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home import keystore


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that counts for nothing yet. words: the 24 words; code: its public part, for sponsors.

    entropy: the secret that the words stand for.
    """

    words: str = field(repr=False)
    code: str
    entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sponsor:
    """A key that may give this member another one. member: who holds it now, None for nobody."""

    key: MemberKey
    member: MemberId | None
    name: str


@dataclass(frozen=True, slots=True)
class SponsorList:
    """The sponsors of a member. needed: how many together give another key; 0 without sponsors."""

    sponsors: tuple[Sponsor, ...]
    needed: int


@dataclass(frozen=True, slots=True)
class NamedSponsors:
    """A record that names sponsors. count, needed: how many, and how many act together."""

    id: RecordId
    seq: int
    count: int
    needed: int


@dataclass(frozen=True, slots=True)
class KeyStatement:
    """A sponsor's statement that a member shall have a key. given, needed: statements so far."""

    id: RecordId
    seq: int
    member: MemberId
    name: str
    given: int
    needed: int

    @property
    def is_enough(self) -> bool:
        """Whether the member has the new key now."""
        return self.given >= self.needed


@dataclass(frozen=True, slots=True)
class DeviceRevocation:
    """The end of a device. last: the number of its last record that counts."""

    id: RecordId
    device: DeviceKey
    last: int
    seq: int


def new_key(language: str = "en") -> NewKey:
    """Return a key for a member who lost theirs, or wants another. language: of the 24 words."""
    entropy = os.urandom(ENTROPY_BYTES)
    return _key_of(phrase_from_entropy(entropy, LANGUAGES[language]), entropy)


def key_of_words(words: str) -> NewKey:
    """Return the key that 24 words stand for. Raises BadPhrase."""
    return _key_of(words, entropy_from_phrase(words))


def _key_of(words: str, entropy: bytes) -> NewKey:
    return NewKey(words, key_rotation.key_to_text(inception_from_entropy(entropy)), entropy)


class KeyRecovery(HomeAccess):
    """The key of this member, their sponsors and their devices."""

    def check_key_change(self) -> None:
        """Raise PassphraseNeeded or NotPermitted where `change_key` would."""
        self._signer()

    def change_key(self, key: NewKey, *, passphrase: str | None = None) -> WrittenRecord:
        """Let a new key take the place of the old one, which then opens nothing more.

        passphrase: of the keystore; None where it has none. Raises PassphraseNeeded, NotPermitted,
        WouldNotCount. The keystore keeps the old key when nothing was written.
        """
        view = self.view
        old = self._unlock(self.home).member_entropy
        signer = self._signer_of(old)
        assert old is not None, "it signs for the member"
        wanted = inception_from_entropy(key.entropy)
        parts = (self._keys(view.me), view.community, wanted, self._devices(view.me))
        data = key_rotation.sign_rekey(signer, *parts)
        # Kept before it counts: a key that counts and is kept nowhere would be lost for ever.
        keystore.change_member(self.home.keystore, passphrase, key.entropy)
        try:
            return self._write_one(key_rotation.REKEY, data)
        except NotReachable:
            raise  # it may be written all the same
        except CommonwealError:
            keystore.change_member(self.home.keystore, passphrase, old)
            raise

    def change_passphrase(self, old: str | None, new: str | None) -> None:
        """Protect the keystore by `new` in place of `old`; None: by no passphrase, its mode alone.

        The old file stays until the new one is on the disk; a running node is not concerned.
        Raises WrongPassphrase, PassphraseNeeded, UnusablePassphrase, or a StorageError.
        """
        keystore.change_passphrase(self.home.keystore, old, new)

    def sponsors(self) -> SponsorList:
        """Return the keys that together may give this member another key. Raises NotPermitted."""
        view = self.view
        circle = self._keys(view.me).sponsors
        if circle is None:
            return SponsorList((), 0)
        owners = {
            key: member.id for member in membership.members(view.state) for key in member.keys
        }
        listed = tuple(
            Sponsor(key, owners.get(key), view.name(owners.get(key))) for key in circle.keys
        )
        return SponsorList(listed, circle.threshold)

    def name_sponsors(self, *members: str, needed: int | None = None) -> NamedSponsors:
        """Name members who together can give this one another key; without names, nobody can.

        needed: how many of them, at least 1; None for more than half. Raises UsageError,
        UnknownId, AmbiguousId, NotPermitted.
        """
        view = self.view
        old = self._keys(view.me)
        circle = self._circle([*map(view.member, members)], needed) if members else None
        data = key_rotation.sign_sponsors(self._signer(), old, view.community, circle)
        written = self._write_one(key_rotation.SPONSORS, data)
        if circle is None:
            return NamedSponsors(written.id, written.seq, 0, 0)
        return NamedSponsors(written.id, written.seq, len(circle.keys), circle.threshold)

    def check_key_gift(self, member: str, code: str) -> str:
        """Return the name of the member that `give_key` would give the key of `code`.

        Raises what `give_key` raises because of the ledger; it needs no passphrase.
        """
        key_rotation.key_from_text(code)
        owner = self.view.member(member)
        self._naming(owner, self._active_keys())
        return self.view.name(owner)

    def give_key(self, member: str, code: str) -> KeyStatement:
        """Say, as a sponsor, that a member shall have the key of `code`: that of a `NewKey`.

        The maker of the code will be that member. Raises NotPermitted when they did not name this
        member as a sponsor, PassphraseNeeded, UnknownId, AmbiguousId.
        """
        wanted = key_rotation.key_from_text(code)
        view = self.view
        owner = view.member(member)
        old, name = self._keys(owner), view.name(owner)
        signer = self._signer()
        own = MemberKey(signer.key)
        named, circle = self._naming(owner, {own})
        data = key_rotation.sign_rekey(signer, old, view.community, wanted, self._devices(owner))
        written = self._write_one(key_rotation.REKEY, data, (named,))
        document = wanted.to_bytes()
        agreeing = {sponsor for sponsor, stated in old.words if stated == document} | {own}
        return KeyStatement(written.id, written.seq, owner, name, len(agreeing), circle.threshold)

    def revoke_device(self, device: str) -> DeviceRevocation:
        """End a device of this member, after its last record that is held here.

        device: how its id begins. Raises UnknownId, AmbiguousId, PassphraseNeeded, and NotPermitted
        for the device of this home.
        """
        view = self.view
        settings = view.settings
        own = membership.devices(view.state, settings.member)
        key = begins((row.key for row in own), device)
        log = view.store.log(key)
        signer = self._signer()
        if key == settings.device:
            text = self.words("this is the device on which you type; end it from another")
            raise NotPermitted(text)
        if not log.length:
            text = self.words("{device} has written nothing that is held here")
            raise UnknownId(text.format(device=device))
        last = log.length - 1
        fields = (bytes(settings.here), bytes(settings.member), bytes(key), last, bytes(log.head))
        signature = keys.sign_array(signer, keys.REVOKE_CONTEXT, *fields)
        data = {
            "device": bytes(key),
            "seq": last,
            "id": bytes(log.head),
            "signatures": [[signer.key, signature]],
        }
        written = self._write_one("device.revoke", data)
        return DeviceRevocation(written.id, key, last, written.seq)

    def _signer(self) -> Signer:
        return self._signer_of(self._unlock(self.home).member_entropy)

    def _signer_of(self, entropy: bytes | None) -> Signer:
        """Return the key of `entropy`, which signs for the member of this home.

        Raises PassphraseNeeded where there is none, NotPermitted when the member has others.
        """
        if entropy is None:
            raise PassphraseNeeded(self.words("this device does not hold the member's key"))
        signer = member_signer(entropy)
        if MemberKey(signer.key) not in self._active_keys():
            text = self.words("your key was changed; this device holds the old one")
            raise NotPermitted(text)
        return signer

    def _active_keys(self) -> frozenset[MemberKey]:
        active = membership.active(self.view.state, self.view.me)
        if active is None:
            raise NotPermitted(self.words("you are no member now"))
        return frozenset(active[0])

    def _keys(self, member: MemberId) -> MemberKeys:
        owned = member_keys.keys_of(self.view.state, member)
        if owned is None:
            text = self.words("{name} is no member now")
            raise NotPermitted(text.format(name=self.view.name(member)))
        return owned

    def _devices(self, member: MemberId) -> list[DeviceKey]:
        """Return the devices that write for a member now."""
        rows = membership.devices(self.view.state, member)
        return [row.key for row in rows if row.status == "active"]

    def _naming(
        self, member: MemberId, own: set[MemberKey] | frozenset[MemberKey]
    ) -> tuple[RecordId, Inception]:
        """Return the record that names sponsors of `member`, and these sponsors.

        Raises NotPermitted when none of the keys `own` is one of them.
        """
        circle = self._keys(member).sponsors
        named = member_keys.naming(self.view.state, member)
        if named is None or circle is None or own.isdisjoint(circle.keys):
            text = self.words("{name} did not name you as a sponsor")
            raise NotPermitted(text.format(name=self.view.name(member)))
        return named, circle

    def _circle(self, members: list[MemberId], needed: int | None) -> Inception:
        """Return the document that names these members as sponsors."""
        named: list[MemberKey] = []
        for member in dict.fromkeys(members):
            owned = self._keys(member)
            if member == self.view.me:
                raise UsageError(self.words("you cannot be your own sponsor"))
            if len(owned.keys) > 1:
                text = self.words("{name} has several keys; name a person")
                raise UsageError(text.format(name=self.view.name(member)))
            named += owned.keys
        if len(named) > SPONSORS_MAX:
            raise UsageError(self.words("at most {n} sponsors").format(n=SPONSORS_MAX))
        threshold = needed or len(named) // 2 + 1
        if threshold > len(named):
            raise UsageError(self.words("more are needed than are named"))
        return Inception(tuple(sorted(named)), threshold, os.urandom(NONCE_BYTES))
