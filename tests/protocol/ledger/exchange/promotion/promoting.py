"""A community whose members promote each other's offers: short ways to sell what is promoted."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.exchange.promotion.referrals import ReferralRow, referral_row
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import HOUR, SAID
from tests.protocol.ledger.exchange.trading import SUPPLIER, Trading
from tests.protocol.ledger.village import Pen
from tests.protocol.ledger.workshop import euros

STEP_HOURS = 40
"""The longest time between two seals; later than two days it would be a jump, and in doubt."""
PROMOTION = {"rate_max": "20%", "window_hours_max": 720, "role": "promoter", **SAID}


class Promoting(Trading):
    """Ana sells honey, Jun promotes it, Bo buys, Mei attests; nothing is sealed at the beginning.

    A sale is an hour of work for an amount in EUR, in cents.
    """

    def __init__(self, **over: Any) -> None:
        """Found a community. over: of its rules for promotion; sections: other sections."""
        sections = over.pop("sections", {})
        super().__init__(document={"promotion": PROMOTION | over} | sections)
        self.holds("Jun")
        self.honey = self.offers("Ana", 100)
        self.price = self.write(
            "Ana", "intent", self.flow(0, None, "Ana", resourceQuantity=euros(100_000))
        )
        self.sale = self.publish("Ana", self.honey, self.price)
        self.promotion = self.promote("Ana", self.sale)

    def holds(self, name: str, role: str = "promoter") -> None:
        """Let a member hold a role."""
        self.write(name, "role.claim", {"role": role})
        by = "Ana" if name == "Mei" else "Mei"
        self.write(by, "role.endorse", {"role": role, "member": self.id(name)})

    def publish(self, name: str, given: Record, wanted: Record, **over: Any) -> Record:
        """Let a member publish what they give, for what they want in return."""
        data = {"purpose": "offer", "publishes": [given.id], "reciprocal": [wanted.id]}
        return self.write(name, "proposal.offer", data | over)

    def promote(
        self, name: str, offer: Record, /, code: str = "honey", rate: int = 500, **over: Any
    ) -> Record:
        """Let a member promote an offer, by 5 % for three days unless said otherwise."""
        data = {"offer": offer.id, "code": code, "rate": rate, "windowHours": 72}
        return self.write(name, "promotion", data | over)

    def refer(
        self, name: str, promoter: str, promotion: Record | None = None, **over: Any
    ) -> Record:
        """Let a buyer say who brought them."""
        data = {"promotion": (promotion or self.promotion).id, "referrer": self.id(promoter)}
        return self.write(name, "referral", data | over)

    def deal(self, buyer: str, n: int, seller: str = "Ana", given: Record | None = None) -> Record:  # type: ignore[override]
        """Let a buyer and a seller agree on an hour for n cents; return the promise to pay."""
        sold = self.clause(seller, 1, seller, buyer, given or self.honey)
        pays = self.clause(seller, 0, buyer, seller, resourceQuantity=euros(n))
        deal = self.proposes(seller, sold, back=(pays,))
        self.answer(buyer, deal)
        assert self.verdict(deal) is None
        return pays

    def pay(self, buyer: str, n: int, promise: Record, by: str = "Mei") -> Record:
        """Let a buyer pay n cents of what they promised; by: who attests it, or nobody."""
        sides = {key: promise.data[key] for key in ("provider", "receiver")}
        data = {"action": "transfer", "fulfills": promise.id, "resourceQuantity": euros(n)}
        paid = self.write(buyer, "event", sides | data)
        if by:
            self.attest(paid, by)
        return paid

    def sell(self, buyer: str, n: int, by: str = "Mei") -> Record:
        """Let a buyer buy an hour for n cents and pay it; return the payment."""
        return self.pay(buyer, n, self.deal(buyer, n), by)

    def income(self, n: int, by: str = "Mei", writer: str = "Ana", **over: Any) -> Record:
        """Let a seller write what came from outside for their offer."""
        data: dict[str, Any] = {"action": "transfer", "provider": SUPPLIER, "offer": self.sale.id}
        data |= {"receiver": self.id("Ana"), "resourceQuantity": euros(n)}
        came = self.write(writer, "event", data | over)
        if by:
            self.attest(came, by)
        return came

    def correct(self, income: Record, more: int, by: str = "Mei", number: int = 1) -> Record:
        """Let the author of an income correct it by so many cents, and let it be attested again."""
        author = next(name for name, pen in self.pens.items() if pen.key == income.author)
        data = {"action": "transfer", "corrects": income.id, "resourceQuantity": euros(more)}
        written = self.write(author, "event", data)
        sides = [income.data[side] for side in ("provider", "receiver")]
        for name in ("Mei", "Jun", "Ana", "Bo"):
            if name != author and self.id(name) in sides:
                self.write(name, "attest", {"event": written.id, "say": "yes"})
        if by:
            said: dict[str, Any] = {"event": income.id, "say": "yes", "corrections": number}
            self.write(by, "attest", said)
        return written

    def owed(self, income: Record) -> CommitmentRow | None:
        """Return the commission on an income; None when there is none."""
        self.learn()
        return commitment_row(self.history.state, income.id)

    def cents(self, income: Record) -> int | None:
        """Return how many cents are owed for an income; None when nothing ever was."""
        row = self.owed(income)
        assert row is None or row.quantity[1:] == [2, "EUR"]
        return None if row is None else row.quantity[0]

    def referral(self, record: Record) -> ReferralRow:
        """Return a referral that counts for itself."""
        assert self.verdict(record) is None, self.verdict(record)
        row = referral_row(self.history.state, record.id)
        assert row is not None
        return row

    def seal_after(self, hours: int, ms: int = 0) -> None:
        """Let so much time pass, in seals of which none jumps, and make final what there is."""
        while hours > STEP_HOURS:
            self.work("Mei", 1)
            self.seal_at(self.now_ms + STEP_HOURS * HOUR)
            hours -= STEP_HOURS
        self.work("Mei", 1)
        self.seal_at(self.now_ms + hours * HOUR + ms)

    def second_device(self, name: str) -> None:
        """Give a member a second device, whose log is known as "NAME 2"."""
        pen = Pen(self, self.pens[name].owner, 1)
        pen.enrol([self.pens[name].log[-1], self.records[-1]], is_new=False)
        self.pens[f"{name} 2"] = pen
        self.learn()
