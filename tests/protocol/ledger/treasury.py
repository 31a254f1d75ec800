"""A workshop whose books are looked at: corrected income, claims, payments, the balance."""

from __future__ import annotations

import random
from typing import Any

from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.ledger.claims.claims import Claim
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.rules.split import CORRECTION
from tests.protocol.ledger.council import HOUR
from tests.protocol.ledger.finality.test_history import catch_up
from tests.protocol.ledger.village import Pen
from tests.protocol.ledger.workshop import CUSTOMER, Workshop, euros


class Treasury(Workshop):
    """A workshop that corrects what came in, and pays what it owes."""

    came: Record
    done: Record
    incomes: list[Record]
    _late: list[Record]

    def earn(self, n: int, by: str = "Jun", writer: str = "Mei", **over: Any) -> Record:
        """Record income from outside, attested by `by`."""
        data: dict[str, Any] = {"action": "transfer", "provider": CUSTOMER}
        data |= {"receiver": self.community, "resourceQuantity": euros(n)}
        data |= {"newInventoriedResource": {}}
        came = self.write(writer, "event", data | over)
        self.attest(came, by)
        return came

    def correct_income(
        self, income: Record, more: int, n: int | None = None, was: Any = None
    ) -> Record:
        """Say that an income was so much more, and let it be attested again.

        n: what it really was, in the smallest unit, where `was` is what it says now.
        """
        quantity = euros(more)
        if n is not None:
            quantity = {"n": n - was["n"], "scale": was["scale"], "unit": "EUR"}
        data = {"action": "transfer", "corrects": income.id, "resourceQuantity": quantity}
        written = self.write("Mei", "event", data)
        row = event_row(self.history.state, income.id)
        assert row is not None, "the income counts"
        said = {"event": income.id, "say": "yes", "corrections": row.corrections}
        self.write("Jun", "attest", said)
        return written

    def pay(self, n: int, to: str, *paid: Claim, writer: str = "Mei", **over: Any) -> Record:
        """Record that the community paid somebody, on their claims."""
        data: dict[str, Any] = {"action": "transfer", "provider": self.community}
        data |= {
            "receiver": self.id(to),
            "resourceQuantity": euros(n),
            "settles": [one.id for one in paid],
        }
        return self.write(writer, "event", data | over)

    def confirm(self, payment: Record, by: str, say: str = "yes", corrections: int = 0) -> Record:
        """Let somebody say whether a payment came."""
        said = {"event": payment.id, "say": say, "corrections": corrections}
        return self.write(by, "attest", said)

    def claim(self, name: str, height: int) -> Claim:
        """Return the claim of a member at a height, as far as everything held says."""
        (found,) = claims.claims(self.history.state, height, self.id(name))
        return found

    def owed(self) -> dict[tuple[str, int], int]:
        """Return every claim that is more than nothing, by name and height."""
        found = claims.claims(self.history.final)
        return {
            (self.name(one.row.member), one.row.height): one.row.amount
            for one in found
            if one.row.amount
        }

    def too_much(self) -> dict[str, int]:
        """Return what members had too much, by name."""
        found = claims.all_overpaid(self.history.final)
        return {self.name(member): amount for (_, member), amount in found.items()}

    def name(self, member: bytes) -> str:
        """Return the name of a member."""
        return next(name for name, pen in self.pens.items() if pen.owner.id == member)

    def withhold(self, name: str, kind: str, data: dict[str, Any]) -> None:
        """Let a second device of a member write what nobody else has yet."""
        pen = Pen(self, self.pens[name].owner, 1)
        pen.enrol([self.pens[name].log[-1]], is_new=False)
        pen.write(kind, data)
        self._late = pen.log[:]
        self.records = [one for one in self.records if one not in self._late]
        self.learn()

    def deliver(self) -> None:
        """Let what was withheld arrive."""
        self.records += self._late
        self.learn()

    def act(self, act: str, name: str, n: int, works: list[Record]) -> None:
        """Do one of the things that happen in a life."""
        match act:
            case "work":
                by = "Jun" if name != "Jun" else "Ana"
                works.append(self.work(name, n % 7 + 1, by=by))
            case "earn":
                self._came(self.earn(n))
            case "traced" if works:
                self._came(self.earn(n, earnedBy=works[n % len(works)].id))
            case "correct" if getattr(self, "incomes", None):
                income = self.incomes[n % len(self.incomes)]
                row = event_row(self.history.state, income.id)
                assert row is not None and row.quantity is not None, "income counts"
                self.correct_income(income, n if n % 3 == 0 else -min(n, row.quantity[0]))
            case "cut" if self.history.next_advance(self.now_ms + HOUR):
                self.cut()

    def _came(self, income: Record) -> None:
        self.incomes = [*getattr(self, "incomes", []), income]

    def again(self, seed: int = 0) -> History:
        """Return what a node makes of the same records and seals, in an order nobody chose."""
        other = History(self.community)
        other.add_documents(self.documents)
        rng = random.Random(seed)
        records = [*self.records]
        rng.shuffle(records)
        while records:
            other.add([records.pop() for _ in range(min(len(records), rng.randint(1, 9)))])
            catch_up(other, self.history.past)
        return other


def balance(state: State, community: bytes) -> bool:
    """Whether, for every pool, what came in is what is owed, kept and held, to the last unit."""
    sums: dict[pools.PoolId, int] = {}
    for key, value in state.items(pools.INCOME):
        row = pools.income_row(state, key[1:])
        assert row is not None and value, "it is there"
        sums[row.pool] = sums.get(row.pool, 0) + row.amount
    for pool, held in pools.pools(state).items():
        sums[pool] = sums.get(pool, 0) - held.carried
    for one in claims.claims(state):
        sums[one.row.pool] -= one.row.amount
    for (pool, _), amount in claims.all_overpaid(state).items():
        sums[pool] += amount
    for place, payout in pools.lines(state):
        if payout.line.member == community:
            sums[pools.PoolId(payout.pool, payout.unit, payout.scale)] -= payout.line.amount
        is_split = payout.line.sort != CORRECTION
        assert payout.line.amount >= 0 or not is_split
        left = payout.line.amount + pools.corrected(state, place)
        assert left >= 0 or not is_split, "nobody gives back more than they got"
    return not any(sums.values())


def sealed(shop: Treasury, height: int) -> tuple[Any, ...]:
    """Return all that was paid and owed at a height."""
    state = shop.history.final
    lines = [one for one in pools.payouts(state, height) if one.line.sort != CORRECTION]
    return lines, [one.row for one in claims.claims(state, height)]
