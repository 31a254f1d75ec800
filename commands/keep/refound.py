"""`weal refound`: a community goes on from its last final state, without those who are gone.

When more witnesses are gone for ever than the quorum survives, nothing becomes final any more,
and no key changes that from inside. Here a member founds a community anew that names the old
one as its parent, or follows one who did. It is made in a home of its own; the old one stays.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonweal.client.home.submit import now_ms
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.options import (
    form_option,
    home_option,
    opened,
    passphrase_option,
    typed_link,
)
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.protocol import keys
from commonweal.protocol.errors import BadLink, NothingFinal, PassphraseNeeded, WrongState
from commonweal.protocol.identity import founding
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity.identity import NONCE_BYTES, inception_from_entropy, member_signer
from commonweal.protocol.identity.parent import Parent
from commonweal.protocol.keys import DeviceKey, short
from commonweal.protocol.records.record import SALT_BYTES, CommunityId, RecordId
from commonweal.storage.home.home import Home, Settings, new_port

if TYPE_CHECKING:
    from commonweal.storage.ledger.ledger import LedgerState
    from commonweal.storage.records.log_store import Store


@click.command("refound")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where your home in the new community is made.",
)
@click.option(
    "--follow",
    metavar="LINK",
    help="Follow a member who founded it anew, by their link; `-` reads it from the keyboard.",
)
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def refound(
    into: Path, follow: str | None, passphrase_file: Path | None, home: Home, form: Form
) -> None:
    """Go on in a new community from the last final state, when witnesses are gone for ever.

    Members, rules, balances, claims and what was contributed go on as they were final. What
    was not sealed stays behind, and so do devices, invites and open votes. You become the
    first witness; the others follow you by your link. This home stays as it is.
    """
    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        settings.here  # noqa: B018  raises without a community
    secrets, passphrase = opened(home.keystore, passphrase_file)
    if secrets.member_entropy is None:
        raise PassphraseNeeded(_("this device does not hold the member's key"))
    new = Home(into)
    if follow is not None:
        link = links.from_text(typed_link() if follow == "-" else follow)
        made = _follow(new, settings, link, secrets.member_entropy, passphrase)
    else:
        made = _found_again(home, new, settings, secrets.member_entropy, passphrase)
    _say(made, new, form, follows=follow is not None)


def parent_of(kept: LedgerState, store: Store) -> tuple[Parent, list[bytes], bytes]:
    """Return what a re-founded community goes on from: name, state in chunks, document.

    Raises NothingFinal, or WrongState when this ledger does not follow its seals.
    """
    from commonweal.storage.consensus.snapshots import Snapshots
    from commonweal.storage.records.seal_store import SealStore

    if kept.alarm:
        raise WrongState(kept.alarm)
    last = SealStore(store, kept.community).at(kept.cut.height)
    first = store.record(RecordId(kept.community))
    document = None if first is None or first.body is None else store.body(first.body.hash)
    if last is None or document is None:
        raise NothingFinal(short(kept.community))
    offer, chunks = Snapshots(kept).whole()
    seal = last.sealed.seal
    name = (kept.community, seal.height, seal.id, seal.state_root, seal.time_ms)
    return Parent(*name, offer.depth), chunks, document


def _found_again(
    home: Home, new: Home, settings: Settings, entropy: bytes, passphrase: str | None
) -> Settings:
    """Make the home of a community that goes on from the one of `home`; return its settings."""
    from commonweal.commands.keep.restore import made
    from commonweal.protocol.ledger.checkpoint.inheritance import inherited_state
    from commonweal.storage.home import keystore
    from commonweal.storage.home.keystore import Secrets
    from commonweal.storage.ledger import ledger

    with (
        home.store(readonly=True) as old,
        old.snapshot(),
        ledger.open_ledger(home.state, old, settings.here, whole=False) as kept,
    ):
        parent, chunks, document = parent_of(kept, old)
    seed, now = os.urandom(keys.SEED_BYTES), now_ms()
    signer = keys.device_signer(seed)
    host = keys.peer_signer(seed)
    who = (member_signer(entropy), inception_from_entropy(entropy), signer, host)
    nonce = os.urandom(NONCE_BYTES)
    written = [founding.refound(*who, nonce, document, parent.to_value(), now)]
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
        return begun

    return made(new, fill)


def _follow(
    new: Home, settings: Settings, link: links.CommunityLink, entropy: bytes, passphrase: str | None
) -> Settings:
    from commonweal.commands.keep.restore import from_words

    if link.community == settings.here:
        raise BadLink(_("it leads to the community that this home is in"))
    made = replace(from_words(new, entropy, link, passphrase), name=settings.name)
    with new.store() as store:
        made.put(store)
        store.commit()
    return made


def _say(made: Settings, new: Home, form: Form, *, follows: bool) -> None:
    with new.store(readonly=True) as store:
        from commonweal.storage.ledger import inheritance

        parent = inheritance.parent(store, made.here)
    if form is Form.JSON:
        ids = {"community": made.here.hex(), "device": made.device.hex()}
        height = None if parent is None else parent.height
        return write_json({**ids, "home": str(new), "height": height})
    folder = visible(str(new))
    if follows or parent is None:
        say(_("Your home there is {folder}; this one stays as it is.").format(folder=folder))
        return say(
            _(
                "Next: `weal --home {folder} up`. Then `weal --home {folder} status` says from "
                "which seal it goes on: compare it with `weal seals` here."
            ).format(folder=folder)
        )
    say(
        _("The community goes on from height {height} as {id}.").format(
            height=parent.height, id=short(made.here)
        )
    )
    say(_("Your home there is {folder}; this one stays as it is.").format(folder=folder))
    say(_("Next: `weal --home {folder} up`.").format(folder=folder))
    return say(
        _(
            "The others follow with `weal refound --follow LINK --into FOLDER`, where LINK is what "
            "`weal --home {folder} device add` shows."
        ).format(folder=folder)
    )
