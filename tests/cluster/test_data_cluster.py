"""Five real nodes: the content of data is on its owner's disk alone, until a use is granted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from commonweal.client.member import Member
from commonweal.protocol.errors import WouldNotCount
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.exchange.data.releases import released
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.contents import FOLDER
from tests.builders import data_uses
from tests.builders.weal import good, weal
from tests.cluster.street import FIVE, Street, until

OWNER, USER, AWAY = 2, 3, 4
PIECE_BYTES = 24
"""Bytes of the content that are searched for: none comes by chance."""


def content(seed: int, size: int) -> bytes:
    """Return a content that cannot be packed, whose pieces are nowhere else."""
    return Random(seed).randbytes(size)


def files_with(folder: Path, wanted: bytes) -> list[str]:
    """Return the files below a folder in which a piece of `wanted` stands as it is."""
    pieces = [wanted[at : at + PIECE_BYTES] for at in range(0, len(wanted) - PIECE_BYTES, 8_192)]
    found = []
    for place, _folders, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if not path.is_file():
                continue  # a socket
            data = path.read_bytes()
            if any(piece in data for piece in pieces):
                found.append(str(path.relative_to(folder)))
    return sorted(found)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Five members who are connected."""
    made = Street(tmp_path_factory.mktemp("street"))
    try:
        made.up(*FIVE)
        yield made
    finally:
        made.end()


def home(street: Street, number: int) -> Path:
    return street.cluster.folder / f"n{number}"


def added(street: Street, name: str, secret: bytes) -> None:
    file = street.cluster.folder / f"{name}.bin"
    file.write_bytes(secret)
    street.weal(OWNER, "data", "add", str(file), "--as", name)
    file.unlink()
    street.equal(*running(street))
    street.seal()


def running(street: Street) -> list[int]:
    return [int(node.name[1:]) for node in street.cluster.nodes() if node.running]


def reading(street: Street, number: int, use: RecordId) -> dict[str, Any]:
    """Return a use as a member sees it."""
    rows = street.weal(number, "data", "list", "--uses")["uses"]
    (row,) = [row for row in rows if row["id"] == use.hex()]
    found: dict[str, Any] = row
    return found


def comes(street: Street, number: int, use: RecordId, state: str = "here") -> None:
    until(lambda: reading(street, number, use)["state"] == state, f"it is not {state}")


@pytest.mark.timeout(300)
def test_the_content_is_on_no_other_disk_before_it_is_opened_where_it_was_granted(
    street: Street, tmp_path: Path
) -> None:
    """EXCHANGE.md 6: the owner's node hands the content, sealed, only against a valid use."""
    secret = content(1, 150_000)
    added(street, "yields", secret)
    granted = data_uses.grant(home(street, OWNER), "yields", [home(street, USER)])
    street.equal(*FIVE)
    where = files_with(street.cluster.folder, secret)
    assert len(where) == 1 and where[0].startswith(f"n{OWNER}/{FOLDER}/")

    use = data_uses.use(home(street, USER), "yields", granted)
    assert reading(street, USER, use)["state"] == "asked"
    refused = weal("data", "open", use.hex(), "--out", tmp_path / "x", "--home", home(street, USER))
    assert refused.code == 75 and "no seal covers the use yet" in refused.err
    street.equal(*FIVE)
    street.seal()
    comes(street, USER, use)
    street.equal(*FIVE)
    street.seal()
    for number in FIVE:
        row = reading(street, OWNER, use)
        assert (row["released"], row["of"]) == (3, 3)
        found = files_with(home(street, number), secret)
        assert len(found) == (number == OWNER), "only what is sealed came"

    other = weal("data", "open", use.hex(), "--out", tmp_path / "x", "--home", home(street, 5))
    assert other.code == 77, other
    good("data", "open", "yields", "--out", tmp_path / "mine", "--home", home(street, USER))
    assert (tmp_path / "mine").read_bytes() == secret
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o600
    for number in FIVE:
        assert len(files_with(home(street, number), secret)) == (number == OWNER)


@pytest.mark.timeout(300)
def test_a_use_after_a_revocation_pays_and_gets_nothing_and_one_before_it_does(
    street: Street, tmp_path: Path
) -> None:
    """The node of who uses it late is down while the revocation is sealed, and knows of nothing."""
    secret = content(2, 5_000)
    added(street, "seeds", secret)
    granted = data_uses.grant(
        home(street, OWNER), "seeds", [home(street, USER), home(street, AWAY)]
    )
    street.equal(*FIVE)
    street.seal()
    street.up(1, 2, 3, 5)

    before = data_uses.use(home(street, USER), "seeds", granted)
    street.equal(1, 2, 3, 5)
    data_uses.revoke(home(street, OWNER), granted)
    street.equal(1, 2, 3, 5)
    street.seal()
    with pytest.raises(WouldNotCount, match="not in force"):
        data_uses.use(home(street, USER), "seeds", granted)
    late = data_uses.use(home(street, AWAY), "seeds", granted)
    assert reading(street, AWAY, late)["state"] == "asked", "as far as they know it counts"
    comes(street, USER, before)

    street.up(*FIVE)
    street.seal()
    street.equal(*FIVE)
    street.seal()
    assert len(street.roots()) == 1
    for number in FIVE:
        assert owed(home(street, number), before) == [50, 2, "EUR"]
        assert owed(home(street, number), late) is None
        assert parts(home(street, number), before) == 1
        assert parts(home(street, number), late) == 0
        assert len(files_with(home(street, number), secret)) == (number == OWNER)
    assert late.hex() not in {
        row["id"] for row in street.weal(AWAY, "data", "list", "--uses")["uses"]
    }
    good("data", "open", before.hex(), "--out", tmp_path / "seeds", "--home", home(street, USER))
    assert (tmp_path / "seeds").read_bytes() == secret


def owed(home: Path, use: RecordId) -> list[Any] | None:
    """Return what a use promises to the owner, as a node has it; None when it promises nothing."""
    with Member(home) as me:
        row = commitment_row(me.view.state, use)
        return None if row is None else row.quantity


def parts(home: Path, use: RecordId) -> int:
    """Return how many parts were released for a use, as a node has it."""
    with Member(home) as me:
        return len(released(me.view.state, use))
