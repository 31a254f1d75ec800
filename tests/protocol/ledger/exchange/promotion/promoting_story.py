"""Promotion told by chance, and sealed now and then: codes, referrals, sales and corrections."""

from __future__ import annotations

from random import Random
from typing import Any

from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.exchange.trading import SUPPLIER
from tests.protocol.ledger.workshop import euros

NAMES = ("Mei", "Jun", "Ana", "Bo")
CODES = ("honey", "nectar", "h\u00f3ney", "pears", "plums", "figs", "my pears")
TOLD = (1, 40, 24, 40, 49)
"""Hours between seals; after the last it is in doubt what time it is."""


def told(seed: int, acts: int = 120) -> Promoting:
    """Return a community whose members wrote so many records, near to right, between seals."""
    return _Story(seed, acts).town


class _Story:
    def __init__(self, seed: int, acts: int) -> None:
        self.rng = Random(seed)
        self.town = Promoting(role="promoter" if seed % 2 else "")
        self.town.holds("Bo")
        self.offers: list[tuple[str, Record, Record]] = [("Ana", self.town.honey, self.town.sale)]
        self.promotions = [self.town.promotion]
        self.referrals = [self.town.refer(name, "Jun") for name in ("Mei", "Bo")]
        self.incomes: list[Record] = []
        for number in range(acts):
            by = self.rng.choice(NAMES[: 3 if number > acts * 3 // 4 else 4])
            self.rng.choice(self.acts)(self, by)
            if number % 10 == 9:
                self.town.seal_after(self.rng.choice(TOLD))
            if number == acts * 3 // 4:
                self.town.write("Bo", "member.leave", {})
        self.town.seal_after(1)

    def good(self, records: list[Record]) -> Record:
        """Return one of the last records, mostly one that counts."""
        some = [record for record in records[-6:] if self.town.verdict(record) is None]
        return self.rng.choice(some if some and self.rng.random() < 0.9 else records[-6:])

    def publish(self, by: str) -> None:
        """Offer something, perhaps in the place of something."""
        given, wanted = self.town.offers(by, 50), self.town.needs(by, 1)
        over: dict[str, Any] = {}
        mine = [offer for name, _, offer in self.offers if name == by]
        if mine and self.rng.random() < 0.5:
            over["replaces"] = self.rng.choice(mine).id
        self.offers.append((by, given, self.town.publish(by, given, wanted, **over)))

    def promote(self, by: str) -> None:
        """Promote an offer, or end a promotion."""
        seller, _, offer = self.rng.choice(self.offers[-3:])
        by = seller if self.rng.random() < 0.8 else by
        if self.rng.random() < 0.15:
            ended = {"promotion": self.good(self.promotions).id}
            self.town.write(by, "promotion.end", ended)
            return
        code, rate = self.rng.choice(CODES), self.rng.choice((1, 500, 700, 2000, 2001))
        over: dict[str, Any] = {"windowHours": self.rng.choice((1, 72, 200, 720, 721))}
        if self.rng.random() < 0.2:
            over["who"] = self.rng.choice(("promoter", "producer", "king"))
        self.promotions.append(self.town.promote(by, offer, code, rate, **over))

    def refer(self, by: str) -> None:
        """Say who brought somebody."""
        promoter, over = self.rng.choice((*NAMES, "Jun", "Jun", "Bo")), {}
        promotion = self.good(self.promotions)
        if self.rng.random() < 0.4:
            over["buyer"] = SUPPLIER
            named = promotion.author
            by = next(name for name, pen in self.town.pens.items() if pen.key == named)
        self.referrals.append(self.town.refer(by, promoter, promotion, **over))

    def sell(self, by: str) -> None:
        """Pay for something that was agreed on."""
        seller, given, _ = self.rng.choice((*self.offers, *self.offers[:1] * len(self.offers)))
        n = self.rng.choice((1, 19, 1999, 10_000))
        if by == seller or self.town.verdict(given) is not None:
            return
        sold = self.town.clause(seller, 1, seller, by, given)
        pays = self.town.clause(seller, 0, by, seller, resourceQuantity=euros(n))
        self.town.answer(by, self.town.proposes(seller, sold, back=(pays,)))
        self.incomes.append(self.town.pay(by, n, pays, by=""))

    def earn(self, by: str) -> None:
        """Write what came from outside for an offer."""
        seller, _, offer = self.rng.choice(self.offers)
        by = seller if self.rng.random() < 0.8 else by
        over = {"offer": offer.id, "receiver": self.town.id(seller)}
        self.incomes.append(self.town.income(1999, by="", writer=by, **over))

    def attest(self, by: str) -> None:
        """Say yes or no to one of the last incomes or referrals, or dispute one."""
        for some in (self.incomes, self.referrals):
            if not some:
                continue
            chosen = self.good(some)
            row = event_row(self.town.history.state, chosen.id)
            said: dict[str, Any] = {
                "event": chosen.id,
                "say": self.rng.choice(("yes",) * 5 + ("withdraw",)),
            }
            said["corrections"] = 0 if row is None else row.corrections
            self.town.write(by, "attest", said)
            if self.rng.random() < 0.2:
                say = self.rng.choice(("open", "withdraw"))
                self.town.write(by, "dispute", {"event": chosen.id, "say": say})

    def correct(self, by: str) -> None:
        """Correct an income."""
        if self.incomes:
            chosen = self.good(self.incomes)
            author = next(name for name, pen in self.town.pens.items() if pen.key == chosen.author)
            more = euros(self.rng.choice((-1, -19, -1999, 1, 100)))
            data = {"action": "transfer", "corrects": chosen.id, "resourceQuantity": more}
            less = self.town.write(author, "event", data)
            for name in NAMES:
                self.town.write(name, "attest", {"event": less.id, "say": "yes"})

    def claim(self, by: str) -> None:
        """Claim, seldom, to be who buys from outside."""
        if self.rng.random() < 0.15:
            self.town.attest(self.town.write(by, "agent.claim", {"agent": SUPPLIER}), "Mei")

    acts = (
        *(publish, promote, promote, refer, refer, refer, sell, sell, sell),
        *(earn, attest, attest, attest, attest, correct, claim),
    )
