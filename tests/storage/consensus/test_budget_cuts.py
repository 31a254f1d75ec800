"""What a cut takes of one member: what the budget has left, on all nodes alike."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.ledger.members.budgets import SPENT, CutLimits, Meter, usage_on
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.rules.checks import faults
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.protocol.vocabulary.budget import (
    DAY_MS,
    MIB,
    NEW_LOG_MAX,
    NO_USAGE,
    RECORD_USAGE_MAX,
    Usage,
    log_window,
)
from commonweal.storage.consensus.proposals import PreparedProposal
from tests.builders.budgets import allow, rulesets_are_read_anew  # noqa: F401  a fixture for all here
from tests.builders.sealing_nodes import Node, proposal, seal_once
from tests.protocol.ledger.village import Pen, Person
from tests.protocol.ledger.workshop import Workshop, hours
from tests.storage.consensus.test_proposals import MINUTE, four, node_of, seal, signers_of

DAILY = 10


def alone(shop: Workshop, name: str) -> None:
    """Let somebody record work that cites nobody else's records."""
    data = {"action": "work", "provider": shop.id(name), "effortQuantity": hours(1)}
    shop.pens[name].write("event", data, [])


def height(node: Node) -> int:
    return node.assessor.outlook().height


def sealed(node: Node, shop: Workshop, name: str) -> int:
    """Return how many records of somebody's log are final."""
    node.assessor.outlook()
    log = node.kept.last.logs.get(shop.pens[name].key)
    return log.length if log else 0


def taken(nodes: Sequence[Node], shop: Workshop) -> None:
    for node in nodes:
        node.take(shop.records)


def seal_at(nodes: Sequence[Node], shop: Workshop, now_ms: int) -> None:
    seal_once(nodes, signers_of(shop), now_ms)


def small(monkeypatch: pytest.MonkeyPatch, records: int = DAILY) -> tuple[Workshop, list[Node]]:
    """Return a community of four witnesses that has sealed, with small budgets from now on."""
    shop, nodes = four()
    seal(nodes, shop)
    allow(monkeypatch, records)
    return shop, nodes


def test_a_cut_takes_of_a_member_what_the_day_has_left_and_the_rest_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, nodes = small(monkeypatch)
    before = sealed(nodes[0], shop, "Bo")
    used = usage_on(nodes[0].kept.final, shop.id("Bo"), 0, nodes[0].kept.ruleset.budget)
    for number in range(5 * DAILY):
        shop.work("Bo", number + 1)
    alone(shop, "Ana")
    taken(nodes, shop)
    now_ms = shop.now_ms + MINUTE
    seal_at(nodes, shop, now_ms)
    first = sealed(nodes[0], shop, "Bo") - before
    assert 0 <= first <= max(0, DAILY - used.used.records) + 1
    assert sealed(nodes[0], shop, "Ana") == nodes[0].store.log(shop.pens["Ana"].key).length
    for day in range(1, 4):
        held = sealed(nodes[0], shop, "Bo")
        assert nodes[0].assessor.outlook(now_ms).unsealed == 0, "nothing more today"
        now_ms += DAY_MS
        assert nodes[0].assessor.outlook(now_ms).unsealed > 0, day
        seal_at(nodes, shop, now_ms)
        assert sealed(nodes[0], shop, "Bo") - held == DAILY
    assert len({node.assessor.outlook(now_ms).seal for node in nodes}) == 1
    late = Node(shop.community, shop.documents)
    late.take(shop.records)
    for number in range(1, height(nodes[0]) + 1):
        kept = nodes[0].seals.at(number)
        assert kept is not None
        late.put(kept.sealed, kept)
    assert late.assessor.outlook().seal == nodes[0].assessor.outlook().seal
    assert late.assessor.outlook().alarm == ""


def drafted(shop: Workshop, node: Node) -> tuple[PreparedProposal, list[HaveFrontier]]:
    """Return what a node proposes, with the have-frontiers of all."""
    signers = signers_of(shop)
    seated = witness_devices(node.assessor.outlook().witnesses)
    haves = sorted((node.have(signers[one]) for one in seated), key=lambda have: have.device)
    draft = node.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    return draft, haves


def test_a_cut_over_the_budget_is_refused_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, nodes = four()
    seal(nodes, shop)
    for number in range(3 * DAILY):
        shop.work("Bo", number + 1)
    taken(nodes, shop)
    draft, haves = drafted(shop, nodes[0])  # as a node does that ignores budgets
    allow(monkeypatch, DAILY)
    liar = signers_of(shop)[witness_devices(nodes[0].assessor.outlook().witnesses)[0]]
    made = proposal(liar, draft, haves)
    for node in nodes[1:]:
        verdict = node.assessor.judge(made, shop.now_ms + MINUTE).verdict
        assert not verdict.sound
        assert "too much of the log" in verdict.reason


def test_what_cites_what_waits_keeps_no_seal_from_being_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor is a height begun for it again and again."""
    shop, nodes = small(monkeypatch)
    works = [shop.work("Bo", number + 1) for number in range(4 * DAILY)]
    taken(nodes, shop)
    now_ms = shop.now_ms + MINUTE
    seal_at(nodes, shop, now_ms)
    cited = works[-1]
    shop.pens["Ana"].write("attest", {"event": cited.id, "say": "yes"}, [cited])
    taken(nodes, shop)
    assert nodes[0].assessor.outlook(now_ms).unsealed == 0
    assert nodes[0].assessor.shown(now_ms) == ()
    held = sealed(nodes[0], shop, "Ana")
    alone(shop, "Jun")
    taken(nodes, shop)
    seal_at(nodes, shop, now_ms + MINUTE)
    assert sealed(nodes[0], shop, "Jun") == nodes[0].store.log(shop.pens["Jun"].key).length
    assert sealed(nodes[0], shop, "Ana") == held
    for _ in range(5):
        now_ms += DAY_MS
        if nodes[0].assessor.outlook(now_ms).unsealed:
            seal_at(nodes, shop, now_ms)
    for name in ("Ana", "Bo", "Jun"):
        assert sealed(nodes[0], shop, name) == nodes[0].store.log(shop.pens[name].key).length


def test_a_log_that_is_new_has_a_small_window_until_it_is_final(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What says whose it is stands in it, so it is charged to nobody before."""
    shop, nodes = four()
    seal(nodes, shop)
    allow(monkeypatch, 1_000, new=6)
    shop.pens["New"] = shop.join("New")
    for _ in range(9):
        alone(shop, "New")
    taken(nodes, shop)
    seal_at(nodes, shop, shop.now_ms + MINUTE)
    assert sealed(nodes[0], shop, "New") == 6
    seal_at(nodes, shop, shop.now_ms + 2 * MINUTE)
    assert sealed(nodes[0], shop, "New") == nodes[0].store.log(shop.pens["New"].key).length
    used = usage_on(nodes[0].kept.final, shop.id("New"), 0, nodes[0].kept.ruleset.budget)
    assert used.whole.records == sealed(nodes[0], shop, "New")


LIMITS = {
    "records": (1_000, 1_000_000),
    "header_mib": (1, 1_024),
    "document_mib": (1, 64),
    "text_mib": (1, 1_024),
    "days": (30, 36_600),
}


@pytest.mark.parametrize("key", LIMITS)
def test_no_rules_set_a_budget_beyond_fixed_limits(key: str) -> None:
    low, high = LIMITS[key]
    for value, is_good in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
        table = {key: value, "en": "So much.", "zh": "如此。"}
        found = faults({"name": "Lanxi", "budget": table})
        assert (not found) == is_good, (value, found)


def test_one_record_above_the_budget_is_taken_and_a_second_is_not() -> None:
    shop = Workshop({"name": "Lanxi"}, "Bo")
    node = node_of(shop)
    seal_once([node], signers_of(shop), shop.now_ms)
    node.assessor.outlook()
    budget = node.kept.ruleset.budget._replace(daily=Usage(3, 64 * MIB, MIB, MIB))
    final = node.kept.final
    final.delete(SPENT + shop.id("Bo"))
    limits = CutLimits(final, node.kept.last.logs, budget, 1)
    records = [shop.work("Bo", number + 1) for number in range(6)]
    meter = Meter(limits)
    assert [meter.take(one) for one in records] == [True] * 3 + [False] * 3
    Meter(limits).check(records[:3])
    with pytest.raises(InvalidSeal, match="too much of the log"):
        Meter(limits).check(records[:5])


def test_days_pay_off_what_was_used_and_the_whole_is_never_paid_off() -> None:
    shop = Workshop({"name": "Lanxi"}, "Bo")
    node = node_of(shop)
    seal_once([node], signers_of(shop), shop.now_ms)
    node.assessor.outlook()
    state, bo = node.kept.final, shop.id("Bo")
    budget = node.kept.ruleset.budget._replace(daily=Usage(3, 9, 9, 9), days=2)
    state.put(SPENT + bo, [10, [7, 0, 0, 0], [7, 0, 0, 0]])
    found = [usage_on(state, bo, day, budget).used.records for day in (9, 10, 11, 12, 13)]
    assert found == [7, 7, 4, 1, 0]
    assert usage_on(state, bo, 99, budget).whole == Usage(7)
    log = shop.pens["Bo"].key
    assert Meter(CutLimits(state, node.kept.last.logs, budget, 99)).is_full(log), "7 of 6 in all"
    more = budget._replace(days=3)
    assert not Meter(CutLimits(state, node.kept.last.logs, more, 99)).is_full(log)


def test_a_window_is_shared_among_devices_and_holds_any_record() -> None:
    budget = Workshop({"name": "Lanxi"}).history.ruleset.budget
    assert log_window(budget, 1) == budget.daily
    assert log_window(budget, 4).records == budget.daily.records // 4
    assert RECORD_USAGE_MAX.fits(log_window(budget, 64))
    assert NO_USAGE.fits(NEW_LOG_MAX)


def test_a_log_of_nobody_counts_for_the_member_who_cites_it() -> None:
    """Else a member has others keep logs that nobody admitted, as many as there are citations."""
    shop = Workshop({"name": "Lanxi"}, "Bo")
    node = node_of(shop)
    seal_once([node], signers_of(shop), shop.now_ms)
    node.assessor.outlook()
    state, budget = node.kept.final, node.kept.ruleset.budget
    limits = CutLimits(state, node.kept.last.logs, budget, node.kept.cut.time_ms // DAY_MS)
    nobody = Pen(shop, Person("Nobody"))
    junk = [nobody.write("junk", {"n": number}, []) for number in range(3)]
    cites = shop.pens["Bo"].write("comment", {}, [junk[-1]])
    used = {}
    for name, records in (("alone", [cites]), ("both", [*junk, cites])):
        over = State(state)
        limits.charge(over, records)
        used[name] = usage_on(over, shop.id("Bo"), limits.day, budget).used.records
    assert used["both"] - used["alone"] == len(junk)
