"""The chain of seals is followed by certificates alone, and a fork of it shows both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from commonweal.protocol.errors import BadSignature, FinalityForked, InvalidSeal, NotCertified
from commonweal.protocol.seal import chain
from commonweal.protocol.seal.chain import TrustedPoint, founding_point
from commonweal.protocol.seal.formats import SealedHeight, sealed_from_bytes, sealed_to_bytes
from commonweal.protocol.seal.votes import Certificate, SealId, certificate_from_bytes
from commonweal.protocol.seal.witnesses import witness_set_root
from tests.protocol.seal import scenes
from tests.protocol.seal.witness import COMMUNITY, seats

SETS = [seats(1), seats(3), seats(4), seats(4), seats(6)[2:]]


def grown() -> tuple[TrustedPoint, list[SealedHeight]]:
    """A founder's point, and heights in which the set grows and turns over."""
    start = point = founding_point(COMMUNITY, seats(1)[0])
    heights = []
    for after in SETS:
        heights.append(scenes.sealed_after(point, tuple(sorted(after))))
        point = chain.verify_adjacent(point, heights[-1])
    return start, heights


def test_a_late_node_follows_the_chain_through_every_change_of_witnesses() -> None:
    start, heights = grown()
    handed = [sealed_from_bytes(sealed_to_bytes(one), COMMUNITY) for one in heights]
    end = chain.verify_chain(start, handed)
    assert (end.height, end.seal) == (5, heights[-1].seal.id)
    assert set(end.witnesses) == set(SETS[-1])
    middle = chain.verify_chain(start, handed[:2])
    assert chain.verify_chain(middle, handed[1:]) == end, "from a checkpoint, itself included"
    assert chain.verify_chain(end, []) == end


def changed(one: SealedHeight, /, **fields: Any) -> SealedHeight:
    other = replace(one.seal, **fields)
    return SealedHeight(other, scenes.certificate(other), one.witnesses)


GOOD = scenes.sealed_after(scenes.POINT)
UNCERTIFIED = replace(GOOD.certificate, signatures=GOOD.certificate.signatures[:2])
BROKEN: dict[str, tuple[SealedHeight, type[InvalidSeal] | type[BadSignature]]] = {
    "skips a height": (changed(GOOD, height=2), InvalidSeal),
    "follows another seal": (changed(GOOD, prev=SealId(bytes(32))), InvalidSeal),
    "names other witnesses": (changed(GOOD, witnesses=bytes(32)), InvalidSeal),
    "has the certificate of another": (replace(GOOD, seal=scenes.seal(clock=9)), InvalidSeal),
    "is certified by too few": (replace(GOOD, certificate=UNCERTIFIED), NotCertified),
    "is of another community": (
        changed(GOOD, community=bytes(32)),
        InvalidSeal,
    ),
    "is certified by strangers": (
        replace(GOOD, certificate=scenes.certificate(GOOD.seal, seats(8)[4:])),
        NotCertified,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_chain_is_not_followed_over_a_height_that(name: str) -> None:
    bad, error = BROKEN[name]
    assert chain.verify_adjacent(scenes.POINT, GOOD).height == 1
    with pytest.raises(error):
        chain.verify_chain(scenes.POINT, [bad])


def test_a_clock_that_goes_back_breaks_the_chain() -> None:
    point = replace(scenes.POINT, clock=7)
    bad = scenes.sealed_after(point, clock=6)
    with pytest.raises(InvalidSeal, match="clock"):
        chain.verify_adjacent(point, bad)


def test_at_most_two_seats_change_with_one_seal_once_there_are_four() -> None:
    point = founding_point(COMMUNITY, seats(1)[0])
    assert len(chain.verify_adjacent(point, scenes.sealed_after(point, seats(4))).witnesses) == 4
    with pytest.raises(InvalidSeal, match="seats"):
        chain.verify_adjacent(point, scenes.sealed_after(point, seats(5)))
    assert (
        len(
            chain.verify_adjacent(
                scenes.POINT, scenes.sealed_after(scenes.POINT, seats(6))
            ).witnesses
        )
        == 6
    )
    with pytest.raises(InvalidSeal, match="seats"):
        chain.verify_adjacent(scenes.POINT, scenes.sealed_after(scenes.POINT, seats(7)))
    with pytest.raises(InvalidSeal, match="seats"):
        chain.verify_adjacent(scenes.POINT, scenes.sealed_after(scenes.POINT, seats(1)))


def test_a_forged_signature_in_a_certificate_is_seen() -> None:
    (device, signature), *rest = GOOD.certificate.signatures
    forged = ((device, bytes(64)), *rest)
    bad = replace(GOOD, certificate=replace(GOOD.certificate, signatures=forged))
    assert signature != bytes(64)
    with pytest.raises(BadSignature):
        chain.verify_adjacent(scenes.POINT, bad)


def test_two_certified_seals_of_one_height_are_named_with_both_certificates() -> None:
    other = scenes.sealed_after(scenes.POINT, clock=9)
    with pytest.raises(FinalityForked, match="height 1") as shown:
        chain.check_same(scenes.POINT, GOOD, other)
    both = [certificate_from_bytes(data) for data in (shown.value.first, shown.value.second)]
    assert both == [GOOD.certificate, other.certificate]


def test_what_is_not_certified_forks_nothing() -> None:
    other = scenes.sealed_after(scenes.POINT, clock=9)
    few = Certificate(1, 0, other.seal.id, other.certificate.signatures[:2])
    with pytest.raises(NotCertified):
        chain.check_same(scenes.POINT, GOOD, replace(other, certificate=few))
    with pytest.raises(InvalidSeal):
        after = chain.verify_adjacent(scenes.POINT, GOOD)
        chain.check_same(scenes.POINT, GOOD, scenes.sealed_after(after))


def test_the_same_seal_certified_in_two_rounds_is_no_fork() -> None:
    again = replace(GOOD, certificate=scenes.certificate(GOOD.seal, round_=1))
    chain.check_same(scenes.POINT, GOOD, again)


def test_the_founder_alone_begins_every_chain() -> None:
    start, heights = grown()
    assert start.witnesses == seats(1)
    assert heights[0].seal.prev == start.seal == SealId(COMMUNITY)
    assert heights[0].seal.witnesses == witness_set_root(seats(1))
