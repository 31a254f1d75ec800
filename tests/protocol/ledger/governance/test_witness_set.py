"""Seats: who gets one in a small set, and what is refused since the next seal needs one."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.identity import key_rotation
from commonweal.protocol.identity.identity import Inception
from commonweal.protocol.keys import DeviceKey, MemberId, MemberKey, Signer
from commonweal.protocol.ledger.governance import witness_set
from commonweal.protocol.ledger.members import member_keys, registry
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.witnesses import RECENT_SEALS
from tests.protocol.ledger.council import Council, rules
from tests.protocol.ledger.village import TEXT, Pen, outcome, seed

RESIGN = ("role.resign", {"role": "witness"})
NAMES = ("Mei", "Jun", "Ana", "Bo", "Lin", "Wei", "Yan")


def seated(council: Council) -> set[str]:
    """Return the names of those who witness the next height."""
    names = {pen.owner.id: name for name, pen in council.pens.items()}
    return {names[one.member] for one in witness_set.seated(council.history.final)}


def everybody(council: Council) -> list[DeviceKey]:
    return [pen.key for pen in council.pens.values()]


def council_of(witnesses: int, members: int = 0) -> Council:
    """Return a council of which the first so many witness."""
    council = Council(rules(), *NAMES[1 : max(witnesses, members)])
    council.cut()
    if witnesses > 1:
        council.offer(*NAMES[1:witnesses])
        council.cut(present=everybody(council))
        council.decide("Mei")
        while len(seated(council)) < witnesses:
            council.cut(present=everybody(council))
            council.decide("Mei")
    assert seated(council) == set(NAMES[:witnesses])
    return council


def verdict(council: Council, record: Record) -> Reason | None:
    council.learn()
    return council.history.verdict(record.id)


# Taking a seat.


def test_a_newcomer_takes_no_second_seat_unasked_and_stops_nothing() -> None:
    """Two of two must agree: whoever takes the second seat and goes would end all finality."""
    council = Council(rules(), "Jun")
    council.offer("Jun", by=())
    for _ in range(3):
        council.cut(present=everybody(council))
        council.decide("Mei")
    assert seated(council) == {"Mei"}
    left = council.write("Jun", "member.leave", {})
    assert verdict(council, left) is None
    council.cut()
    assert seated(council) == {"Mei"}


@pytest.mark.parametrize("missing", ["Mei", "Jun", "Ana", None])
def test_below_four_each_who_is_seated_endorses_who_comes(missing: str | None) -> None:
    council = council_of(3, members=4)
    council.offer("Bo", by=[one for one in ("Mei", "Jun", "Ana") if one != missing])
    for _ in range(3):
        council.cut(present=everybody(council))
        council.decide("Mei")
    assert ("Bo" in seated(council)) is (missing is None)


def test_four_need_no_endorsement_of_those_who_are_seated() -> None:
    council = council_of(4, members=5)
    council.offer("Lin", by=())
    council.cut(present=everybody(council))
    council.decide("Mei")
    council.cut(present=everybody(council))
    assert "Lin" in seated(council)


def test_endorsed_offers_are_taken_together_up_to_four() -> None:
    council = Council(rules(), *NAMES[1:4])
    council.offer(*NAMES[1:4])
    council.cut()
    council.decide("Mei")
    council.cut(present=everybody(council))
    assert seated(council) == set(NAMES[:4])


def test_an_endorsement_counts_for_the_claim_that_it_names() -> None:
    council = Council(rules(), "Jun")
    council.offer("Jun")
    council.write("Jun", *RESIGN)
    council.offer("Jun", by=())
    for _ in range(3):
        council.cut(present=everybody(council))
        council.decide("Mei")
    assert seated(council) == {"Mei"}


def test_a_witness_who_is_silent_is_not_asked_and_one_who_is_heard_from_is() -> None:
    council = council_of(3, members=4)
    here = [council.pens[one].key for one in ("Mei", "Jun", "Bo")]
    council.offer("Bo", by=("Mei", "Jun"))
    for _ in range(RECENT_SEALS - 1):
        council.cut(present=here)
        council.write("Mei", "member.profile", {}, TEXT)
    assert "Bo" not in seated(council)
    for _ in range(2):
        council.cut(present=here)
        council.write("Mei", "member.profile", {}, TEXT)
    assert "Bo" in seated(council)


def test_another_device_of_a_witness_needs_nobodys_word() -> None:
    council = council_of(1, members=2)
    second = Pen(council, council.founder, 1)
    second.enrol([council.records[-1]], is_new=False)
    second.write("role.claim", {"role": "witness"})
    council.cut()
    council.decide("Jun")
    council.cut(present=[second.key])
    assert [one.device for one in witness_set.seated(council.history.final)] == [second.key]


# Giving one up.


def revoke(council: Council, name: str) -> Record:
    """Let another device of a member end that which has the seat."""
    pen = council.pens[name]
    second = Pen(council, pen.owner, 1)
    second.enrol([council.records[-1]], is_new=False)
    return second.revoke(pen, len(pen.log) - 1)


def rekey(council: Council, name: str, staying: list[DeviceKey]) -> Record:
    """Let a member change their key, and name the devices that stay."""
    pen = council.pens[name]
    keys = member_keys.keys_of(council.history.state, pen.owner.id)
    assert keys is not None
    wanted = Inception((MemberKey(Signer(seed(name, "new")).key),), 1, seed(name, "nonce 2"))
    data = key_rotation.sign_rekey(pen.owner.signer, keys, council.community, wanted, staying)
    return council.write(name, key_rotation.REKEY, data)


def leave(council: Council, name: str) -> Record:
    return council.write(name, "member.leave", {})


ENDS: dict[str, Any] = {
    "leaving": leave,
    "revoking the device": revoke,
    "a new key that ends the device": lambda council, name: rekey(council, name, []),
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize(("witnesses", "refused"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 5)])
def test_no_act_takes_away_the_quorum_that_it_needs_to_become_final(
    how: str, witnesses: int, refused: int
) -> None:
    """Of so many witnesses all may go one by one, in one cut, until a quorum is left."""
    council = council_of(witnesses)
    verdicts = [verdict(council, ENDS[how](council, one)) for one in NAMES[:witnesses]]
    going = witnesses - refused
    assert verdicts == [None] * going + [Reason.SEAT_NEEDED] * refused
    council.cut()
    assert len(seated(council) - set(NAMES[:going])) == refused


def test_what_was_refused_is_void_for_ever_and_can_be_done_later() -> None:
    council = council_of(2, members=4)
    refused = leave(council, "Jun")
    council.offer("Ana", "Bo")
    council.cut(present=everybody(council))
    council.decide("Mei")
    council.cut(present=everybody(council))
    assert len(seated(council)) == 4
    assert verdict(council, refused) == Reason.SEAT_NEEDED
    again = leave(council, "Jun")
    assert verdict(council, again) is None
    council.cut()
    assert seated(council) == {"Mei", "Ana", "Bo"}


def test_the_seat_is_handed_on_then_its_owner_leaves() -> None:
    council = council_of(2)
    resigned = council.write("Jun", *RESIGN)
    early = leave(council, "Jun")
    assert [verdict(council, one) for one in (resigned, early)] == [None, Reason.SEAT_NEEDED]
    council.cut()
    assert seated(council) == {"Mei"}
    assert verdict(council, leave(council, "Jun")) is None


def test_the_only_witness_keeps_the_role_until_another_has_a_seat() -> None:
    council = council_of(1, members=2)
    assert verdict(council, council.write("Mei", *RESIGN)) == Reason.LAST_WITNESS
    council = council_of(2)
    resigned = [council.write(one, *RESIGN) for one in ("Mei", "Jun")]
    assert [verdict(council, one) for one in resigned] == [None, Reason.LAST_WITNESS]


@pytest.mark.parametrize("how", ENDS)
def test_who_has_no_seat_goes_at_once(how: str) -> None:
    council = council_of(1, members=2)
    assert verdict(council, ENDS[how](council, "Jun")) is None


def test_a_device_without_the_seat_is_revoked_and_a_key_changed_that_keeps_it() -> None:
    council = council_of(1)
    second = Pen(council, council.founder, 1)
    second.enrol([council.records[-1]], is_new=False)
    assert verdict(council, council.mei.revoke(second, 0)) is None
    assert verdict(council, rekey(council, "Mei", [council.mei.key])) is None


def test_the_order_of_arrival_decides_nothing_about_who_may_go() -> None:
    council = council_of(3)
    gone = [leave(council, one) for one in ("Jun", "Ana", "Mei")]
    records, ledgers = council.records, []
    for order in (records, records[::-1]):
        ledger = council.ledger(order)
        ledger.assume_sealed(witness_set.seated(council.history.final), ())
        ledgers.append(outcome(ledger, gone))
    assert ledgers[0] == ledgers[1]
    assert sorted(map(str, ledgers[0][1].values())) == sorted(
        map(str, [None, Reason.SEAT_NEEDED, Reason.SEAT_NEEDED])
    )


# A ledger of membership alone, as nodes keep it.


def test_a_ledger_without_seals_is_told_who_is_seated_and_what_seals_refused() -> None:
    council = council_of(2, members=3)
    refused, jun = leave(council, "Jun"), council.id("Jun")
    ledger = council.ledger()
    assert registry.member_row(ledger.state, jun).status == registry.LEFT  # type: ignore[union-attr]
    ledger.assume_sealed(witness_set.seated(council.history.final), ())
    assert ledger.verdict(refused.id) == Reason.SEAT_NEEDED
    council.offer("Ana")
    council.cut(present=everybody(council))
    council.decide("Mei")
    council.cut(present=everybody(council))
    ledger = council.ledger()
    ledger.assume_sealed(witness_set.seated(council.history.final), [refused.id])
    assert registry.member_row(ledger.state, MemberId(jun)).status == registry.ACTIVE  # type: ignore[union-attr]
    ledger.assume_sealed(witness_set.seated(council.history.final), ())
    assert registry.member_row(ledger.state, jun).status == registry.LEFT  # type: ignore[union-attr]
