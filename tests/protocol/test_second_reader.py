"""The second reader follows communities that it was not written for, seal by seal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest

from commonweal.protocol.records import record
from commonweal.protocol.seal.cut import delta_to_bytes
from commonweal.protocol.seal.formats import sealed_to_bytes
from tests.protocol.ledger.baking import ended, flow, planned
from tests.protocol.ledger.circle import NAME, Circle, circle
from tests.protocol.ledger.council import SAID, Council, process, rules
from tests.protocol.ledger.exchange.market_story import told
from tests.protocol.ledger.exchange.promotion import promoting_story
from tests.protocol.ledger.press import raising
from tests.protocol.ledger.sharing.stories import Teller, Told
from tests.protocol.ledger.workshop import Workshop, busy, euros, paying
from tests.second_reader.fold import Reader
from tests.second_reader.records import Record


def voting() -> Council:
    """Return a council that changes its rules, removes a member, and tries rules out."""
    council = Council(rules(), "Jun", "Ana", "Bo")
    changes: list[dict[str, Any]] = [
        {"membership": {"vouches": 2, **SAID}},
        {"governance": {"ordinary": {"trial_hours": 5}}},
        {"contributions": {"attestations": 2, **SAID}},
    ]
    for change in changes:
        proposal = council.patch("Jun", change)
        council.cut()
        council.say(proposal, "yes", "Mei Jun Ana")
        council.cut(25)
    removal = council.remove("Mei", "Bo")
    council.cut()
    council.say(removal, "yes", "Jun Ana")
    council.cut(25)
    council.decide("Jun")
    council.cut()
    council.cut(25)
    return council


def sharing() -> Council:
    """Return a workshop with equal shares, commissions, and an income corrected three times."""
    buckets = [
        {"name": "a", "share": "30%", "divide": "equal", "claim": "once", **SAID},
        {"name": "b", "share": "70%", "claim": "equity", "where": "event.effort > 2000", **SAID},
    ]
    shop = Workshop(paying(buckets=buckets, commission=["10%", "5%"]), "Jun", "Ana", "Bo")
    shop.write("Ana", "referral", {"referrer": shop.id("Jun")})
    shop.write("Bo", "referral", {"referrer": shop.id("Ana")})
    for name, hours, attester in (("Jun", 3, "Ana"), ("Ana", 2, "Jun"), ("Bo", 7, "Jun")):
        shop.work(name, hours, by=attester)
    came = shop.earn(1001)
    shop.cut()
    for number, more in enumerate((-1000, 555, 4000), 1):
        shop.earn(99 * number)
        shop.cut()
        data = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(more)}
        shop.write("Mei", "event", data)
        word = {"event": came.id, "say": "yes", "corrections": number}
        shop.write("Jun", "attest", word)
        shop.work("Bo", number, by="Jun")
        shop.cut()
    return shop


def silent() -> Council:
    """Return a council where silence is consent, which some object to and some vote on."""
    governance = {
        "ordinary": process(),
        "constitution": process(threshold="2/3", blocks=1),
        "membership": process(),
        "lazy": {
            "period_hours": 24,
            "covers": ["contributions"],
            "decisions": True,
            "objections": 2,
            **SAID,
        },
    }
    document = rules(governance=governance)
    council = Council(document, "Jun", "Ana", "Bo")
    for number in (1, 2, 3, 4):
        change = {"contributions": {"attestations": number + 1, **SAID}}
        over = {"vote": True} if number == 3 else {}
        proposal = council.patch("Jun", change, **over)
        decision = council.decide("Ana", **over)
        council.cut()
        council.say(proposal, "no", ("Mei", "Mei Ana", "Mei", "Bo")[number - 1])
        council.say(decision, "yes", "Jun Bo")
        council.cut(25)
    lazy = {"lazy": {"covers": ["contributions", "value"], "objections": 1}}
    proposal = council.patch("Bo", {"governance": lazy})
    council.cut()
    council.say(proposal, "yes", "Mei Jun Ana")
    council.cut(25)
    return council


def planning() -> Council:
    """Return a workshop that bakes by a recipe, once by a plan and once by a newer recipe."""
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    shop.cut()
    baking = planned(shop)
    shop.cut()
    ended(baking)
    shop.cut()
    plan, hour = baking.plan("Bo", due=None), flow("work", {"n": 1, "scale": 0, "unit": "hour"})
    baking.intend("Bo", plan, hour, receiver=shop.id("Bo"))
    baking.intend("Bo", plan, hour, receiver=None, provider=None)
    shop.cut()
    for _ in range(401):
        baking.process("Bo", plan)
    shop.cut()
    return shop


def failing() -> Council:
    """Return a council whose votes fail as soon as they can no longer pass."""
    document = rules()
    for name in ("ordinary", "membership"):
        document["governance"][name] = process(
            early_failure=True, blocks=2, quorum="3/4", min_yes=4, threshold="1/5"
        )
    council = Council(document, "Jun", "Ana", "Bo", "Lin")
    for word, names in (("no", "Mei Ana"), ("no", "Mei Ana Bo"), ("block", "Ana Bo")):
        change = council.patch("Jun", {"membership": {"vouches": 2, **SAID}})
        decision = council.decide("Ana")
        council.cut()
        council.say(change, word, names)
        council.say(decision, "yes", names)
        council.cut()
        council.say(decision, "abstain", "Jun")
        council.cut(25)
    council.decide("Jun")
    council.cut()
    for name in ("Bo", "Lin"):
        council.write(name, "member.leave", {})
        council.cut()
    return council


def indifferent() -> Council:
    """Return a council whose members leave some choices to others, on one ballot and on two."""
    document = rules(roles={"keeper": SAID})
    over = {"indifferent": True, "min_yes": 2, "quorum": "1/2", "blocks": 2}
    document["governance"]["ordinary"] = process(**over, threshold="2/3", voters="keeper")
    document["governance"]["membership"] = process(**over, early_failure=True)
    document["governance"]["constitution"] = process(threshold="2/3")
    council = Council(document, "Jun", "Ana", "Bo", "Lin")
    for name in ("Mei", "Jun", "Ana"):
        council.write(name, "role.claim", {"role": "keeper"})
    council.cut()
    both = {
        "membership": {"vouches": 2, **SAID},
        "contributions": {"attestations": 2, **SAID},
    }
    for change in (both, {"charter": SAID}, {"membership": {"vouches": 1, **SAID}}):
        proposal, decision = council.patch("Jun", change), council.decide("Ana")
        removal = council.remove("Mei", "Lin")
        council.say(proposal, "indifferent", "Bo")
        council.cut()
        for one in (proposal, decision, removal):
            council.say(one, "indifferent", "Ana Bo")
            council.say(one, "yes", "Mei Jun")
        council.cut()
        council.say(decision, "block", "Ana")
        council.say(proposal, "no", "Lin")
        council.cut()
        council.cut(25)
    return council


def lending(points_in: str) -> Council:
    """Return a workshop whose debts are counted in a unit, and paid in three parts."""
    buckets = [{"name": "d", "share": "100%", "claim": "debt", "points_in": points_in, **SAID}]
    shop = Workshop(paying("event.effort + 7", buckets=buckets), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 2, by="Jun")
    shop.earn(101)
    shop.cut()
    for amount in (203, 10_000_000, 5):
        shop.earn(amount)
        shop.cut()
    return shop


HALVED: dict[str, Any] = {"name": "h", "share": "10%", "claim": "equity"}
HALVED |= {"divide": "half_life", "half_life_hours": 7}


def owing(late: str) -> Council:
    """Return a workshop with debts, fading and balanced shares, traced income, late words."""
    actions: dict[str, Any] = {"actions": ["work"], **SAID}
    buckets: list[dict[str, Any]] = [
        {"name": "d", "share": "20%", "claim": "debt", **actions},
        {"name": "r", "share": "20%", "claim": "equity", "divide": "recent", **actions},
        {"name": "b", "share": "20%", "claim": "equity", "divide": "balanced", **actions},
        *([HALVED | actions] if late == "next_epoch" else []),
        {"name": "t", "share": "20%", "claim": "equity", "trace": True, **SAID},
        {"name": "o", "share": "100%", "of": "remainder", **actions},
    ]
    rules_of = paying(buckets=buckets, late=late, late_hours=2)
    rules_of["value"]["produce"] = {"points": "event.quantity", **SAID}
    shop = Workshop(rules_of, "Jun", "Ana", "Bo")
    baking = shop.write("Jun", "process", {})
    shop.work("Ana", 4, by="Jun", inputOf=baking.id)
    made: dict[str, Any] = {"action": "produce", "provider": shop.id("Bo"), "outputOf": baking.id}
    made |= {"newInventoriedResource": {}}
    made["resourceQuantity"] = {"n": 7, "scale": 0, "unit": "one"}
    cake = shop.write("Bo", "event", made)
    shop.attest(cake, "Jun")
    late_work = shop.work("Bo", 9)
    shop.work("Jun", 3, by="Ana")
    came = [shop.earn(9_001, earnedBy=cake.id), shop.earn(555)]
    shop.cut()
    shop.work("Ana", 1, by="Jun")
    came.append(shop.earn(31_007))
    shop.cut(30)
    shop.attest(late_work, "Ana")
    shop.attest(late_work, "Jun")
    came.append(shop.earn(70_001, earnedBy=came[0].id))
    shop.cut(5)
    for event, more in zip(came, (-9_000, 44, -31_007, 1_000), strict=True):
        data = {"action": "transfer", "corrects": event.id, "resourceQuantity": euros(more)}
        shop.write("Mei", "event", data)
        shop.write("Jun", "attest", {"event": event.id, "say": "yes", "corrections": 1})
    shop.cut()
    shop.earn(12_345)
    shop.cut()
    return shop


def handing() -> Council:
    """Return a workshop that repairs, carries and packs, and tries to give back too much."""
    shop = Workshop(paying(), "Jun", "Ana")

    def does(action: str, n: int, **over: Any) -> record.Record:
        quantity = {"n": n, "scale": 1, "unit": "one"}
        data = {"action": action, "provider": shop.id("Jun"), "resourceQuantity": quantity}
        return shop.write("Jun", "event", data | over)

    mends, packs = (shop.write("Jun", "process", {}).id for _ in range(2))
    things = does("raise", 100, newInventoriedResource={}).id
    box = does("raise", 10, newInventoriedResource={}).id
    of = {"resourceInventoriedAs": things}
    for taker, giver in (("accept", "modify"), ("pickup", "dropoff")):
        taken = does(taker, 30, inputOf=mends, **of)
        for n in (31, 12):
            does(giver, n, outputOf=mends, **of)
        does(giver, 1, **of)
        shop.cut()
        for n in (-19, -5):
            does(taker, n, corrects=taken.id)
        does(giver, 13, outputOf=mends, **of)
    does("combine", 40, inputOf=packs, containedIn=box, **of)
    does("separate", 41, outputOf=mends, **of)
    does("separate", 40, outputOf=mends, **of)
    does("modify", 1, **of)
    shop.cut()
    common = does("raise", 50, newInventoriedResource={}, receiver=shop.community)
    shop.attest(common, "Ana")
    of = {"resourceInventoriedAs": common.id}
    taken = does("accept", 20, inputOf=mends, **of)
    shop.attest(taken, "Ana")
    for n in (15, 15):
        shop.attest(does("modify", n, outputOf=mends, **of), "Ana")
    shop.cut()
    return shop


def giving() -> Council:
    """Return a circle with a reserve and two pools, whose rounds are full of what counts not."""
    reserve = {"name": "reserve", "share": "1/3", "to": "community", **SAID}
    fed = {"name": "given", "share": "100%", "of": "remainder", "to": "round", "round": NAME}
    document = circle([reserve, fed | SAID], most=70, givers="consumer")
    other = {"unit": "EUR", "scale": 1, "income": "event.scope == 'x'", **SAID}
    document["pools"]["other"] = {**other, "buckets": [fed | SAID]}
    shop = Circle(document, "Jun", "Ana", "Bo")
    for name in ("Mei", "Jun", "Ana"):
        shop.write(name, "role.claim", {"role": "consumer"})
    shop.cut()
    for number in range(5):
        shop.give("Mei", Jun=10 + number, Ana=50)
        shop.give("Jun", Ana=30, Bo=70, Mei=1)
        shop.give("Jun", Ana=30, Mei=70)
        shop.give("Ana", Bo=71)
        shop.give("Ana", Ana=1)
        shop.give("Bo", Ana=1)
        shop.give("Ana", opened=number, Bo=1)
        came = shop.earn(1_003 * number)
        shop.cut(2)
        shop.give("Ana", Bo=2)
        shop.cut(23)
        if number == 3:
            less = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(-3_009)}
            shop.write("Mei", "event", less)
            shop.write("Jun", "attest", {"event": came.id, "say": "yes", "corrections": 1})
            shop.write("Mei", "role.resign", {"role": "consumer"})
        shop.cut(24)
    shop.earn(50_000, inScopeOf="x")
    shop.cut()
    proposal = shop.patch("Jun", {"rounds": {NAME: {"givers": None}, "new": SAID}})
    shop.say(proposal, "yes", "Mei Jun Ana")
    shop.cut()
    shop.cut(25)
    return shop


def tracing(seed: int) -> Council:
    """Return a workshop whose incomes go back through a random story of things and processes."""
    claims: list[dict[str, Any]] = [
        {"claim": "once"},
        {"claim": "equity"},
        {"claim": "debt"},
        {"claim": "equity", "divide": "half_life", "half_life_hours": 7},
        {"claim": "once", "divide": "balanced"},
    ]
    buckets = [
        {"name": str(number), "share": "20%", "trace": True, **claim, **SAID}
        for number, claim in enumerate(claims)
    ]
    often = {"every_hours": 3} if seed % 2 else {}
    rules_of = paying("event.effort + 7", buckets=buckets, commission=["10%"], **often)
    made = ("raise", "produce", "lower", "consume", "transfer", "accept", "modify", "combine")
    rules_of["value"] |= {name: {"points": "event.quantity + 1", **SAID} for name in made}
    rules_of["contributions"] = {"units": ["loaf", "one", "EUR", "hour"], **SAID}
    shop = Workshop(rules_of, "Jun", "Ana")
    rng = Random(seed)

    def write(kind: str, data: dict[str, Any]) -> record.Record:
        name = rng.choice(["Jun", "Ana"])
        if data.get("action") == "work":
            data["provider"] = shop.id(name)
        return shop.write("Jun", kind, data)

    told = Told(Teller(seed).story, write, shop.id("Jun"))
    for number, event in enumerate(told.events):
        shop.attest(event, "Mei")
        if number % 9 == 8:
            sources = [*told.events[: number + 1], *told.processes, None]
            for amount in (997, 100, 3):
                source = rng.choice(sources)
                named: dict[str, Any] = {"earnedBy": source.id} if source else {}
                shop.earn(amount, **named)
            shop.cut()
    for came in [each for each in shop.records if "earnedBy" in each.data][::2]:
        less = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(-100)}
        shop.write("Mei", "event", less)
        shop.write("Jun", "attest", {"event": came.id, "say": "yes", "corrections": 1})
    shop.cut()
    shop.earn(5_000, earnedBy=told.events[-1].id)
    shop.cut()
    return shop


@pytest.mark.parametrize(
    "community",
    [
        *(partial(raising, gives, "return") for gives in ("gift", "loan", "reward")),
        *(partial(raising, gives, "go_on") for gives in ("loan", "reward")),
        partial(raising, "share", "extend"),
        *(busy, voting, sharing, silent, planning, failing, indifferent, handing, giving),
        *(partial(tracing, seed) for seed in range(6)),
        *(partial(told, seed) for seed in range(8)),
        *(partial(promoting_story.told, seed) for seed in range(4)),
        *(partial(lending, points_in) for points_in in ("smallest", "thousandths", "whole")),
        *(partial(owing, late) for late in ("next_epoch", "catch_up", "needs_attest_if_older")),
    ],
)
def test_the_second_reader_comes_to_the_root_of_each_seal(
    community: Callable[[], Council],
) -> None:
    council = community()
    records = [Record.read(record.wire) for record in council.records]
    reader = Reader(council.community, records, council.documents)
    assert len(council.sealed) > 3
    for sealed, delta in council.sealed:
        height = reader.read(sealed_to_bytes(sealed), delta_to_bytes(delta))
        assert height.state_root == sealed.seal.state_root
        assert height.distribution_root == sealed.seal.distribution_root
