"""What is sealed stays: late, back-dated, revoked and removed; and one root however it was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol import keys, merkle
from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.checkpoint import roots
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.finality.seal_contents import check_new, check_same
from commonweal.protocol.ledger.governance import witness_set
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.sharing import valuation
from commonweal.protocol.ledger.state.evidence import (
    Misbehaviour,
    equivocation_id,
    evidence_of,
    log_end_id,
    resolve,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.cut import tree_changes
from tests.protocol.ledger.council import HOUR, SAID, process, rules
from tests.protocol.ledger.village import Pen
from tests.protocol.ledger.workshop import Workshop, busy, hours, paying


def current(history: History) -> tuple[bytes, ...]:
    """Return the roots of what is final, by the trees that were kept up to date."""
    return tuple(merkle.update(tree, {}).root for tree in history.trees)


def from_nothing(history: History) -> tuple[bytes, ...]:
    """Return the same from the whole state, and the whole cut."""
    every = [
        (key, roots.leaf(value))
        for table in range(1, 128)
        for key, value in history.final.items(bytes([table]))
    ]
    people = [pair for pair in every if pair[0][:1] in roots.MEMBERS]
    cut = tree_changes(history.logs.values())
    return merkle.update({}, cut).root, merkle.root_of(every), merkle.root_of(people)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["work", "earn", "claim", "cut", "vote"]), st.integers(0, 2)),
        max_size=14,
    )
)
def test_the_roots_kept_are_those_of_the_whole_state(acts: list[tuple[str, int]]) -> None:
    names = ("Mei", "Jun", "Ana")
    shop = Workshop(paying(), *names[1:])
    for act, number in acts:
        name, other = names[number], names[(number + 1) % 3]
        match act:
            case "work":
                shop.work(name, number + 1, by=other)
            case "earn":
                shop.earn(number + 1, by="Ana")
            case "claim":
                shop.write(name, "role.claim", {"role": "witness"})
            case "vote":
                proposal = shop.patch(name, {"membership": {"vouches": number + 1, **SAID}})
                shop.say(proposal, "yes", [name, other])
            case _:
                if shop.history.next_advance(shop.now_ms + 25 * HOUR) is not None:
                    shop.cut(25)
                assert current(shop.history) == from_nothing(shop.history)
    if shop.history.next_advance(shop.now_ms + HOUR) is not None:
        shop.cut()
    assert current(shop.history) == from_nothing(shop.history)


def test_fifty_heights_have_the_roots_of_the_whole_state() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    for number in range(50):
        shop.work("Jun", number + 1, by="Ana")
        if number % 7 == 0:
            shop.earn(100 + number)
        shop.cut()
    assert shop.history.cut.height == 50
    assert current(shop.history) == from_nothing(shop.history)


class Counting(dict[bytes, bytes]):
    """The nodes of a tree, counting what is read of them."""

    reads = 0

    def get(self, place: bytes, default: Any = None) -> Any:
        self.reads += 1
        return super().get(place, default)


def test_the_state_root_costs_what_changes_and_not_what_there_is() -> None:
    counts = []
    for size in (800, 12_800):
        pairs = {b"k%d" % number: b"v" for number in range(size)}
        tree = Counting(merkle.restore(pairs.items(), merkle.root_of(pairs.items())))
        changed = merkle.update(tree, {b"k%d" % number: b"w" for number in range(10)})
        counts.append(tree.reads + len(changed.pages))
    small, large = counts
    assert large < 2 * small


# What comes late.


def early(shop: Workshop) -> Record:
    """Write as if nothing that happened since the admission were known."""
    data = {"action": "work", "provider": shop.id("Ana"), "effortQuantity": hours(9)}
    return shop.pens["Ana"].write("event", data, claimed_at=1)


def late_attest(shop: Workshop) -> Record:
    """Say no, too late, to what is sealed and paid."""
    done = next(one for one in shop.records if one.kind == "event")
    return shop.pens["Ana"].write("attest", {"event": done.id, "say": "no"}, [done])


def late_vote(shop: Workshop) -> Record:
    proposal = next(one for one in shop.records if one.kind == "rules.propose")
    return shop.pens["Ana"].write("rules.vote", {"proposal": proposal.id, "say": "no"}, [proposal])


def late_leave(shop: Workshop) -> Record:
    return shop.pens["Jun"].write("member.leave", {})


def late_revocation(shop: Workshop) -> Record:
    """Revoke a device from before what it wrote and is sealed."""
    return shop.mei.revoke(shop.pens["Jun"], 2)


LATE: dict[str, Callable[[Workshop], Record]] = {
    "an event of before": early,
    "a no to what was paid": late_attest,
    "a vote that ended": late_vote,
    "who leaves": late_leave,
    "a device is revoked from long ago": late_revocation,
}


@pytest.mark.parametrize("name", LATE)
def test_what_comes_late_books_at_its_seal_and_changes_nothing_that_is_final(name: str) -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Mei")
    proposal = shop.patch("Mei", {"membership": {"vouches": 1, **SAID}})
    shop.say(proposal, "yes", "Mei Jun")
    shop.earn(1000, by="Mei")
    shop.attest(next(one for one in shop.records if one.kind == "event"), "Mei")
    shop.cut()
    shop.cut(25)
    paid, sealed = shop.paid(), [*shop.sealed]
    adopted, verdicts = shop.history.ruleset.id, [shop.history.verdict(r.id) for r in shop.records]
    known = [*shop.records]
    written = LATE[name](shop)
    final = shop.history.final.to_bytes()
    shop.learn()
    assert shop.history.final.to_bytes() == final
    shop.cut()
    assert shop.history.is_final(written.id)
    assert {who: amount for who, amount in shop.paid().items() if who in paid} == paid
    assert shop.history.ruleset.id == adopted
    assert [shop.history.verdict(r.id) for r in known] == verdicts
    assert shop.sealed[: len(sealed)] == sealed
    booked = valuation.booked_at(shop.history.final, written.id)
    assert booked == ((3, shop.now_ms) if name == "an event of before" else None)


def test_who_was_removed_writes_nothing_that_counts_above_the_seal() -> None:
    shop = Workshop(
        rules(governance={"ordinary": process(early=True), "membership": process(early=True)}),
        "Jun",
        "Ana",
    )
    before = shop.work("Jun", 1)
    proposal = shop.remove("Ana", "Jun")
    shop.say(proposal, "yes", "Mei Ana")
    after = shop.work("Jun", 2)
    shop.cut()
    later = shop.work("Jun", 3)
    shop.cut()
    assert membership.member(shop.history.final, shop.id("Jun")).status == "removed"  # type: ignore[union-attr]
    assert shop.history.verdict(before.id) is None
    assert shop.history.verdict(after.id) is None
    assert shop.history.verdict(later.id) == Reason.NOT_A_MEMBER


def test_who_revokes_a_device_voids_what_no_seal_covers() -> None:
    shop = Workshop(paying(), "Jun")
    sealed = shop.work("Jun", 1)
    shop.cut()
    void = shop.work("Jun", 2)
    second = Pen(shop, shop.pens["Jun"].owner, 1)
    second.enrol([shop.records[-1]], is_new=False)
    shop.pens["Jun2"] = second
    second.revoke(shop.pens["Jun"], sealed.seq)
    shop.learn()
    shop.cut()
    assert shop.history.verdict(sealed.id) is None
    assert shop.history.verdict(void.id) == Reason.DEVICE_REVOKED


# Order.


def test_nobody_chooses_an_id_to_stand_first_in_a_seal() -> None:
    first_by_id = set()
    for number in range(8):
        shop = Workshop(paying(), "Jun", "Ana")
        shop.cut()
        heads = [pen.log[-1] for pen in shop.pens.values() if pen is not shop.mei]
        before = shop.mei.write("unit.define", {"unit": f"jar{number}"}, heads)
        one, two = (
            shop.pens[name].write("unit.define", {"unit": "cup"}, [before])
            for name in ("Jun", "Ana")
        )
        assert one.clock == two.clock
        shop.learn()
        shop.cut()
        root = shop.history.cut.root
        taken = min((one, two), key=lambda it: keys.hash32(keys.ORDER, root, it.id))
        counts = [it for it in (one, two) if shop.history.verdict(it.id) is None]
        assert counts == [taken]
        first_by_id.add(taken.id == min(one.id, two.id))
    assert first_by_id == {True, False}


# Evidence.

COMMUNITY = Workshop(paying()).community
ONE, TWO = DeviceKey(b"1" * 32), DeviceKey(b"2" * 32)


def test_evidence_is_named_by_what_it_says_and_read_by_who_holds_a_proof() -> None:
    facts = Misbehaviour(((ONE, 3), (TWO, 5)), (TWO,))
    named = evidence_of(COMMUNITY, facts)
    assert list(named) == sorted(named) and len(named) == 3
    assert resolve(COMMUNITY, named, {ONE: 3, TWO: 5}, [TWO]) == facts
    assert resolve(COMMUNITY, named, {ONE: 1, TWO: 5}, [ONE, TWO]) == facts
    missing = resolve(COMMUNITY, named, {ONE: 4}, []).missing
    assert set(missing) == set(named)
    assert log_end_id(COMMUNITY, ONE, 3) not in resolve(COMMUNITY, named, {ONE: 3}, []).missing


def test_what_took_effect_is_not_new() -> None:
    final = State()
    final.put(b"Z" + ONE, 3)
    final.put(witness_set.GUILTY + TWO, True)
    check_new(final, Misbehaviour(((ONE, 2), (TWO, 0)), (ONE,)))
    for facts in (
        Misbehaviour(((ONE, 3),), ()),
        Misbehaviour(((ONE, 4),), ()),
        Misbehaviour((), (TWO,)),
        Misbehaviour(((TWO, 1), (TWO, 2)), ()),
    ):
        with pytest.raises(InvalidSeal):
            check_new(final, facts)
    assert (
        equivocation_id(COMMUNITY, ONE)
        != equivocation_id(COMMUNITY, TWO)
        != log_end_id(COMMUNITY, TWO, 0)
    )


def test_what_differs_is_said_by_name() -> None:
    shop = busy()
    seal = shop.sealed[0][0].seal
    check_same(seal, seal)
    later = shop.sealed[1][0].seal
    with pytest.raises(InvalidSeal, match="another height"):
        check_same(seal, later)


# Seats.


def devices_by_member(shop: Workshop) -> dict[bytes, bytes]:
    found = (one.witness for one in witness_set.candidates(shop.history.final))
    return {one.member: one.device for one in found}


def test_the_founder_witnesses_until_they_give_the_role_back() -> None:
    shop = Workshop(paying(), "Jun")
    shop.cut()
    device, other = shop.mei.key, shop.pens["Jun"].key
    assert [one.witness.device for one in witness_set.candidates(shop.history.final)] == [device]
    shop.offer("Jun")
    shop.cut()
    shop.work("Jun", 1)
    shop.cut(present=[other])
    shop.write("Mei", "role.resign", {"role": "witness"})
    assert {one.device for one in witness_set.seated(shop.history.final)} == {device, other}
    shop.cut()
    offered = [one.witness.device for one in witness_set.candidates(shop.history.final)]
    assert offered == [other]
    assert [one.device for one in witness_set.seated(shop.history.final)] == [other]


def test_a_member_offers_the_device_that_claimed_last() -> None:
    shop = Workshop(paying(), "Jun")
    shop.write("Jun", "role.claim", {"role": "witness"})
    second = Pen(shop, shop.pens["Jun"].owner, 1)
    second.enrol([shop.records[-1]], is_new=False)
    again = second.write("role.claim", {"role": "witness"})
    twice = second.write("role.claim", {"role": "witness"})
    shop.learn()
    shop.cut()
    offered = {
        one.witness.member: one.witness.device for one in witness_set.candidates(shop.history.final)
    }
    assert offered[shop.id("Jun")] == second.key
    assert shop.history.verdict(again.id) is None
    assert shop.history.verdict(twice.id) == Reason.NOTHING_NEW
    second.revoke(second, len(second.log) - 1)
    shop.learn()
    shop.cut()
    offered = {
        one.witness.member: one.witness.device for one in witness_set.candidates(shop.history.final)
    }
    assert shop.id("Jun") not in offered


def test_rules_that_do_not_list_the_witness_have_him_and_may_ask_more() -> None:
    listed = {"baker": SAID}
    shop = Workshop(paying(roles=listed), "Jun")
    assert shop.history.verdict(shop.write("Jun", "role.claim", {"role": "witness"}).id) is None
    asking = {"witness": {"endorsements": 1, **SAID}}
    shop = Workshop(rules(roles=asking), "Jun")
    claim = shop.write("Jun", "role.claim", {"role": "witness"})
    shop.cut()
    offered = [one.witness.member for one in witness_set.candidates(shop.history.final)]
    assert shop.history.verdict(claim.id) is None and shop.id("Jun") not in offered
    shop.write("Mei", "role.endorse", {"role": "witness", "member": shop.id("Jun")})
    shop.cut()
    offered = [one.witness.member for one in witness_set.candidates(shop.history.final)]
    assert shop.id("Jun") in offered


# The grace of a basis.


def test_a_record_whose_basis_is_no_seal_of_the_community_counts_for_nothing() -> None:
    shop = Workshop(paying(), "Jun")
    shop.cut()
    shop.pens["Jun"].basis = (bytes(shop.history.seal), shop.history.cut.clock)
    good = shop.work("Jun", 1)
    shop.pens["Jun"].basis = (b"s" * 32, 1)
    bad = shop.work("Jun", 1)
    assert shop.history.verdict(bad.id) == Reason.UNKNOWN_BASIS
    shop.cut()
    assert shop.history.verdict(good.id) is None
    assert shop.history.verdict(bad.id) == Reason.UNKNOWN_BASIS


STRICT = {
    "admit": {
        "short": {
            "when": "event.effort <= 4",
            "en": "At most four hours.",
            "zh": "至多四小时。",
        }
    }
}


@pytest.mark.parametrize(("passed", "counts"), [(1, True), (23, True), (26, False)])
def test_an_event_may_follow_the_rules_its_author_knew_within_their_grace(
    passed: int, counts: bool
) -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.cut()
    jun = shop.pens["Jun"]
    jun.basis = (bytes(shop.history.seal), shop.history.cut.clock)
    proposal = shop.patch("Mei", STRICT)
    shop.say(proposal, "yes", "Mei Ana")
    shop.cut(1)
    shop.cut(25)
    assert shop.status(proposal) == "in force"
    knew_old = shop.work("Jun", 9)
    shop.cut(passed)
    assert (shop.history.verdict(knew_old.id) is None) == counts
    jun.basis = (bytes(shop.history.seal), shop.history.cut.clock)
    knew_new = shop.work("Jun", 9)
    shop.cut()
    assert shop.history.verdict(knew_new.id) == Reason.NOT_ADMITTED
