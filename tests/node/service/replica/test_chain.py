"""The chain of seals that a node keeps: what follows is taken, anything else is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from commonweal.node.service.replica.chain import SealChain
from commonweal.protocol.errors import InvalidSeal, NotCertified
from commonweal.protocol.keys import Signer
from commonweal.protocol.records.record import CommunityId
from commonweal.protocol.seal.chain import TrustedPoint, founder_of, founding_point
from commonweal.protocol.seal.cut import Delta, SealedLog
from commonweal.protocol.seal.formats import Seal, SealedHeight
from commonweal.protocol.seal.votes import SealId, Step, certify, sign_vote
from commonweal.protocol.seal.witnesses import witness_set_root
from commonweal.storage.records.logs.log_store import Store
from tests.builders.cuts import whole_cut_root
from tests.protocol.authors import COMMUNITY, FIRST, FOUNDING, MEI

ROOTS = (b"\1" * 32, b"\2" * 32, b"\3" * 32)


def founded() -> tuple[Store, SealChain]:
    """Return a store that holds a founding record, and its chain."""
    store = Store()
    body = FIRST.body
    assert body is not None
    store.append(FIRST.author, [FIRST], {body.hash: FOUNDING.body})
    return store, SealChain(store, COMMUNITY)


def next_height(
    chain: SealChain, length: int = 1, time_ms: int = 0, signer: Signer = MEI.signer, **changed: Any
) -> tuple[SealedHeight, Delta]:
    """Return the height after a chain's end, as the founder alone seals it."""
    point = chain.point
    assert point is not None
    delta = Delta((SealedLog(FIRST.author, length, FIRST.id),), (FIRST.author,))
    root = whole_cut_root({FIRST.author: delta.logs[0]}, delta.present)
    fields = (point.height + 1, point.seal, 1, root, point.clock + 1)
    time = time_ms or point.time_ms + 1
    plain = Seal(COMMUNITY, *fields, time, b"", (), witness_set_root(point.witnesses), *ROOTS)
    seal = replace(plain, **changed)
    votes = [sign_vote(signer, COMMUNITY, seal.height, 0, Step.PRECOMMIT, seal.id)]
    return SealedHeight(seal, certify(votes, 1), point.witnesses), delta


def test_a_chain_begins_with_the_device_that_founded() -> None:
    _, chain = founded()
    assert chain.point == founding_point(COMMUNITY, founder_of(FIRST))
    assert (chain.height, chain.seal) == (0, SealId(COMMUNITY))


def test_without_the_founding_record_a_peers_credentials_say_where_it_begins() -> None:
    chain = SealChain(Store(), COMMUNITY)
    assert chain.point is None
    chain.learn([b"no record", FIRST.wire])
    assert chain.point == founding_point(COMMUNITY, founder_of(FIRST))
    other = SealChain(Store(), CommunityId(bytes(32)))
    other.learn([FIRST.wire])
    assert other.point is None


def test_what_follows_is_kept_and_found_again() -> None:
    store, chain = founded()
    for length in (1, 2, 3):
        assert chain.take(*next_height(chain, length))
    store.commit()
    again = SealChain(store, COMMUNITY)
    assert (again.height, again.point) == (3, chain.point)
    assert again.take(*next_height(again, 4))


def test_what_is_not_committed_is_not_followed_from() -> None:
    store, chain = founded()
    store.commit()
    chain.take(*next_height(chain))
    store.rollback()
    chain.reload()
    assert chain.height == 0 and chain.take(*next_height(chain))


def test_a_height_that_is_further_on_is_passed_over() -> None:
    _, chain = founded()
    _, ahead = founded()
    ahead.take(*next_height(ahead))
    assert not chain.take(*next_height(ahead, 2))
    assert chain.height == 0


STRANGER = Signer(b"\7" * 32)
BAD = {
    "a delta of another cut": lambda chain: (
        next_height(chain)[0],
        Delta((SealedLog(FIRST.author, 7, FIRST.id),), (FIRST.author,)),
    ),
    "a delta without who was present": lambda chain: (
        next_height(chain)[0],
        Delta(next_height(chain)[1].logs, ()),
    ),
    "a stranger's signature": lambda chain: next_height(chain, signer=STRANGER),
    "a clock that goes back": lambda chain: next_height(chain, clock=0),
    "a log that does not grow": lambda chain: next_height(chain, length=1),
    "a time that is not later": lambda chain: next_height(chain, time_ms=chain.point.time_ms),
}


@pytest.mark.parametrize("made", BAD.values(), ids=BAD)
def test_what_does_not_follow_is_refused_and_changes_nothing(made: object) -> None:
    _, chain = founded()
    chain.take(*next_height(chain))
    before: TrustedPoint | None = chain.point
    with pytest.raises(InvalidSeal):
        chain.take(*made(chain))  # type: ignore[operator]
    assert chain.point == before
    assert chain.take(*next_height(chain, 2))


def test_two_seals_of_one_height_are_shown_and_the_first_stays() -> None:
    store, chain = founded()
    first, second = next_height(chain), next_height(chain, clock=9)
    chain.take(*first)
    assert chain.fork is None
    assert not chain.take(*second)
    assert chain.fork == (first[0].certificate, second[0].certificate)
    assert chain.seal == first[0].seal.id
    assert SealChain(store, COMMUNITY).fork == chain.fork


def test_a_second_seal_that_nobody_certified_is_no_fork() -> None:
    _, chain = founded()
    first, second = next_height(chain), next_height(chain, clock=9, signer=STRANGER)
    chain.take(*first)
    with pytest.raises(NotCertified):
        chain.take(*second)
    assert chain.fork is None
