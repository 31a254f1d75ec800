"""Logs: a run is as good as its last signature, and chained, clocked and complete."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.protocol.errors import (
    BadSignature,
    ForkedLog,
    InvalidRecord,
    Malformed,
    MissingDependency,
    MissingParent,
    WrongCommunity,
)
from commonweal.protocol.records import log, record
from commonweal.protocol.records.log import Tip
from commonweal.protocol.records.record import NO_ID, Record, RecordId
from tests.protocol.authors import (
    BO,
    COMMUNITY,
    EVE,
    FIRST,
    MEI,
    OTHER_COMMUNITY,
    Author,
    chain,
    header_fields,
    seed,
    signed,
    spoiled,
    tip,
    wires,
    write,
)

LOG = chain(BO, 6)
SEAL = RecordId(seed("seal"))
LATER_SEAL = RecordId(seed("a later seal"))
ELSEWHERE = write(EVE, None, clock=20)
HELD = {FIRST.id: FIRST.clock, SEAL: 40, LATER_SEAL: 50, ELSEWHERE.id: ELSEWHERE.clock}


def read(
    run: Sequence[Record | bytes],
    after: Record | None = None,
    author: Author = BO,
    trusted: RecordId = NO_ID,
) -> list[Record]:
    """Read a run after `after`, when what HELD names is held."""
    data = [one if isinstance(one, bytes) else one.wire for one in run]
    return log.read_run(COMMUNITY, author.device, tip(after), data, HELD.get, trusted)


def altered(one: Record, place: int, value: object) -> bytes:
    """Return a record with another value in its header, signed by its author."""
    fields = header_fields(one)
    fields[place] = value
    return signed(BO, fields)


def test_a_run_is_read_from_anywhere_in_its_log() -> None:
    assert read(LOG) == LOG
    assert read(LOG[3:], LOG[2]) == LOG[3:]
    assert read(LOG[5:], LOG[4]) == LOG[5:]
    assert read([]) == []
    assert read([FIRST], author=MEI) == [FIRST]


def test_the_last_signature_vouches_for_those_before_it() -> None:
    run = chain(BO, 2)
    run.append(spoiled(write(BO, run[-1])))
    run += chain(BO, 2, run[-1])
    assert read(run) == run
    assert log.last_badly_signed(run) == run[2]
    for cut in (3, 2):
        short = run[:cut]
        if cut == 3:
            with pytest.raises(BadSignature):
                read(short)
        else:
            assert read(short) == short


def test_a_run_that_ends_in_a_trusted_id_needs_no_signature() -> None:
    run = [*LOG[:3], spoiled(LOG[3])]
    with pytest.raises(BadSignature):
        read(run)
    assert read(run, trusted=run[3].id) == run
    with pytest.raises(BadSignature):
        read(run, trusted=run[2].id)


def test_a_last_record_by_another_key_is_refused() -> None:
    forged = LOG[5].header + EVE.signer.sign(LOG[5].header)
    with pytest.raises(BadSignature):
        read([*LOG[:5], forged])


@pytest.mark.parametrize("at", range(6))
def test_a_changed_byte_anywhere_in_a_run_is_noticed(at: int) -> None:
    data = wires(LOG)
    for place in (5, 50, 120, len(data[at]) - 1):
        changed = bytearray(data[at])
        changed[place] ^= 1
        with pytest.raises((InvalidRecord, Malformed)):
            read([*data[:at], bytes(changed), *data[at + 1 :]])


BREAKS = {
    "a gap": ([0, 1, 3, 4], None, MissingParent),
    "not from the tip on": ([1, 2], None, MissingParent),
    "behind the tip": ([0, 1], LOG[1], MissingParent),
    "in reverse": ([1, 0], None, MissingParent),
    "twice": ([0, 0], None, MissingParent),
}


@pytest.mark.parametrize(("order", "after", "error"), BREAKS.values(), ids=BREAKS)
def test_a_run_out_of_order_is_refused(
    order: list[int], after: Record | None, error: type[InvalidRecord]
) -> None:
    with pytest.raises(error):
        read([LOG[number] for number in order], after)


def test_a_run_that_does_not_follow_the_tip_is_a_fork() -> None:
    other = write(BO, LOG[1], data={"n": "another"})
    with pytest.raises(ForkedLog):
        read(LOG[3:], other)
    with pytest.raises(ForkedLog):
        read([*LOG[:2], other, *LOG[3:]])
    with pytest.raises(ForkedLog):
        log.read_run(COMMUNITY, BO.device, Tip(1, RecordId(bytes(32)), 2), wires(LOG[1:]), HELD.get)


def test_a_record_of_another_log_or_community_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="log of another device"):
        read([*LOG[:2], write(EVE, LOG[1])])
    with pytest.raises(InvalidRecord, match="log of another device"):
        read(LOG, author=EVE)
    with pytest.raises(WrongCommunity):
        read([*LOG[:2], write(BO, LOG[1], community=OTHER_COMMUNITY), LOG[3]])
    with pytest.raises(WrongCommunity):
        log.read_run(OTHER_COMMUNITY, BO.device, Tip(), wires(LOG), HELD.get)


def test_junk_in_the_middle_is_refused() -> None:
    for junk, error in ((b"junk", InvalidRecord), (b"\xc1" * 80, Malformed)):
        with pytest.raises(error):
            read([LOG[0], junk, LOG[1]])
    with pytest.raises(InvalidRecord):
        read([LOG[0], altered(LOG[1], 11, [b"", 0, 0]), LOG[2]])


# Clocks.


@pytest.mark.parametrize("clock", [1, 2, 4, 5, 2**62])
def test_a_clock_is_one_more_than_the_previous(clock: int) -> None:
    with pytest.raises(InvalidRecord, match=f"has clock {clock}, not 3"):
        read([LOG[0], write(BO, LOG[0], clock=clock)])
    assert read([LOG[0], write(BO, LOG[0], clock=3)])


def test_a_founding_record_has_clock_1() -> None:
    with pytest.raises(InvalidRecord, match="has clock 2, not 1"):
        fields = header_fields(FIRST)
        fields[5] = 2
        data = signed(MEI, fields)
        one = record.from_bytes(data)
        log.read_run(record.community_of(one), MEI.device, Tip(), [data], HELD.get)


def test_a_first_record_follows_the_founding_one() -> None:
    for clock in (1, 3):
        with pytest.raises(InvalidRecord, match=f"has clock {clock}, not 2"):
            read([write(BO, None, clock=clock)])


def test_a_clock_is_one_more_than_what_is_cited() -> None:
    cited = (ELSEWHERE.id,)
    good = write(BO, LOG[0], deps=cited, clock=21)
    assert read([LOG[0], good, write(BO, good)])
    for clock in (3, 20, 22):
        with pytest.raises(InvalidRecord, match="not 21"):
            read([LOG[0], write(BO, LOG[0], deps=cited, clock=clock)])


def test_what_is_cited_may_lie_lower_than_the_previous_record() -> None:
    assert read([*LOG[:3], write(BO, LOG[2], deps=(FIRST.id,))])
    assert read([*LOG[:3], write(BO, LOG[2], deps=(LOG[0].id,))])
    with pytest.raises(InvalidRecord, match="has clock 2, not 5"):
        read([*LOG[:3], write(BO, LOG[2], deps=(FIRST.id,), clock=2)])


def test_a_new_basis_moves_the_clock_once() -> None:
    moved = write(BO, LOG[1], basis=SEAL, clock=41)
    then = write(BO, moved, basis=SEAL)
    assert then.clock == 42
    assert read([*LOG[:2], moved, then])
    for clock in (4, 40, 42):
        with pytest.raises(InvalidRecord, match="not 41"):
            read([*LOG[:2], write(BO, LOG[1], basis=SEAL, clock=clock)])
    with pytest.raises(InvalidRecord, match="has clock 43, not 42"):
        read([*LOG[:2], moved, write(BO, moved, basis=SEAL, clock=43)])


def test_a_basis_that_changes_again_is_looked_at_again() -> None:
    one = write(BO, LOG[0], basis=SEAL, clock=41)
    two = write(BO, one, basis=LATER_SEAL, clock=51)
    back = write(BO, two, basis=SEAL, clock=52)
    assert read([LOG[0], one, two, back])
    with pytest.raises(InvalidRecord, match="has clock 42, not 51"):
        read([LOG[0], one, write(BO, one, basis=LATER_SEAL)])
    with pytest.raises(MissingDependency):
        read([LOG[0], one, write(BO, one, basis=RecordId(seed("unheard")))])


@pytest.mark.parametrize("at", [0, 1, 5])
def test_what_is_missing_is_named(at: int) -> None:
    unheard = RecordId(seed("unheard"))
    citing = write(BO, LOG[at - 1] if at else None, deps=(unheard,))
    with pytest.raises(MissingDependency) as caught:
        read([*LOG[:at], citing])
    assert caught.value.cited == unheard
    based = write(BO, LOG[at - 1] if at else None, basis=unheard)
    with pytest.raises(MissingDependency) as caught:
        read([*LOG[:at], based])
    assert caught.value.cited == unheard


def test_without_the_founding_record_nothing_is_taken() -> None:
    with pytest.raises(MissingDependency) as caught:
        log.read_run(COMMUNITY, BO.device, Tip(), wires(LOG), lambda id: None)
    assert caught.value.cited == COMMUNITY


def test_a_run_may_cite_itself_and_not_its_future() -> None:
    citing = write(BO, LOG[3], deps=tuple(sorted((LOG[0].id, LOG[2].id))))
    assert read([*LOG[:4], citing])[-1] == citing
    ahead = write(BO, LOG[0], deps=(LOG[4].id,))
    with pytest.raises(MissingDependency) as caught:
        read([LOG[0], ahead])
    assert caught.value.cited == LOG[4].id


@given(st.lists(st.sets(st.integers(0, 3), max_size=3), min_size=1, max_size=8))
def test_what_a_writer_places_a_reader_takes(wishes: list[set[int]]) -> None:
    foreign = sorted(HELD, key=lambda id: HELD[id])
    end: Record | None = None
    run: list[Record] = []
    for wish in wishes:
        deps = tuple(sorted(foreign[number] for number in wish))
        place = log.next_position(
            COMMUNITY, tip(end), RecordId(COMMUNITY), [HELD[d] for d in deps], 1
        )
        end = record.sign(BO.signer, place, record.RecordDraft("event", {}, 0, deps))
        run.append(end)
    assert read(run) == run


def test_the_first_place_of_a_log_is_after_the_founding_record() -> None:
    place = log.next_position(COMMUNITY, Tip(), RecordId(COMMUNITY), (), FIRST.clock)
    assert place == record.LogPosition(COMMUNITY, 0, NO_ID, 2, RecordId(COMMUNITY))
    after = log.next_position(COMMUNITY, tip(LOG[2]), SEAL, (7, 60), 40)
    assert after == record.LogPosition(COMMUNITY, 3, LOG[2].id, 61, SEAL)


# Kinds whose every signature counts.


def test_bad_signatures_of_kinds_that_decide_are_found() -> None:
    run: list[Record] = []
    for kind in ("event", "attest", "device.enrol", "event"):
        run.append(spoiled(write(BO, run[-1] if run else None, kind=kind)))
    run.append(write(BO, run[-1]))
    assert log.last_badly_signed(run) == run[3]
    assert log.last_badly_signed(run, log.ALWAYS_CHECKED) == run[2]
    assert log.last_badly_signed(run[:2], log.ALWAYS_CHECKED) is None
    assert log.last_badly_signed(LOG) is None
    assert log.last_badly_signed([]) is None


@pytest.mark.parametrize(
    "kind",
    [
        *("community.found", "device.revoke", "invite.create", "member.vouch", "rules.vote"),
        *("fork.resolve", "role.claim"),
    ],
)
def test_what_changes_who_may_do_what_is_always_checked(kind: str) -> None:
    assert kind.startswith(log.ALWAYS_CHECKED)
