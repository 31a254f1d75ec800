"""The fold does not care how records arrive."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from weakref import ref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.vocabulary.rule_params import MembershipRules, RuleParams
from tests.protocol.ledger.scenes import Scene, quantity
from tests.protocol.ledger.village import Village, outcome

EXAMPLES = 1000 if "COMMONWEAL_EXAMPLES" in os.environ else 250
"""The storms on whole nodes fold the same scenes: the many are for `make fuzz-long`."""
TWO = RuleParams(membership=MembershipRules(vouches=2))
SEEDS = st.integers(0, 2**32 - 1)


def whole(scene: Scene) -> Ledger:
    """Return the ledger of all records of a scene at once."""
    ledger = Ledger(scene.village.community, rules=TWO)
    for author, seq in scene.freezes:
        ledger.freeze(author, seq)
    ledger.add(scene.village.records)
    return ledger


def in_pieces(scene: Scene, rng: Random) -> Ledger:
    """Return the ledger of the same, shuffled, split, and read in between."""
    ledger = Ledger(scene.village.community, rules=TWO)
    records, freezes = scene.shuffled(), list(scene.freezes)
    while records or freezes:
        size = rng.choice((1, 2, 5, 30))
        ledger.add(records[:size])
        del records[:size]
        if freezes and rng.random() < 0.4:
            ledger.freeze(*freezes.pop(rng.randrange(len(freezes))))
        match rng.randrange(4):
            case 0:
                ledger.fold()
            case 1:
                ledger.fold(rng.randrange(40))
            case _:
                pass
    return ledger


def check_any_order(number: int, acts: int, kinds: str = "") -> None:
    scene = Scene(number, acts, kinds)
    rng = Random(number + 1)
    expected = outcome(whole(scene), scene.village.records)
    for _ in range(2):
        assert outcome(in_pieces(scene, rng), scene.village.records) == expected


@settings(max_examples=EXAMPLES)
@given(SEEDS, st.integers(0, 40))
def test_any_order_and_any_split_give_one_state(number: int, acts: int) -> None:
    check_any_order(number, acts)


@settings(max_examples=EXAMPLES // 2)
@given(SEEDS, st.integers(0, 40))
def test_revocations_and_proofs_in_any_order_give_one_state(number: int, acts: int) -> None:
    check_any_order(number, acts, "device")


@settings(max_examples=EXAMPLES // 2)
@given(SEEDS, st.integers(0, 40))
def test_newcomers_in_any_order_give_one_state(number: int, acts: int) -> None:
    check_any_order(number, acts, "member")


def test_the_scenes_have_ties_and_records_that_count_and_many_that_do_not() -> None:
    ties, reasons = 0, dict.fromkeys(Reason, 0)
    counted: dict[str, int] = {}
    for number in range(150):
        scene = Scene(number, 40)
        ledger = whole(scene)
        clocks = [record.clock for record in scene.village.records]
        ties += len(clocks) - len(set(clocks))
        for record in scene.village.records:
            verdict = ledger.verdict(record.id)
            if verdict is None:
                counted[record.kind] = counted.get(record.kind, 0) + 1
            else:
                reasons[verdict] += 1
    assert ties > 1000
    assert all(counted[kind] for kind in ("event", "attest", "role.endorse", "member.vouch"))
    assert sum(1 for count in reasons.values() if count) > 45


def test_the_state_does_not_depend_on_the_process() -> None:
    script = (
        "from hashlib import blake2b\n"
        "from tests.protocol.ledger.fold.test_fold import *\n"
        "scenes = [Scene(number, 40) for number in range(8)]\n"
        "ledgers = [in_pieces(scene, Random(1)) for scene in scenes]\n"
        "pairs = zip(ledgers, scenes)\n"
        "found = [outcome(one, scene.village.records) for one, scene in pairs]\n"
        "print(blake2b(repr(found).encode()).hexdigest())"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[4],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    ]
    assert len(set(printed)) == 1


def test_a_delivery_that_comes_twice_changes_nothing() -> None:
    scene = Scene(7, 40)
    ledger = whole(scene)
    before = outcome(ledger, scene.village.records)
    ledger.add(scene.shuffled())
    assert ledger.waiting == 0
    assert outcome(ledger, scene.village.records) == before
    assert len(ledger) == len(scene.village.records)


def test_a_late_record_folds_again_only_what_lies_after_it() -> None:
    village = Village()
    late = village.pen("Mei", 1)
    late.enrol([village.records[0]], is_new=False)
    for _ in range(50):
        village.mei.write("event", work(village))
    ledger = village.ledger()
    ledger.fold()
    record = late.write("event", work(village), [village.mei.log[40]])
    ledger.add([record])
    place = (record.clock, record.id)
    assert ledger.waiting == sum((one.clock, one.id) >= place for one in village.records)
    assert ledger.waiting <= 11


def test_nothing_is_folded_until_somebody_reads() -> None:
    scene = Scene(3, 40)
    ledger = Ledger(scene.village.community, rules=TWO)
    ledger.add(scene.shuffled())
    assert ledger.waiting == len(scene.village.records)
    assert not ledger.fold(1)
    assert ledger.waiting == len(scene.village.records) - 1
    assert ledger.fold()
    assert ledger.waiting == 0


def test_a_refused_record_leaves_no_trace() -> None:
    village = Village()
    before = village.ledger().state.to_bytes()
    village.mei.write("event", {"action": "sing"})
    village.mei.write("event", work(village) | {"fulfills": bytes(32)})
    village.mei.write("invite.create", {"key": b"", "uses": 0})
    assert village.ledger().state.to_bytes() == before


def test_a_ledger_above_a_cut_says_what_one_of_all_says() -> None:
    for number in range(30):
        scene = Scene(number, 40, "event")
        records = sorted(scene.village.records, key=lambda record: (record.clock, record.id))
        half = len(records) // 2
        below = Ledger(scene.village.community, rules=TWO)
        below.add(records[:half])
        above = Ledger(scene.village.community, base=below.state, rules=TWO)
        above.add(records[half:])
        both = dict(below.state.changes()) | dict(above.state.changes())
        assert {k: v for k, v in both.items() if v is not None} == dict(
            whole(scene).state.changes()
        )
        assert list(above.state.items(b"B")) == list(whole(scene).state.items(b"B"))


def work(village: Village) -> dict[str, object]:
    return {"action": "work", "provider": village.founder.id, "effortQuantity": quantity(1, "hour")}


def test_a_revocation_that_held_only_through_another_falls_with_it() -> None:
    village = Village()
    jun, lin = village.join("Jun"), village.join("Lin")
    good = len(jun.log) - 1
    second, third, other = (
        village.pen("Jun", 1),
        village.pen("Jun", 2),
        village.pen("Lin", 1),
    )
    for pen in (second, third, other):
        pen.enrol([jun.log[-1], lin.log[-1]], is_new=False)
    left = jun.write("member.leave", {}, [third.log[0]])
    void = third.write("event", work(village), [left])
    second.write("event", work(village), [void])
    inner = second.revoke(third, 0)
    late = other.write("member.leave", {}, [inner])
    lin.write("event", work(village), [inner])
    lin.write("event", work(village))
    outer = lin.revoke(jun, good, by=jun.owner)
    assert late.clock < outer.clock
    ledger = village.ledger([one for one in village.records if one != late])
    assert ledger.verdict(outer.id) is None
    assert ledger.verdict(left.id) == Reason.DEVICE_REVOKED
    assert ledger.verdict(inner.id) is None, "since its author's member never left"
    ledger.add([late])
    assert outcome(ledger, village.records) == outcome(village.ledger(), village.records)
    assert ledger.verdict(outer.id) == Reason.NOT_A_MEMBER
    assert ledger.verdict(inner.id) == Reason.NOT_A_MEMBER


class TestState:
    """A state goes back to any mark, over a base or over nothing."""

    @pytest.mark.parametrize("base", [None, State()])
    def test_rollback_restores_what_was(self, base: State | None) -> None:
        if base is not None:
            base.put(b"tb", 1)
            base.put(b"tz", 2)
        state = State(base)
        state.put(b"ta", [1])
        before, mark = list(state.items(b"t")), state.mark()
        state.put(b"ta", [2])
        state.delete(b"tb")
        state.put(b"tc", "new")
        assert state.get(b"tb") is None
        assert [key for key, _ in state.items(b"tc")] == [b"tc"]
        state.rollback(mark)
        assert list(state.items(b"t")) == before

    def test_what_is_put_and_deleted_again_is_no_change(self) -> None:
        base = State()
        base.put(b"ta", 1)
        state = State(base)
        state.put(b"tb", 1)
        state.delete(b"tb")
        state.put(b"ta", 2)
        state.put(b"ta", 1)
        assert list(state.changes()) == []
        state.delete(b"ta")
        assert list(state.changes()) == [(b"ta", None)]
        assert list(state.items(b"t")) == []

    def test_what_is_kept_survives_the_way_back(self) -> None:
        state = State()
        mark = state.mark()
        state.put(b"ta", 1)
        state.put_permanent(b"Zx", 3)
        state.rollback(mark)
        assert list(state.changes()) == [(b"Zx", 3)]


def test_a_ledger_and_its_records_end_with_their_last_use() -> None:
    ledger = whole(Scene(1, 40))
    state, seen = ledger.state, ref(ledger)
    before = state.to_bytes()
    gc.disable()
    try:
        del ledger
        assert seen() is None and state.to_bytes() == before
    finally:
        gc.enable()
