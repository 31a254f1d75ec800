"""The address book: where each known peer was reached, and what the peer signed about it.

Never dials and never checks a signature; the overlay does both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import DeviceKey, PeerKey, short
from commonweal.storage.sqlite.database import Database

if TYPE_CHECKING:  # loaded by nodes that dial
    from commonweal.protocol.identity.invite import Contact

PEERS_KEPT_MAX = 1_000
"""Above this number of peers, the one that answered longest ago is dropped."""


class Address(NamedTuple):
    """Addresses of one peer.

    addresses: multiaddrs. signed: the peer's own signed statement of them, b"" for none.
    last_ok_ms: when the peer last answered, 0 for never. source: where the entry came from.
    worked: the multiaddr that was last dialled with success, "" for none; newer `addresses` do
    not replace it.
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
        """Multiaddrs to dial, in order: the one that worked last comes first."""
        first = (self.worked,) if self.worked else ()
        return tuple(dict.fromkeys((*first, *self.addresses)))


def with_contact(known: Address | None, contact: Contact) -> Address:
    """Return the entry of a peer after a link named it: the link's addresses come first.

    The peer's signed statement stays, so that peers who repeat it do not undo the link.
    """
    from commonweal.protocol.identity.invite import ADDRESSES_MAX

    if known is None:
        known = Address(contact.peer, None, (), b"", 0, "link")
    addresses = tuple(dict.fromkeys((*contact.addresses, *known.addresses)))[:ADDRESSES_MAX]
    return known._replace(addresses=addresses, source="link")


class AddressBook(Database):
    """The table `address`."""

    def addresses(self) -> list[Address]:
        """Return all entries, the peer that answered last first, but those that are damaged.

        The texts are read as bytes: SQLite raises for all rows where one is no UTF-8.
        """
        rows = self.rows(
            "SELECT peer, device, addresses, signed, last_ok_ms, CAST(source AS BLOB),"
            " CAST(worked AS BLOB) FROM address ORDER BY last_ok_ms DESC, peer"
        )
        read: list[Address] = []
        for row in rows:
            try:
                read.append(_address(row))
            except (Malformed, UnicodeDecodeError):
                import logging  # not loaded by a list

                peer = short(row[0])
                words = "what is stored of peer %s is damaged; others tell its address"
                logging.getLogger(__name__).warning(words, peer)
        return read

    def put_address(self, address: Address) -> None:
        """Store the entry of a peer in place of the one before; keep PEERS_KEPT_MAX entries."""
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
        """Store the addresses that a link gives for a peer."""
        known = next((entry for entry in self.addresses() if entry.peer == contact.peer), None)
        self.put_address(with_contact(known, contact))


def _address(row: tuple[Any, ...]) -> Address:
    """Return an entry from its row. Raises Malformed or UnicodeDecodeError where it is damaged."""
    peer, device, places, signed, last_ok_ms, source, worked = row
    match codec.decode(places):
        case [*addresses] if all(isinstance(address, str) for address in addresses):
            places = tuple(cast("list[str]", addresses))
        case _:
            raise Malformed("not a list of addresses")
    return Address(
        peer, device, places, signed, last_ok_ms, source.decode("utf-8"), worked.decode("utf-8")
    )
