"""Stored seals that the disk changed: what is damaged is found, not given, and mended."""

from __future__ import annotations

import pytest

from commonweal.node.service.replica import sound_seals
from commonweal.node.service.replica.chain import SealChain
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.seal.chain import TrustedPoint, verify_adjacent
from commonweal.protocol.seal.cut import Delta, SealedLog
from commonweal.protocol.seal.formats import SealedHeight
from commonweal.storage.records.logs.log_store import Store
from tests.node.service.replica.test_chain import founded, next_height
from tests.protocol.authors import COMMUNITY, FIRST

HEIGHTS = 4
ALL = (1, 256, 1 << 20)


def grown() -> tuple[Store, SealChain, list[tuple[SealedHeight, Delta]]]:
    """Return a chain of which only the first record is held, and what it was made of."""
    store, chain = founded()
    made = []
    for length in range(1, HEIGHTS + 1):
        made.append(next_height(chain, length))
        chain.take(*made[-1])
    store.commit()
    return store, SealChain(store, COMMUNITY), made


def flip(store: Store, column: str, height: int, bit: int) -> None:
    """Change a bit of what is stored of a height."""
    ((kept,),) = store.rows(f"SELECT {column} FROM seal WHERE height = ?", (height,))
    changed = bytearray(kept)
    changed[bit // 8 % len(kept)] ^= 1 << bit % 8
    put = f"UPDATE seal SET {column} = ? WHERE height = ?"
    store.change(put, (bytes(changed), height))


@pytest.mark.parametrize("column", ["sealed", "delta", "id"])
def test_no_height_is_given_in_which_a_bit_was_changed(column: str) -> None:
    """Whatever bit it is, and though no record here says where the logs ended."""
    store, _, made = grown()
    ((size,),) = store.rows(f"SELECT length({column}) FROM seal WHERE height = 3")
    for bit in range(0, 8 * size, 29):
        flip(store, column, 3, bit)
        chain = SealChain(store, COMMUNITY)
        assert len(chain.sound.given(*ALL)) == 2
        assert list(chain.sound.damaged) == [3]
        chain.mend(*made[2])
        assert not chain.sound.damaged
        assert len(chain.sound.given(*ALL)) == HEIGHTS
        store.rollback()


def test_only_what_the_seals_vouch_for_mends() -> None:
    store, _, made = grown()
    sealed, delta = made[2]
    flip(store, "delta", 3, 100)
    chain = SealChain(store, COMMUNITY)
    assert len(chain.sound.given(*ALL)) == 2
    other = Delta((SealedLog(FIRST.author, 3, RecordId(bytes(32))),), delta.present)
    fork, _ = founded()
    beside = SealChain(fork, COMMUNITY)
    for length in (1, 2):
        beside.take(*next_height(beside, length))
    for wrong in (
        (sealed, other),
        (sealed, Delta(delta.logs, ())),
        next_height(beside, 3, clock=9),
    ):
        chain.mend(*wrong)
        assert list(chain.sound.damaged) == [3]
    chain.mend(sealed, delta)
    assert not chain.sound.damaged


def test_a_damaged_cut_is_found_before_it_refuses_the_next_seal() -> None:
    store, whole, made = grown()
    following = next_height(whole, HEIGHTS + 1)
    flip(store, "delta", HEIGHTS, 60)
    chain = SealChain(store, COMMUNITY)
    assert not chain.take(*following), "an honest peer is not blamed"
    assert list(chain.sound.damaged) == [HEIGHTS]
    chain.mend(*made[-1])
    assert chain.take(*following)


def test_a_damaged_end_is_built_on_once_it_came_again() -> None:
    store, whole, made = grown()
    end = whole.end
    flip(store, "sealed", HEIGHTS, 400)
    chain = SealChain(store, COMMUNITY)
    assert (chain.height, chain.is_whole) == (HEIGHTS - 1, False)
    assert chain.take(*made[-1])
    assert (chain.end, chain.is_whole) == (end, True)
    assert not chain.sound.damaged


def test_what_was_verified_once_is_verified_again_only_where_it_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, chain, _ = grown()
    verified: list[int] = []

    def noted(point: TrustedPoint, sealed: SealedHeight) -> TrustedPoint:
        verified.append(sealed.seal.height)
        return verify_adjacent(point, sealed)

    monkeypatch.setattr(sound_seals, "verify_adjacent", noted)
    for _ in range(3):
        assert len(chain.sound.given(*ALL)) == HEIGHTS
    assert verified == [1, 2, 3, 4]
    flip(store, "sealed", 2, 300)
    assert len(chain.sound.given(*ALL)) == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_seals, "CHECKED_MAX", 2)
    monkeypatch.setattr(sound_seals, "DAMAGED_MAX", 2)
    store, chain, _ = grown()
    assert len(chain.sound.given(*ALL)) == HEIGHTS
    assert list(chain.sound._checked) == [3, 4]
    store.change("UPDATE seal SET delta = x'c1'")
    for height in range(1, HEIGHTS + 1):
        assert chain.sound.at(height) is None
    assert list(chain.sound.damaged) == [1, 2]


def test_a_round_finds_what_nobody_asked_for() -> None:
    store, chain, _ = grown()
    flip(store, "sealed", 2, 300)
    for _ in range(HEIGHTS):
        chain.sound.look()
    assert list(chain.sound.damaged) == [2]
