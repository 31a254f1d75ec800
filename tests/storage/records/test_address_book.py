"""An address book that the disk changed: what can be read of it is, and the rest is told again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from commonweal.storage.records.address_book import AddressBook
from tests.storage.records.test_blobs import address


@pytest.fixture
def book() -> Iterator[AddressBook]:
    made = AddressBook()
    made.put_address(address(1))
    made.put_address(address(2))
    made.commit()
    yield made
    made.close()


def test_a_changed_bit_costs_one_entry_at_most(
    book: AddressBook, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever bit of whatever column it is."""
    _, sound = book.addresses()
    left_out = 0
    for column in ("addresses", "signed", "source", "worked"):
        asked = f"SELECT CAST({column} AS BLOB) FROM address WHERE peer <> ?"
        ((kept,),) = book.rows(asked, (sound.peer,))
        of_kind = "TEXT" if column in ("source", "worked") else "BLOB"
        put = f"UPDATE address SET {column} = CAST(? AS {of_kind}) WHERE peer <> ?"
        for bit in range(8 * len(kept)):
            changed = bytearray(kept)
            changed[bit // 8] ^= 1 << bit % 8
            book.change(put, (bytes(changed), sound.peer))
            caplog.clear()
            read = book.addresses()
            assert sound in read
            assert len(read) + len(caplog.records) == 2, "what is left out is logged"
            left_out += len(caplog.records)
        book.change(put, (kept, sound.peer))
    assert left_out


def test_a_damaged_entry_is_replaced_when_the_address_is_told_again(book: AddressBook) -> None:
    known, _ = book.addresses()
    book.change("UPDATE address SET addresses = x'ff' WHERE peer = ?", (known.peer,))
    assert known not in book.addresses()
    book.put_address(known)
    assert known in book.addresses()
