"""What is kept beside the logs: settings, bodies, and the addresses of peers."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from commonweal.protocol import codec
from commonweal.protocol.errors import InvalidRecord
from commonweal.protocol.identity.invite import ADDRESSES_MAX, Contact
from commonweal.protocol.keys import DeviceKey, PeerKey
from commonweal.protocol.records.record import BodyRef, is_body
from commonweal.storage.sqlite.database import Database

RESTORING = "restoring"
"""The setting of a home that was restored and has not caught up with a peer since."""

PEERS_KEPT_MAX = 1_000
"""Above this many, the address that answered longest ago is forgotten."""


class Address(NamedTuple):
    """Where a peer was found. `signed` is what the peer signed of it, empty when nothing.

    worked: where it was reached last, empty when nowhere; no newer `addresses` replace it.
    """

    peer: PeerKey
    device: DeviceKey | None
    addresses: tuple[str, ...]
    signed: bytes
    last_ok_ms: int
    source: str
    worked: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """Where to look for the peer: first where it was reached last."""
        first = (self.worked,) if self.worked else ()
        return tuple(dict.fromkeys((*first, *self.addresses)))


def with_contact(known: Address | None, contact: Contact) -> Address:
    """Return where a peer is once a link named it: there first, then where it was before.

    What it signed is kept, so that others who tell it again do not undo the link.
    """
    if known is None:
        known = Address(contact.peer, None, (), b"", 0, "link")
    found = tuple(dict.fromkeys((*contact.addresses, *known.addresses)))[:ADDRESSES_MAX]
    return known._replace(addresses=found, source="link")


class Shelves(Database):
    """Settings, bodies and addresses, on top of one database."""

    def setting(self, name: str) -> bytes | None:
        """Return the value put under `name`, or None."""
        row = self.row("SELECT value FROM setting WHERE name = ?", (name,))
        return row[0] if row else None

    def put_setting(self, name: str, value: bytes | None) -> None:
        """Keep `value` under `name`; None removes it."""
        if value is None:
            self.change("DELETE FROM setting WHERE name = ?", (name,))
        else:
            self.change("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def body(self, digest: bytes) -> bytes | None:
        """Return the bytes whose hash is `digest`; None when not held, or erased."""
        row = self.row("SELECT content FROM body WHERE hash = ?", (digest,))
        return row[0] if row else None

    def has_body(self, digest: bytes) -> bool:
        """Say whether `body` would return something, without reading it."""
        return bool(self.row("SELECT 1 FROM body WHERE hash = ? AND content NOTNULL", (digest,)))

    def holds(self, ref: BodyRef) -> bool:
        """Say whether the body that `ref` names is held; one of another size is another."""
        found = self.row("SELECT length(content) FROM body WHERE hash = ?", (ref.hash,))
        return found is not None and found[0] == ref.size

    def put_body(self, ref: BodyRef, data: bytes) -> None:
        """Keep a body. One that was erased stays erased.

        Raises InvalidRecord when `data` is not what `ref` names.
        """
        if not is_body(ref, data):
            raise InvalidRecord(f"{len(data)} bytes are not the body {ref.hash.hex()}")
        self.change(
            "INSERT INTO body VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET permanent = 1,"
            " content = excluded.content WHERE excluded.permanent AND NOT permanent",
            (ref.hash, int(ref.permanent), data),
        )
        self.change("DELETE FROM wanted WHERE hash = ?", (ref.hash,))

    def erase_body(self, digest: bytes) -> bool:
        """Overwrite an erasable body, and never take it again; False for a permanent one.

        A body that is not held is marked as erased, so that it is not fetched later.
        """
        self.change(
            "INSERT INTO body VALUES (?, 0, NULL) ON CONFLICT DO UPDATE SET content = NULL"
            " WHERE NOT permanent",
            (digest,),
        )
        self.change("DELETE FROM wanted WHERE hash = ?", (digest,))
        self._erased = True
        return not self.has_body(digest)

    def is_erased(self, digest: bytes) -> bool:
        """Say whether a body was erased here, so that it is never taken again."""
        return bool(self.row("SELECT 1 FROM body WHERE hash = ? AND content IS NULL", (digest,)))

    def want_again(self, ref: BodyRef) -> None:
        """Take an erased body again, once somebody sends it: it was not his who erased it."""
        self.change("DELETE FROM body WHERE hash = ? AND content IS NULL", (ref.hash,))
        self.change("INSERT OR IGNORE INTO wanted VALUES (?, ?)", (ref.hash, ref.size))

    def bodies(self, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return hash and bytes of bodies that are held, by hash, from above `after`."""
        found = self.rows(
            "SELECT hash, content FROM body WHERE hash > ? AND content NOTNULL"
            " ORDER BY hash LIMIT ?",
            (after, limit),
        )
        return [(digest, content) for digest, content in found]

    def lose_body(self, digest: bytes) -> None:
        """Remove a body whose bytes the disk changed, and want it again where it is erasable."""
        self.change(
            "INSERT OR IGNORE INTO wanted SELECT hash, length(content) FROM body"
            " WHERE hash = ? AND NOT permanent",
            (digest,),
        )
        self.change("DELETE FROM body WHERE hash = ?", (digest,))

    def wanted_bodies(self, limit: int, after: bytes = b"") -> list[bytes]:
        """Return hashes above `after` of erasable bodies that records name and that are missing."""
        found = self.rows("SELECT hash FROM wanted WHERE hash > ? LIMIT ?", (after, limit))
        return [digest for (digest,) in found]

    def wanted_body(self, digest: bytes) -> BodyRef | None:
        """Return the reference of a missing erasable body; None when it is not wanted."""
        row = self.row("SELECT size FROM wanted WHERE hash = ?", (digest,))
        return BodyRef(digest, row[0], permanent=False) if row else None

    def addresses(self) -> list[Address]:
        """Return the address book, those first that answered last."""
        found = self.rows(
            "SELECT peer, device, addresses, signed, last_ok_ms, source, worked FROM address"
            " ORDER BY last_ok_ms DESC, peer"
        )
        return [_address(row) for row in found]

    def put_address(self, address: Address) -> None:
        """Keep where a peer is, in place of what was known of it."""
        places = codec.encode(cast("list[codec.Value]", list(address.addresses)))
        self.change(
            "INSERT OR REPLACE INTO address VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*address[:2], places, *address[3:]),
        )
        self.change(
            "DELETE FROM address WHERE peer IN (SELECT peer FROM address WHERE peer <> ?"
            " ORDER BY last_ok_ms DESC, peer LIMIT -1 OFFSET ?)",
            (address.peer, PEERS_KEPT_MAX - 1),
        )

    def meet(self, contact: Contact) -> None:
        """Keep where a link says that a peer is."""
        known = next((one for one in self.addresses() if one.peer == contact.peer), None)
        self.put_address(with_contact(known, contact))

    def forget_address(self, peer: PeerKey) -> None:
        """Forget where a peer is."""
        self.change("DELETE FROM address WHERE peer = ?", (peer,))


def _address(row: tuple[Any, ...]) -> Address:
    peer, device, places, signed, last_ok_ms, source, worked = row
    addresses = cast("list[str]", codec.decode(places))
    return Address(peer, device, tuple(addresses), signed, last_ok_ms, source, worked)
