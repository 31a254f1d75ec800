"""A time bank in the village: members who pay each other hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS, CreditRule, RuleParams
from tests.protocol.ledger.scenes import quantity
from tests.protocol.ledger.village import Pen, Village

HOURS = CreditRule(scale=2, floor=-10, ceiling=50, soft_floor=-8, soft_ceiling=40, grows_to=-10)
"""Members go down to -10 hours and up to 50."""


def rules(rule: CreditRule = HOURS, **more: Any) -> RuleParams:
    """Return rules with credit in hours."""
    return RuleParams(credits={"hour": rule}, **more)


class TimeBank(Village):
    """Mei, Ana, Bo and Cy, with the rules of a time bank."""

    def __init__(self, params: RuleParams | None = None) -> None:
        super().__init__()
        self.params = rules() if params is None else params
        self.ana, self.bo, self.cy = (self.join(name) for name in ("Ana", "Bo", "Cy"))
        self.begun = self.mei.log[-1]

    def pay(
        self,
        payer: Pen,
        payee: Pen,
        n: int,
        scale: int = 0,
        after: Sequence[Record] = (),
        **over: Any,
    ) -> Record:
        """Write a payment that stands after some records."""
        data = {
            "action": "transfer",
            "provider": payer.owner.id,
            "receiver": payee.owner.id,
            "resourceQuantity": quantity(n, "hour", scale),
        }
        return payer.write("event", data | over, [self.begun, *after])

    def correct(self, pen: Pen, paid: Record, n: int, scale: int = 0) -> Record:
        """Write a correction of a payment by a difference."""
        data = {
            "action": "transfer",
            "corrects": paid.id,
            "resourceQuantity": quantity(n, "hour", scale),
        }
        return pen.write("event", data, [paid])

    def agree(self, pen: Pen, correction: Record, *deps: Record) -> Record:
        """Let somebody agree to a correction."""
        return pen.write("attest", {"event": correction.id, "say": "yes"}, [correction, *deps])

    def ledger(self, *deliveries: Sequence[Record], rules: RuleParams = DEFAULT_PARAMS) -> Ledger:
        return super().ledger(*deliveries, rules=self.params if rules is DEFAULT_PARAMS else rules)

    def verdict(self, record: Record) -> Verdict:
        """Return what a ledger of everything written says of a record."""
        return self.ledger().verdict(record.id)

    def balance(self, pen: Pen) -> tuple[int, int, int]:
        """Return a balance in hours as the state has it: n, scale, received."""
        n, scale, received = credit.balance_row(self.ledger().state, "hour", pen.owner.id)
        return n, scale, received
