"""A bakery whose community has a purse, a workshop that owes, and who says what of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS, Role, RuleParams
from tests.protocol.ledger.bakery import Bakery, amount, between
from tests.protocol.ledger.treasury import Treasury
from tests.protocol.ledger.village import Pen
from tests.protocol.ledger.workshop import paying


def say(pen: Pen, event: Record, word: str = "yes", **more: Any) -> Record:
    """Let somebody say something of a record, after all that is written."""
    last = [one.log[-1] for one in _pens(pen)]
    return pen.write("attest", {"event": event.id, "say": word} | more, [event, *last])


def _pens(pen: Pen) -> list[Pen]:
    village = pen.village
    assert isinstance(village, Bakery)
    return [village.mei, village.jun, village.lin]


KEPT = RuleParams(
    keeper="treasurer", roles={"treasurer": Role(endorsements=1)}, common_attestations=1
)


class Purse(Bakery):
    """A bakery with 500 coins of the community's, and a treasurer, who is Mei."""

    def __init__(self, rules: RuleParams = DEFAULT_PARAMS) -> None:
        self.rules = rules
        super().__init__()
        data: dict[str, Any] = {"provider": bytes(16), "receiver": self.community}
        data |= {"newInventoriedResource": {}, "resourceConformsTo": self.coin.id}
        self.purse = self.event(self.mei, "transfer", data | amount(500, "coin"))
        say(self.jun, self.purse)
        if rules.keeper:
            self.mei.write("role.claim", {"role": rules.keeper}, [self.jun.log[-1]])
            chosen = {"role": rules.keeper, "member": self.mei.owner.id}
            self.jun.write("role.endorse", chosen, [self.mei.log[-1]])

    def ledger(self, *deliveries: Sequence[Record], rules: RuleParams = DEFAULT_PARAMS) -> Ledger:
        return super().ledger(*deliveries, rules=self.rules if rules is DEFAULT_PARAMS else rules)

    def take(self, pen: Pen, to: Pen, n: int = 100, action: str = "transfer") -> Record:
        """Write that somebody gets coins of the community's."""
        data = {"provider": self.community} | between(self.purse, None, to) | amount(n, "coin")
        return self.event(pen, action, data, self.purse, self.jun.log[-1], self.mei.log[-1])


def owing() -> Treasury:
    """Return a workshop that owes Jun 30.00 EUR and Ana 10.00, and has 40.00."""
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    shop.came = shop.earn(4000)
    shop.cut()
    return shop
