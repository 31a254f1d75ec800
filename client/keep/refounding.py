"""Re-founding: a community goes on from its last final state, without those who are gone.

When more witnesses are lost than the quorum survives, nothing becomes final any more, and no key
changes that. Here a member founds a new community that names the old one as its parent, or follows
a member who did. It gets a home of its own; the old home stays.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess
from commonweal.client.community import standing
from commonweal.client.home.old_records import check_whole
from commonweal.client.home.submit import now_ms
from commonweal.client.keep.restoration import create_whole, from_words
from commonweal.protocol import keys
from commonweal.protocol.errors import BadLink, NothingFinal, PassphraseNeeded, WrongState
from commonweal.protocol.identity import founding
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity.identity import NONCE_BYTES, inception_from_entropy, member_signer
from commonweal.protocol.identity.parent import Parent
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.records.record import SALT_BYTES, CommunityId, RecordId
from commonweal.storage.home import keystore
from commonweal.storage.home.contents import Contents
from commonweal.storage.home.home import Home, Settings, new_port
from commonweal.storage.home.keystore import Secrets

if TYPE_CHECKING:
    from commonweal.storage.ledger.ledger import LedgerState
    from commonweal.storage.records.logs.log_store import Store


@dataclass(frozen=True, slots=True)
class RefoundedHome:
    """A home in a new community that continues an old one. height: of the last seal of the old one.

    height: None while the founding record is not here, as after `follow_refounding`. contents: how
    many of this member's data came along; damaged: how many stayed, since they are not whole.
    """

    community: CommunityId
    device: DeviceKey
    home: Path
    height: int | None
    contents: int
    damaged: int


class Refounding(HomeAccess):
    """Founding or following a community that continues this one, in another home."""

    def check_refounding(self) -> None:
        """Raise NotInCommunity or MissingDatabase where this home has nothing to go on from.

        And LightHome where it does not keep all records.
        """
        check_whole(self.home, self.words)
        self._settings().here  # noqa: B018  raises without a community

    def refound(self, into: Path, *, passphrase: str | None = None) -> RefoundedHome:
        """Found a new community that continues from the last final state, in a home at `into`.

        Members, rules, balances, claims and contributions go on as they were final, and the
        contents of this member's data come along. This member is the first witness. passphrase: of
        the new keystore. Raises PassphraseNeeded, HomeTaken, NothingFinal, OlderSeal, WrongState,
        LightHome, FileRefused.
        """
        check_whole(self.home, self.words)
        settings, entropy = self._settings(), self._entropy()
        new, brought = Home(into), BroughtContents(self.home)
        made = _found_again(self.home, new, settings, entropy, passphrase, brought)
        return _refounded(new, made, brought)

    def follow_refounding(
        self, into: Path, link: str, *, passphrase: str | None = None
    ) -> RefoundedHome:
        """Follow a member who founded the new community, by their link, in a home at `into`.

        The contents of this member's data come along. passphrase: of the new keystore. Raises
        PassphraseNeeded, HomeTaken, BadLink, FileRefused.
        """
        settings, entropy = self._settings(), self._entropy()
        invitation = links.from_text(link)
        if invitation.community == settings.here:
            raise BadLink(self.words("it leads to the community that this home is in"))
        new, brought = Home(into), BroughtContents(self.home)
        begun = from_words(new, entropy, invitation, passphrase, brought)
        made = begun._replace(name=settings.name)
        with new.store() as store:
            made.put(store)
            store.commit()
        return _refounded(new, made, brought)

    def _settings(self) -> Settings:
        with self.home.store(readonly=True) as store:
            return Settings.read(store)

    def _entropy(self) -> bytes:
        entropy = self._unlock(self.home).member_entropy
        if entropy is None:
            raise PassphraseNeeded(self.words("this device does not hold the member's key"))
        return entropy


class BroughtContents:
    """Brings the contents of a home into another one; counts them."""

    def __init__(self, home: Home) -> None:
        self._from = Contents(home)
        self.kept = self.damaged = 0

    def __call__(self, new: Home) -> None:
        """Bring them; what is damaged stays. Raises FileRefused."""
        self.kept, self.damaged = Contents(new).copy_from(self._from)


def _refounded(new: Home, settings: Settings, brought: BroughtContents) -> RefoundedHome:
    with new.store(readonly=True) as store:
        named = standing.parent(store, settings)
    height = None if named is None else named["height"]
    counts = (brought.kept, brought.damaged)
    return RefoundedHome(settings.here, settings.device, new.path, height, *counts)


def _found_again(
    home: Home,
    new: Home,
    settings: Settings,
    entropy: bytes,
    passphrase: str | None,
    bring: BroughtContents,
) -> Settings:
    """Make the home of a community that goes on from the one of `home`; return its settings."""
    from commonweal.protocol.ledger.checkpoint.inheritance import inherited_state
    from commonweal.storage.ledger import ledger

    with (
        home.store(readonly=True) as old,
        old.snapshot(),
        ledger.open_ledger(home.state, old, settings.here, whole=False) as kept,
    ):
        parent, chunks, document = _parent_of(kept, old)
    seed, now = os.urandom(keys.SEED_BYTES), now_ms()
    signer = keys.device_signer(seed)
    host = keys.peer_signer(seed)
    signers = (member_signer(entropy), inception_from_entropy(entropy), signer, host)
    nonce = os.urandom(NONCE_BYTES)
    written = [founding.refound(*signers, nonce, document, parent.to_value(), now)]
    first = written[0].record
    inherited_state(first, chunks)  # raises where nobody would take it
    community = CommunityId(first.id)
    for data in chunks:
        tip = founding.tip_after(written[-1].record)
        written.append(founding.inherit(signer, community, tip, data, now))
    tip, salt = founding.tip_after(written[-1].record), os.urandom(SALT_BYTES)
    written.append(founding.profile(signer, community, tip, settings.name, salt, now))

    def fill(place: Home) -> Settings:
        device = DeviceKey(signer.key)
        begun = Settings(settings.name, settings.member, device, community, new_port())
        store = place.create_store()
        try:
            bodies = {
                signed.record.body.hash: signed.body for signed in written if signed.record.body
            }
            store.append(device, [signed.record for signed in written], bodies)
            store.mark_checked(device, len(written))
            begun.put(store)
            store.commit()
        finally:
            store.close()
        keystore.create(place.keystore, Secrets(seed, entropy), passphrase)
        bring(place)
        return begun

    return create_whole(new, fill)


def _parent_of(kept: LedgerState, store: Store) -> tuple[Parent, list[bytes], bytes]:
    """Return what a re-founded community goes on from: name, state in chunks, document.

    Raises NothingFinal, OlderSeal, or WrongState when this ledger does not follow its seals.
    """
    from commonweal.storage.consensus.offers import whole
    from commonweal.storage.records.seal_store import SealStore

    if kept.alarm:
        raise WrongState(kept.alarm)
    last = SealStore(store, kept.community).at(kept.cut.height)
    first = store.record(RecordId(kept.community))
    document = None if first is None or first.body is None else store.body(first.body.hash)
    if last is None or document is None:
        raise NothingFinal(short(kept.community))
    offer, chunks = whole(store, kept.layers, kept.community)
    seal = last.sealed.seal
    name = (kept.community, seal.height, seal.id, seal.state_root, seal.time_ms)
    return Parent(*name, offer.depth), chunks, document
