"""Membership proofs of members whose keys changed, by themselves or by sponsors."""

from __future__ import annotations

import pytest

from commonweal.protocol import keys
from commonweal.protocol.errors import BadSignature, NotPermitted
from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.key_rotation import SPONSORS_MAX
from commonweal.protocol.identity.membership_proof import CREDENTIALS_BYTES_MAX
from commonweal.protocol.keys import MemberKey
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    FIRST,
    seed,
)
from tests.protocol.identity.credentials import (
    ENROLMENT,
    FIRST_KEYS,
    LAST,
    NEW_DEVICE,
    NEW_ENROLMENT,
    NEXT,
    REKEY,
    SECOND_KEYS,
    SPONSOR_A,
    SPONSOR_B,
    VOUCH,
    by_key,
    check,
    claim,
    named,
    rekey,
    second_device,
)


def test_a_device_under_a_later_key_is_shown_with_the_change_of_keys() -> None:
    found = claim(FIRST, ENROLMENT, REKEY, NEW_ENROLMENT, VOUCH, author=NEW_DEVICE)
    assert found.member == BO.id
    assert found.key_sets == (FIRST_KEYS.key_set, SECOND_KEYS.key_set)
    assert found.continues(FIRST_KEYS.key_set, 0), "who missed the change is told of it"
    assert found.continues(SECOND_KEYS.key_set, 1)
    assert not found.continues(((MemberKey(LAST.key),), 1), 1)


def test_without_the_change_of_keys_a_later_key_shows_nothing() -> None:
    with pytest.raises(BadSignature):
        check(FIRST, ENROLMENT, NEW_ENROLMENT, VOUCH, author=NEW_DEVICE)
    with pytest.raises(BadSignature):
        check(FIRST, ENROLMENT, NEW_ENROLMENT, REKEY, VOUCH, author=NEW_DEVICE)
    with pytest.raises(NotPermitted, match="first ones are not shown"):
        check(FIRST, REKEY, NEW_ENROLMENT, VOUCH, author=NEW_DEVICE)


def test_who_knows_the_change_is_not_fooled_by_leaving_it_out() -> None:
    thief, stolen = second_device(BO)
    for shown in ((FIRST, ENROLMENT, stolen, VOUCH), (FIRST, ENROLMENT, stolen, REKEY, VOUCH)):
        found = claim(*shown, author=thief)
        assert found.continues(FIRST_KEYS.key_set, 0), "where the change is not known"
        assert not found.continues(SECOND_KEYS.key_set, 1)
    own = rekey(BO.member_signer, FIRST_KEYS, LAST)
    thief, stolen = by_key(LAST, 2)
    found = claim(FIRST, ENROLMENT, own, stolen, VOUCH, author=thief)
    assert not found.continues(SECOND_KEYS.key_set, 1), "another change by the old key"


def test_keys_given_by_sponsors_are_shown_with_enough_of_their_words() -> None:
    circle = named(2, SPONSOR_A, SPONSOR_B)
    sponsored = key_rotation.apply_sponsors(FIRST_KEYS, COMMUNITY, circle.data)
    words = [rekey(one, sponsored, NEXT) for one in (SPONSOR_A, SPONSOR_B)]
    shown = (FIRST, ENROLMENT, circle, *words, NEW_ENROLMENT, VOUCH)
    assert claim(*shown, author=NEW_DEVICE).continues(SECOND_KEYS.key_set, 1)
    with pytest.raises(BadSignature):
        check(FIRST, ENROLMENT, circle, words[0], NEW_ENROLMENT, VOUCH, author=NEW_DEVICE)
    with pytest.raises(BadSignature):
        check(FIRST, ENROLMENT, circle, *words[:1] * 2, NEW_ENROLMENT, VOUCH, author=NEW_DEVICE)
    with pytest.raises(BadSignature):
        check(FIRST, ENROLMENT, *words, NEW_ENROLMENT, VOUCH, author=NEW_DEVICE)


def test_a_recovery_by_seven_sponsors_fits_into_a_hello() -> None:
    sponsors = [keys.Signer(seed("sponsor", n)) for n in range(SPONSORS_MAX)]
    circle = named(SPONSORS_MAX, *sponsors)
    sponsored = key_rotation.apply_sponsors(FIRST_KEYS, COMMUNITY, circle.data)
    words = [rekey(one, sponsored, NEXT) for one in sponsors]
    shown = (FIRST, ENROLMENT, circle, *words, NEW_ENROLMENT, VOUCH)
    assert sum(len(one.wire) for one in shown) <= CREDENTIALS_BYTES_MAX
    assert claim(*shown, author=NEW_DEVICE).member == BO.id
