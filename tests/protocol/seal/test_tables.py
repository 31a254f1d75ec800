"""Tables: quorums, the time of a seal, when one is due, fairness, seats."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol import merkle
from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.seal import cut, formats, have_frontiers, timing, validation
from commonweal.protocol.seal.cut import Delta, SealedLog
from commonweal.protocol.seal.quorum import quorum_of
from commonweal.protocol.seal.timing import BACK_MS_MIN, SKEW_MS_MAX, SealDemand
from commonweal.protocol.seal.witnesses import (
    RECENT_SEALS,
    SAFE_WITNESSES_MIN,
    SEATS_CHANGED_MAX,
    SEATS_DEFAULT,
    Candidate,
    Witness,
    next_witnesses,
    seats_added_max,
    witness_set_root,
)
from tests.builders import cuts
from tests.protocol.seal import scenes
from tests.protocol.seal.scenes import START_MS
from tests.protocol.seal.witness import COMMUNITY, LOGS, record_id

# Quorums. By hand: witnesses, needed, silent that it survives, lying that it survives.

QUORUMS = [
    *((1, 1, 0, 0), (2, 2, 0, 0), (3, 2, 1, 0), (4, 3, 1, 1), (5, 4, 1, 1), (6, 4, 2, 1)),
    *((7, 5, 2, 2), (8, 6, 2, 2), (9, 6, 3, 2), (10, 7, 3, 3), (31, 21, 10, 10)),
]


@pytest.mark.parametrize(("witnesses", "needed", "crashes", "lies"), QUORUMS)
def test_quorums_are_as_the_table_says(
    witnesses: int, needed: int, crashes: int, lies: int
) -> None:
    quorum = quorum_of(witnesses)
    assert (quorum.needed, quorum.crashes, quorum.lies) == (needed, crashes, lies)


@given(st.integers(1, 64))
def test_two_quorums_share_one_who_does_not_lie_and_the_rest_can_make_one(witnesses: int) -> None:
    quorum = quorum_of(witnesses)
    assert 2 * quorum.needed - witnesses > quorum.lies
    assert witnesses - quorum.lies >= quorum.needed
    assert quorum.needed <= 2 * (quorum.lies + 1)


# Time. The last seal's, the proposed, the witness's clock, and whether it may be.

TIMES = [
    ("the present", 1000, 5000, 5000, True),
    ("the millisecond after the last", 1000, 1001, 10**12, True),
    ("the same as the last", 1000, 1000, 1000, False),
    ("before the last", 1000, 999, 999, False),
    ("an hour before the last", 10**9, 10**9 - BACK_MS_MIN, 10**9 - BACK_MS_MIN, True),
    ("less than an hour before", 10**9, 10**9 - BACK_MS_MIN + 1, 10**9 - BACK_MS_MIN, False),
    ("before the last, by another clock", 10**9, 10**9 - BACK_MS_MIN, 10**9, False),
    ("two minutes ago", 1000, 10**9, 10**9 + SKEW_MS_MAX, True),
    ("more than two minutes ago", 1000, 10**9, 10**9 + SKEW_MS_MAX + 1, False),
    ("in two minutes", 1000, 10**9 + SKEW_MS_MAX, 10**9, True),
    ("in more than two minutes", 1000, 10**9 + SKEW_MS_MAX + 1, 10**9, False),
    ("after a seal from the future", 10**12, 10**12 + 1, 5000, True),
    ("long after a seal from the future", 10**12, 10**12 + 2, 5000, False),
]


@pytest.mark.parametrize(("what", "last_ms", "time_ms", "now_ms", "may"), TIMES)
def test_a_seal_may_bear_a_time(
    what: str, last_ms: int, time_ms: int, now_ms: int, may: bool
) -> None:
    assert timing.is_timely(time_ms, last_ms, now_ms) is may, what


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.integers(-SKEW_MS_MAX, SKEW_MS_MAX))
def test_what_a_proposer_takes_for_time_others_accept(last_ms: int, now_ms: int, skew: int) -> None:
    assert timing.is_timely(timing.seal_time(last_ms, now_ms), last_ms, now_ms + skew)


# When a height starts: oldest unsealed, deadline, asked, now, due, and when it will be.

DUE = [
    ("quiet", SealDemand(None, None, False), 10**9, False, None),
    ("asked while nothing waits", SealDemand(None, None, True), 10**9, False, None),
    ("just recorded", SealDemand(1000, None, False), 60_999, False, 61_000),
    ("recorded an interval ago", SealDemand(1000, None, False), 61_000, True, 61_000),
    ("recorded, and asked", SealDemand(1000, None, True), 1000, True, 1000),
    ("a deadline to come", SealDemand(None, 5000, False), 4999, False, 5000),
    ("a deadline that passed", SealDemand(None, 5000, False), 5000, True, 5000),
    ("a deadline before the interval", SealDemand(1000, 5000, False), 5000, True, 5000),
]


@pytest.mark.parametrize(("what", "waiting", "now_ms", "due", "at_ms"), DUE)
def test_a_height_starts(
    what: str, waiting: SealDemand, now_ms: int, due: bool, at_ms: int | None
) -> None:
    assert timing.is_due(waiting, now_ms, 60_000) is due, what
    assert timing.due_at(waiting, 60_000) == at_ms, what


# Fairness. What witnesses show of one log, f, what is sealed of it, and the least length.

FAIR = [
    ("one holds more", (5, 3, 3), 1, 0, 3),
    ("f+1 hold more", (5, 5, 3), 1, 0, 5),
    ("only a liar holds it", (9,), 1, 0, None),
    ("no liars: the most that is held", (2, 7), 0, 0, 7),
    ("as long as sealed", (4, 4, 4), 1, 4, None),
    ("two liars of seven overstate", (99, 99, 6, 5, 5), 2, 0, 6),
    ("nobody shows anything", (), 1, 0, None),
]


@pytest.mark.parametrize(("what", "shown", "lies", "sealed", "least"), FAIR)
def test_a_fair_cut_covers(
    what: str, shown: tuple[int, ...], lies: int, sealed: int, least: int | None
) -> None:
    last = {log.author: log for log in scenes.logs(sealed)}
    given_haves = [
        have_frontiers.HaveFrontier(
            1, scenes.POINT.seal, DeviceKey(bytes([place])), ((LOGS[0], one),), b""
        )
        for place, one in enumerate(shown)
    ]
    assert have_frontiers.fair_lengths(given_haves, last, lies).get(LOGS[0]) == least, what


def test_what_is_left_out_is_named_unless_evidence_excuses_it() -> None:
    least = {LOGS[0]: 3, LOGS[1]: 2}
    assert have_frontiers.left_out(least, scenes.delta(3, 2), {}) == ()
    assert have_frontiers.left_out(least, scenes.delta(4, 1), {}) == (LOGS[1],)
    assert have_frontiers.left_out(least, scenes.delta(0, 0), {}) == (LOGS[0], LOGS[1])
    assert have_frontiers.left_out(least, scenes.delta(3, 1), {}, [LOGS[1]]) == ()
    sealed = {log.author: log for log in scenes.logs(0, 2)}
    assert have_frontiers.left_out(least, scenes.delta(3), sealed) == ()


# Judging a proposal.


def judge(proposal: object, now_ms: int = START_MS, **more: object) -> None:
    validation.check_sound(proposal, scenes.POINT, {}, {})  # type: ignore[arg-type]
    validation.check_fresh(proposal, scenes.POINT, {}, now_ms, **more)  # type: ignore[arg-type]


def test_a_sound_and_fair_proposal_is_good() -> None:
    judge(scenes.proposal())


UNSOUND = {
    "another height": {"height": 2},
    "another link": {"prev": scenes.seal().id},
    "another cut": {"cut_root": bytes(32)},
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_proposal_is_refused(name: str) -> None:
    with pytest.raises(InvalidSeal):
        judge(scenes.proposal(**UNSOUND[name]))  # type: ignore[arg-type]


def test_a_clock_that_goes_back_and_a_log_that_does_not_grow_are_refused() -> None:
    later = scenes.POINT.__class__(COMMUNITY, 0, scenes.POINT.seal, 6, 0, scenes.SET)
    with pytest.raises(InvalidSeal, match="clock"):
        validation.check_sound(scenes.proposal(), later, {}, {})
    last = {log.author: log for log in scenes.logs(3)}
    with pytest.raises(InvalidSeal, match="does not grow"):
        validation.check_sound(scenes.proposal(), scenes.POINT, last, {})


def test_a_cut_holds_at_most_50_000_new_records() -> None:
    def of(length: int) -> Delta:
        return Delta((SealedLog(LOGS[0], length, record_id(LOGS[0], length)),), ())

    assert cut.extend({}, of(50_000))
    with pytest.raises(InvalidSeal, match="50001"):
        cut.extend({}, of(50_001))
    last = cut.extend({}, of(50_000))
    assert cut.new_records(last, of(100_000)) == 50_000


def test_only_a_deadline_lets_a_seal_be_empty() -> None:
    empty = Delta((), scenes.DEVICES[:3])
    made = scenes.proposal(of=empty)
    with pytest.raises(InvalidSeal, match="nothing to seal"):
        validation.check_sound(made, scenes.POINT, {}, {})
    with pytest.raises(InvalidSeal, match="nothing to seal"):
        validation.check_sound(made, scenes.POINT, {}, {}, deadline_ms=START_MS + 1)
    validation.check_sound(made, scenes.POINT, {}, {}, deadline_ms=START_MS)
    validation.check_sound(scenes.proposal(of=empty, evidence=(bytes(32),)), scenes.POINT, {}, {})


UNFAIR = [
    ("leaves out what two hold", scenes.delta(3, 1), {}, "leaves out"),
    ("is of another time", scenes.delta(3, 2), {"time_ms": START_MS - SKEW_MS_MAX - 1}, "clock"),
    ("hides who is present", Delta(scenes.logs(3, 2), scenes.DEVICES[:2]), {}, "present"),
]


@pytest.mark.parametrize(("what", "delta", "changed", "says"), UNFAIR)
def test_an_unfair_proposal_is_refused_while_fresh(
    what: str, delta: Delta, changed: dict[str, int], says: str
) -> None:
    made = scenes.proposal(of=delta, **changed)
    validation.check_sound(made, scenes.POINT, {}, {})
    with pytest.raises(InvalidSeal, match=says):
        judge(made)


def test_a_quorum_of_have_frontiers_is_asked_for_and_no_strangers() -> None:
    shown = scenes.haves((3,), (3,), (3,), (3,))
    everybody = scenes.DEVICES
    validation.check_haves(shown[:3], everybody, ())
    with pytest.raises(InvalidSeal, match="of 2 witnesses"):
        validation.check_haves(shown[:2], everybody, ())
    three = everybody[:3]
    with pytest.raises(InvalidSeal, match="no candidate"):
        validation.check_haves(shown, three, ())
    validation.check_haves(shown, three, everybody[3:])
    with pytest.raises(InvalidSeal, match="of 1 witnesses"):
        validation.check_haves(shown[2:], three, everybody[3:])


def test_what_a_candidate_without_a_seat_shows_does_not_count_for_fairness() -> None:
    signer, devices = scenes.SIGNERS[scenes.DEVICES[1]], scenes.DEVICES
    shown = scenes.haves((3,), (3,), (3,), (9,))
    delta = Delta(scenes.logs(3), devices)
    made = formats.sign_proposal(signer, 0, scenes.seal(delta), delta, shown)
    three = replace(scenes.POINT, witnesses=scenes.SET[:3])
    validation.check_fresh(made, three, {}, START_MS, candidates=devices[3:])
    with pytest.raises(InvalidSeal, match="leaves out"):
        four = formats.sign_proposal(
            signer, 0, scenes.seal(delta), delta, scenes.haves((3,), (9,), (9,), (3,))
        )
        validation.check_fresh(four, scenes.POINT, {}, START_MS)


def test_a_full_cut_may_leave_the_rest_for_the_next() -> None:
    full = Delta((SealedLog(LOGS[2], 25_000, record_id(LOGS[2], 25_000)),), scenes.DEVICES[:3])
    judge(scenes.proposal(of=full))
    short = Delta((SealedLog(LOGS[2], 24_999, record_id(LOGS[2], 24_999)),), scenes.DEVICES[:3])
    with pytest.raises(InvalidSeal, match="leaves out"):
        judge(scenes.proposal(of=short))


def test_the_have_frontiers_that_fit_go_into_a_proposal_witnesses_first() -> None:
    shown = scenes.haves((3,), (3,), (3,), (3,))
    most = have_frontiers.have_logs_max(4)
    long = have_frontiers.HaveFrontier(
        1, scenes.POINT.seal, DeviceKey(bytes(32)), ((LOGS[0], 1),) * most, b""
    )
    too_long = have_frontiers.HaveFrontier(
        1, scenes.POINT.seal, DeviceKey(bytes(32)), ((LOGS[0], 1),) * (most + 1), b""
    )
    assert have_frontiers.select_have_frontiers([too_long, *shown[::-1]], scenes.DEVICES) == shown
    many = [
        have_frontiers.HaveFrontier(1, long.prev, DeviceKey(bytes([n]) * 32), long.logs, b"")
        for n in range(9)
    ]
    chosen = have_frontiers.select_have_frontiers([*many, *shown], scenes.DEVICES)
    assert set(shown) <= set(chosen)
    assert sum(len(have.logs) for have in chosen) <= have_frontiers.HAVES_LOGS_MAX < 9 * most


def test_the_root_of_a_cut_kept_up_to_date_is_that_from_nothing() -> None:
    first, second = scenes.delta(3, 2), Delta(scenes.logs(4, 0, 7), scenes.DEVICES[1:])
    tree = merkle.update({}, cut.tree_changes(first.logs))
    after = merkle.update({k: v for k, v in tree.pages.items() if v}, cut.tree_changes(second.logs))
    whole = cut.extend(cut.extend({}, first), second)
    assert cut.cut_root(after.root, second.present) == cuts.whole_cut_root(whole, second.present)
    assert cuts.delta_between(cut.extend({}, first), whole, scenes.DEVICES[:0:-1]) == second


# Seats.

PEOPLE = [Witness(DeviceKey(bytes([n]) * 32), MemberId(bytes([n]) * 32)) for n in range(1, 21)]


def offered(*numbers: int, seen: int | None = 100) -> list[Candidate]:
    return [Candidate(PEOPLE[number], seen) for number in numbers]


def after(seated: range, candidates: list[Candidate]) -> tuple[Witness, ...]:
    return next_witnesses(COMMUNITY, 100, [PEOPLE[number] for number in seated], candidates)


def test_who_offers_and_is_heard_from_takes_a_seat_two_at_a_time() -> None:
    assert set(after(range(1), offered(0, 1))) == set(PEOPLE[:2])
    assert len(after(range(4), offered(*range(7)))) == 4 + SEATS_CHANGED_MAX
    assert after(range(1), [*offered(0), *offered(1, seen=None)]) == (PEOPLE[0],)
    assert after(range(1), [*offered(0), *offered(1, seen=100 - RECENT_SEALS)]) == (PEOPLE[0],)
    assert len(after(range(1), [*offered(0), *offered(1, seen=101 - RECENT_SEALS)])) == 2


@pytest.mark.parametrize("seated", [1, 2, 3])
def test_a_set_below_four_is_filled_up_to_four_at_once(seated: int) -> None:
    most = max(SEATS_CHANGED_MAX, SAFE_WITNESSES_MIN - seated)
    assert len(after(range(seated), offered(*range(7)))) == seated + most
    assert len(after(range(seated), offered(*range(seated + 1)))) == seated + 1


def test_who_gives_up_the_role_goes_and_the_last_one_stays() -> None:
    assert set(after(range(5), offered(0, 1, 2, 4))) == {*PEOPLE[:3], PEOPLE[4]}
    assert len(after(range(5), offered(0))) == 3
    assert after(range(1), []) == (PEOPLE[0],)


@pytest.mark.parametrize(
    ("seats", "silent", "new", "stays"),
    [(4, 1, 0, True), (3, 1, 0, True), (5, 1, 0, False), (4, 1, 1, False), (3, 1, 2, False)],
)
def test_for_silence_alone_nobody_goes_while_it_would_cost_safety(
    seats: int, silent: int, new: int, stays: bool
) -> None:
    heard = offered(*range(silent, seats + new))
    chosen = after(range(seats), [*offered(*range(silent), seen=50), *heard])
    assert (PEOPLE[0] in chosen) is stays
    assert len(chosen) == seats + new - (not stays)


def test_a_replaced_device_gives_its_seat_to_its_successor() -> None:
    new = Witness(DeviceKey(b"\xff" * 32), PEOPLE[0].member)
    chosen = after(range(4), [*offered(1, 2, 3), Candidate(new, 100)])
    assert set(chosen) == {new, *PEOPLE[1:4]}


@given(st.integers(1, 20), st.integers(0, 1000), st.lists(st.integers(0, 19), unique=True))
def test_seats_are_few_change_slowly_and_do_not_depend_on_order(
    heights: int, height: int, numbers: list[int]
) -> None:
    seated: tuple[Witness, ...] = (PEOPLE[0],)
    for at in range(height, height + heights):
        candidates = offered(*numbers, seen=at)
        chosen = next_witnesses(COMMUNITY, at, seated, candidates)
        again = next_witnesses(COMMUNITY, at, seated[::-1], candidates[::-1])
        assert chosen == again
        assert 1 <= len(chosen) <= SEATS_DEFAULT
        assert len(set(chosen) - set(seated)) <= seats_added_max(len(seated))
        assert len(set(seated) - set(chosen)) <= SEATS_CHANGED_MAX
        assert witness_set_root(chosen) == witness_set_root(chosen[::-1])
        seated = chosen


def test_who_sits_is_not_known_before_the_seal_before_is() -> None:
    """Else a key could be searched for that draws well at many heights."""
    sets = {
        next_witnesses(bytes([one]) * 32, 9, PEOPLE[:7], offered(*range(12), seen=9))
        for one in range(20)
    }
    assert len(sets) > 10


def test_above_seven_every_candidate_sits_sooner_or_later() -> None:
    seated: tuple[Witness, ...] = tuple(PEOPLE[:7])
    sat = set(seated)
    for height in range(200):
        seated = next_witnesses(COMMUNITY, height, seated, offered(*range(12), seen=height))
        assert len(seated) == SEATS_DEFAULT
        sat |= set(seated)
    assert sat == set(PEOPLE[:12])
