"""Keys that change: by the member's own word, or by enough of the sponsors they named."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.identity.key_rotation import SPONSORS_MAX, MemberKeys
from commonweal.protocol.keys import MemberKey, Signer
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.members import member_keys, membership
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import CommunityId, Record
from tests.protocol.ledger.village import Pen, Person, Village, outcome, seed

NAMES = ("Ann", "Bo", "Cai", "Dee")
NEW, OTHER = Signer(seed("new key")), Signer(seed("other key"))


def document(*signers: Signer, needed: int = 1) -> Inception:
    keys = tuple(sorted(MemberKey(one.key) for one in signers))
    return Inception(keys, needed, seed("nonce", *keys))


class Circle:
    """A village in which Jun named Ann, Bo and Cai, any two of them; Dee is no sponsor."""

    def __init__(self, needed: int = 2, names: tuple[str, ...] = ("Ann", "Bo", "Cai")) -> None:
        self.village = Village()
        self.pens = {name: self.village.join(name) for name in (*NAMES, "Jun")}
        self.jun = self.pens["Jun"]
        signers = [self.pens[name].owner.signer for name in names]
        self.named = self.name(self.jun.owner.signer, document(*signers, needed=needed))

    def keys(self, **changed: Any) -> MemberKeys:
        return MemberKeys(self.jun.owner.id, self.jun.owner.inception.keys, 1, **changed)

    def name(self, signer: Signer, sponsors: Inception | None, named: int = 0) -> Record:
        old = self.keys(named=named)
        data = key_rotation.sign_sponsors(signer, old, self.village.community, sponsors)
        return self.jun.write("member.sponsors", data)

    def say(self, by: str, wanted: Signer = NEW, rekeys: int = 0, pen: Pen | None = None) -> Record:
        """Let a sponsor say which key Jun shall have; it stands after Jun named them."""
        owner = self.pens[by].owner
        old = self.keys(rekeys=rekeys)
        place = (old, self.village.community, document(wanted), [self.jun.key])
        data = key_rotation.sign_rekey(owner.signer, *place)
        return (pen or self.pens[by]).write("member.rekey", data, [self.named])

    def key(self, ledger: Ledger) -> MemberKey:
        found = membership.member(ledger.state, self.jun.owner.id)
        assert found is not None
        return found.keys[0]


def test_enough_sponsors_give_a_member_a_new_key_and_fewer_do_not() -> None:
    circle = Circle()
    first = circle.say("Ann")
    ledger = circle.village.ledger()
    assert ledger.verdict(first.id) is None
    assert circle.key(ledger) == circle.jun.owner.signer.key
    circle.say("Cai")
    assert circle.key(circle.village.ledger()) == NEW.key


def test_the_outcome_does_not_depend_on_the_order_of_arrival() -> None:
    circle = Circle()
    circle.say("Ann")
    circle.say("Bo", OTHER)
    circle.say("Cai")
    records = circle.village.records
    expected = outcome(circle.village.ledger(), records)
    assert circle.key(circle.village.ledger()) == NEW.key
    for deliveries in ([records[::-1]], [[one] for one in reversed(records)]):
        ledger = Ledger(circle.village.community)
        for delivery in deliveries:
            ledger.add(delivery)
        assert outcome(ledger, records) == expected


def test_two_words_of_one_sponsor_are_one() -> None:
    circle = Circle()
    circle.say("Ann")
    again = circle.say("Ann")
    ledger = circle.village.ledger()
    assert ledger.verdict(again.id) == Reason.NOTHING_NEW
    assert circle.key(ledger) == circle.jun.owner.signer.key


def test_a_sponsor_may_think_again() -> None:
    circle = Circle()
    circle.say("Ann", OTHER)
    circle.say("Bo", NEW)
    assert circle.key(circle.village.ledger()) == circle.jun.owner.signer.key
    circle.say("Ann", NEW)
    assert circle.key(circle.village.ledger()) == NEW.key


def test_who_is_no_sponsor_says_nothing_of_a_members_keys() -> None:
    circle = Circle()
    circle.say("Ann")
    word = circle.say("Dee")
    ledger = circle.village.ledger()
    assert ledger.verdict(word.id) == Reason.NOT_SIGNED
    assert circle.key(ledger) == circle.jun.owner.signer.key


def test_without_sponsors_nobody_gives_a_member_other_keys() -> None:
    circle = Circle()
    none = circle.name(circle.jun.owner.signer, None, named=1)
    circle.named = none
    words = [circle.say(name) for name in ("Ann", "Bo", "Cai")]
    ledger = circle.village.ledger()
    assert ledger.verdict(none.id) is None
    assert [ledger.verdict(word.id) for word in words] == [Reason.NOT_SIGNED] * 3
    assert circle.key(ledger) == circle.jun.owner.signer.key


def test_who_still_has_his_keys_is_before_his_sponsors() -> None:
    circle = Circle()
    circle.say("Ann")
    own = key_rotation.sign_rekey(
        circle.jun.owner.signer,
        circle.keys(),
        circle.village.community,
        document(OTHER),
        [circle.jun.key],
    )
    circle.jun.write("member.rekey", own, [circle.pens["Ann"].log[-1]])
    late = circle.say("Bo", pen=circle.jun)
    ledger = circle.village.ledger()
    assert circle.key(ledger) == OTHER.key
    assert ledger.verdict(late.id) == Reason.NOT_SIGNED, "said of a change that is past"


def test_a_word_serves_once() -> None:
    circle = Circle()
    circle.say("Ann")
    last = circle.say("Bo")
    again = circle.pens["Cai"].write("member.rekey", last.data, [last])
    ledger = circle.village.ledger()
    assert circle.key(ledger) == NEW.key
    assert ledger.verdict(again.id) == Reason.NOT_SIGNED


def test_a_device_is_enrolled_by_the_new_key_and_no_more_by_the_old() -> None:
    circle = Circle()
    circle.say("Ann")
    last = circle.say("Bo")
    stolen = circle.village.pen("Jun", 1).enrol([last], is_new=False)
    person = Person("Jun")
    person.signer = NEW
    mine = Pen(circle.village, person, 2).enrol([last], is_new=False)
    ledger = circle.village.ledger()
    assert ledger.verdict(stolen.id) == Reason.NOT_SIGNED
    assert ledger.verdict(mine.id) is None


def test_a_device_that_was_made_up_with_the_old_key_and_an_early_place_is_ended() -> None:
    circle = Circle()
    early = circle.village.pen("Jun", 1)
    stolen = early.enrol()
    circle.say("Ann")
    last = circle.say("Bo")
    assert stolen.clock < last.clock
    used = early.write("unit.define", {"unit": "stone"}, [last])
    ledger = circle.village.ledger()
    assert ledger.verdict(used.id) == Reason.DEVICE_REVOKED
    assert membership.status_of(ledger.state, early.key) == "revoked"
    assert membership.status_of(ledger.state, circle.jun.key) == "active"


def test_which_devices_stay_is_signed() -> None:
    circle = Circle(needed=1)
    good = circle.say("Ann").data
    other = Circle(needed=1)
    for devices in ([], [bytes(32)], [circle.jun.key, circle.jun.key], "all", [b"x"], None):
        bad = other.pens["Ann"].write("member.rekey", {**good, "devices": devices}, [other.named])
        assert other.village.ledger().verdict(bad.id) in (Reason.NOT_SIGNED, Reason.SHAPE)


def test_only_the_members_own_keys_name_sponsors() -> None:
    circle = Circle()
    sponsors = document(circle.pens["Dee"].owner.signer)
    stolen = circle.name(circle.pens["Dee"].owner.signer, sponsors, named=1)
    replayed = circle.jun.write("member.sponsors", circle.named.data)
    ledger = circle.village.ledger()
    assert ledger.verdict(stolen.id) == Reason.NOT_SIGNED
    assert ledger.verdict(replayed.id) == Reason.NOT_SIGNED


def test_sponsors_are_at_most_seven() -> None:
    signers = [Signer(seed("sponsor", n)) for n in range(SPONSORS_MAX + 1)]
    circle = Circle()
    most = circle.name(circle.jun.owner.signer, document(*signers[:-1]), named=1)
    many = circle.name(circle.jun.owner.signer, document(*signers), named=2)
    ledger = circle.village.ledger()
    assert ledger.verdict(most.id) is None
    assert ledger.verdict(many.id) == Reason.SHAPE


@pytest.mark.parametrize(
    "spoilt",
    [
        {"inception": None},
        {"inception": b"x"},
        {"signatures": []},
        {"signatures": [[b"k"]]},
        {"signatures": None},
        {"member": b"m" * 32},
        {"member": "Jun"},
    ],
    ids=repr,
)
def test_a_word_with_a_piece_missing_counts_for_nothing(spoilt: dict[str, Any]) -> None:
    circle = Circle(needed=1)
    good = circle.say("Ann").data
    village = Circle(needed=1)
    bad = village.pens["Ann"].write("member.rekey", {**good, **spoilt}, [village.named])
    ledger = village.village.ledger()
    assert ledger.verdict(bad.id) is not None
    assert village.key(ledger) == village.jun.owner.signer.key


def test_the_state_says_whose_word_stands() -> None:
    circle = Circle()
    circle.say("Ann")
    found = member_keys.keys_of(circle.village.ledger().state, circle.jun.owner.id)
    assert found is not None
    ann = circle.pens["Ann"].owner.signer.key
    assert found.words == ((ann, document(NEW).to_bytes()),)
    assert (found.rekeys, found.named) == (0, 1)


def test_in_a_refounded_community_the_founding_record_is_cited() -> None:
    circle = Circle(needed=2)
    circle.say("Ann")
    state = circle.village.ledger().state
    before = state.get(member_keys.SUCCESSION + circle.jun.owner.id)
    community = CommunityId(seed("another"))
    row = member_keys.SuccessionRow(*member_keys.inherited_row(before, community))
    assert (row.naming, row.change, row.clock, list(row.words)) == (community, b"", 0, [])
    assert row.sponsors == before[1]
    circle.say("Bo")
    changed = circle.village.ledger().state.get(member_keys.SUCCESSION + circle.jun.owner.id)
    row = member_keys.SuccessionRow(*member_keys.inherited_row(changed, community))
    assert (row.naming, row.change, row.clock) == (community, community, 1)
