"""Members who write anything: whatever the kinds and values, every seal can be made.

All kinds are mixed, with values that are near to right, and numbers at the ends of what
64 bits hold; what is written is folded by a second node in another order of arrival.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from commonweal.protocol.codec import INT_MAX, INT_MIN
from commonweal.protocol.ledger.claims import claims
from commonweal.protocol.ledger.fold.kinds import KINDS
from commonweal.protocol.ledger.governance import giving_rounds, proposals
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.actions import ACTIONS
from tests.protocol.ledger.council import SAID, process
from tests.protocol.ledger.treasury import Treasury, balance
from tests.protocol.ledger.village import TEXT
from tests.protocol.ledger.workshop import CUSTOMER, INCOME, euros, paying

NAMES = ("Mei", "Jun", "Ana", "Bo")
UNITS = ("EUR", "hour", "bean", "EUR", "EUR", "")
NUMBERS = (0, 1, -1, 100, 7, INT_MAX, INT_MAX - 1, INT_MIN, 2**62, 10**18)
FAIR = ("give", "work", "work", "earn", "earn", "correct", "pay", "pay", "vote", "dispute")
SMALL = (0, 1, -1, 100, 7, 10_000, -50)
DEEDS = 120


def document() -> dict[str, Any]:
    """Return rules in which everything can happen soon."""
    share: list[dict[str, Any]] = [
        {"name": "debt", "share": "30%", "claim": "debt", **SAID},
        {"name": "role", "share": "10%", "to": "role", "role": "promoter", **SAID},
        {"name": "traced", "share": "100%", "of": "remainder", "trace": True, "claim": "equity"},
        {"name": "once", "share": "50%", "of": "remainder", "claim": "once", "divide": "recent"},
    ]
    buckets = [{**one, **SAID} for one in share]
    made = paying("event.effort", buckets=buckets, late="catch_up", commission=["5%"])
    given = [{"name": "g", "share": "90%", "to": "round", "round": "circle", **SAID}]
    odd = f"{INCOME} && event.quantity >= 1000"
    made["pools"]["gifts"] = {"unit": "EUR", "income": odd, "buckets": given, **SAID}
    made["rounds"] = {"circle": {"points": 100, "every_hours": 2, "open_hours": 1, **SAID}}
    quick = process(early=True, period_hours=2)
    made["governance"] = {"ordinary": quick, "constitution": quick, "membership": quick}
    made["governance"]["lazy"] = {**process(period_hours=1), "covers": ["value"], "decisions": True}
    return made


class Anybody:
    """Chance that writes records; `shop` is where."""

    def __init__(self, seed: int, numbers: tuple[int, ...]) -> None:
        self.rng, self.numbers = Random(seed), numbers
        self.incomes: list[Record] = []
        self.paid: list[Record] = []
        self.shop = Treasury(document(), *NAMES[1:])

    def deed(self) -> None:
        """Write one record, as near to right as chance has it, or make a seal."""
        rng, shop = self.rng, self.shop
        if rng.random() < 0.15:
            shop.learn()
            if shop.history.next_advance(shop.now_ms + 3_600_000):
                shop.cut()
            return
        if rng.random() < 0.6:
            self.fair()
            return
        name = rng.choice(NAMES)
        kind = rng.choice([*KINDS, *["event"] * 12, *["attest"] * 12, "rules.vote", "dispute"])
        if kind == "community.found" or (kind == "member.leave" and rng.random() < 0.8):
            return
        data = {key: self.value(key) for key in self.keys(kind)}
        if rng.random() < 0.1:
            data[rng.choice([*data, "event"])] = self.junk()
        body = TEXT if kind.startswith(("rules.", "member.profile")) else None
        if kind == "rules.propose" and rng.random() < 0.6:
            points = f"event.effort * {rng.choice([0, 1, INT_MAX])}"
            patch = {"value": {"work": {"points": points, **SAID}}}
            shop.patch(name, patch, sunset=rng.choice([0, 1]))
            return
        shop.write(name, kind, data, body)

    def fair(self) -> None:
        """Write what counts in most cases, with any number."""
        rng, shop = self.rng, self.shop
        name, by = rng.sample(NAMES, 2)
        n = max(0, rng.choice(self.numbers))
        match rng.choice(FAIR):
            case "work":
                shop.work(name, n, by=by)
            case "earn":
                source = {"earnedBy": self.record().id} if rng.random() < 0.3 else {}
                self.incomes.append(shop.earn(n, by=by, writer=name, **source))
            case "correct" if self.incomes:
                self.correct(name, by)
            case "pay":
                self.pay(n)
            case "vote":
                for proposal in proposals.proposals(shop.history.state):
                    for who in NAMES:
                        shop.write(who, "rules.vote", {"proposal": proposal, "say": "yes"})
            case "give":
                for who in NAMES:
                    shop.write(who, "round.give", {**self.round(), "points": self.points(who)})
            case "dispute" if self.incomes and rng.random() < 0.5:
                shop.write(name, "dispute", {"event": rng.choice(self.incomes).id})

    def round(self) -> dict[str, Any]:
        """Return the round that is open, or none."""
        row = giving_rounds.round_row(self.shop.history.final, "circle")
        return {"round": "circle", "opened": 0 if row is None else row.height}

    def points(self, giver: str) -> list[list[Any]]:
        """Return points for some members, in most cases not for who gives them."""
        rng = self.rng
        names = [name for name in NAMES if name != giver or rng.random() < 0.1]
        some = sorted(self.shop.id(name) for name in rng.sample(names, rng.randint(0, 3)))
        return [[member, rng.choice([1, 10, 30, 90])] for member in some]

    def correct(self, name: str, by: str) -> None:
        """Correct an income to nothing, or by any number, and attest it."""
        rng, shop = self.rng, self.shop
        income = rng.choice(self.incomes)
        row = event_row(shop.history.state, income.id)
        if row is None or row.quantity is None:
            return
        more = euros(rng.choice([-row.quantity[0], rng.choice(self.numbers)]))
        data = {"action": "transfer", "corrects": income.id, "resourceQuantity": more}
        shop.write(name, "event", data)
        said = {"event": income.id, "say": "yes", "corrections": row.corrections + 1}
        shop.write(by, "attest", said)

    def pay(self, n: int) -> None:
        """Pay a claim, whole or not, and let everybody say something of the last payments."""
        rng, shop = self.rng, self.shop
        owed = claims.claims(shop.history.state)
        if owed:
            one = rng.choice(owed)
            to = next((name for name in NAMES if shop.id(name) == one.row.member), "Mei")
            amount = rng.choice([one.row.amount - one.paid.said, one.row.amount, n])
            self.paid.append(shop.pay(max(0, amount), to, one))
        for paid in rng.sample(self.paid, min(3, len(self.paid))):
            for who in NAMES:
                shop.confirm(paid, who, rng.choice(["yes", "yes", "no"]))

    def keys(self, kind: str) -> list[str]:
        """Return what a record of a kind says, more or less."""
        rng = self.rng
        match kind:
            case "event":
                if rng.random() < 0.3:
                    return ["action", "corrects", rng.choice(QUANTITIES)]
                found = ["action", "provider", "receiver", rng.choice(QUANTITIES)]
                return found + [one for one in EVENT if rng.random() < 0.15]
            case "attest" | "dispute":
                return ["event", "say"] + (["corrections"] if rng.random() < 0.5 else [])
            case "rules.vote" | "rules.comment" | "rules.withdraw":
                return ["proposal", "say"]
            case "rules.propose":
                return ["subject", "member", "base", "sunset"]
            case "intent" | "commitment":
                found = ["action", "provider", "receiver", rng.choice(QUANTITIES), "due"]
                return found + [one for one in PLANNED if rng.random() < 0.3]
            case "recipe.process":
                return ["basedOn", "hasDuration", "inputs", "outputs"]
            case "recipe":
                return ["name", "resourceConformsTo", "resourceQuantity", "processes"]
            case "plan" | "plan.end":
                return ["name", "resourceQuantity", "due", "plan"]
            case "agent.claim":
                return ["agent"]
            case "round.give":
                return ["round", "opened", "points"]
            case _:
                return ["role", "member", "referrer", "unit", "name", "publishes", "stipulates"]

    def value(self, key: str) -> Any:
        """Return a value that may stand under a key."""
        rng, shop = self.rng, self.shop
        members = [shop.id(name) for name in NAMES]
        match key:
            case "action":
                return rng.choice(["work", "transfer", "transfer", "produce", "raise", *ACTIONS])
            case "provider" | "receiver" | "member" | "referrer":
                return rng.choice([*members, shop.community, CUSTOMER, shop.community, CUSTOMER])
            case "agent":
                return CUSTOMER
            case "resourceQuantity" | "effortQuantity":
                n, scale = rng.choice(self.numbers), rng.choice([0, 2, 2, 9])
                unit = "hour" if key == "effortQuantity" else rng.choice(UNITS)
                return {"n": n, "scale": scale, "unit": unit}
            case "settles":
                found = [one.id for one in claims.claims(shop.history.state)]
                return rng.sample(found, min(len(found), rng.randint(1, 3)))
            case "say":
                return rng.choice(["yes", "yes", "yes", "no", "withdraw", "open"])
            case "subject":
                return rng.choice(["removal", "decision", "fork"])
            case "corrections":
                return rng.randint(0, 2)
            case "newInventoriedResource":
                return {}
            case "round":
                return "circle"
            case "opened":
                return rng.choice([self.round()["opened"], *NUMBERS])
            case "points":
                return rng.choice([self.points("Mei"), self.junk(), [[members[0], self.junk()]]])
            case "hasDuration":
                return rng.choice(NUMBERS)
            case "inputs" | "outputs":
                flow = ("action", rng.choice(QUANTITIES), "resourceConformsTo")
                return [{part: self.value(part) for part in flow}, self.junk()][: rng.randint(0, 2)]
            case "publishes" | "stipulates" | "processes":
                return [self.record().id]
            case "role":
                return rng.choice(["promoter", "consumer", "witness", "co-owner"])
            case "base":
                return shop.history.ruleset.id
            case "sunset" | "due":
                return rng.choice(NUMBERS)
            case "unit" | "name":
                return rng.choice(["bean", "pea", "BEAN"])
            case _:
                return self.record().id

    def record(self) -> Record:
        """Return one of the last records."""
        return self.rng.choice(self.shop.records[-30:])

    def junk(self) -> Any:
        """Return a value that belongs nowhere."""
        rng = self.rng
        one = rng.randbytes(32)
        return rng.choice([None, True, "", "x" * 300, b"", one, one[:16], [], [[]], {}, *NUMBERS])


QUANTITIES = ("resourceQuantity", "resourceQuantity", "effortQuantity")
PLANNED = ("plannedWithin", "inputOf", "outputOf", "satisfies", "resourceConformsTo")
EVENT = (
    *("newInventoriedResource", "resourceInventoriedAs", "toResourceInventoriedAs", "earnedBy"),
    *("resourceConformsTo", "inputOf", "outputOf", "fulfills", "satisfies", "settles", "settles"),
)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_members_write_every_seal_can_be_made(seed: int) -> None:
    anybody = Anybody(seed, NUMBERS if seed % 2 else SMALL)
    shop = anybody.shop
    for _ in range(DEEDS):
        anybody.deed()
        shop.history.state.to_bytes()
    later_ms = shop.now_ms + 3_600_000
    if shop.history.next_advance(later_ms) is not None:
        shop.outcome(later_ms)
    other = shop.again(seed)
    assert other.state.to_bytes() == shop.history.state.to_bytes()
    assert other.final.to_bytes() == shop.history.final.to_bytes()
    for one in claims.claims(shop.history.state):
        assert one.row.amount >= 0 and one.paid.said >= one.paid.confirmed >= 0
    assert seed % 2 or balance(shop.history.final, shop.community)
