"""A council that works, earns, and is paid."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.records.record import Record
from commonweal.protocol.rules.document import Ruleset, from_map
from tests.protocol.ledger.council import SAID, Council, rules

CUSTOMER = b"c" * 16


def paying(points: str = "event.effort", **over: Any) -> dict[str, Any]:
    """Return rules that pay work out of income in EUR."""
    buckets = [{"name": "work", "share": "100%", "claim": "equity", **SAID}]
    table = {"unit": "EUR", "income": INCOME, "buckets": buckets, **SAID, **over}
    value = {"work": {"points": points, **SAID}}
    return rules(value=value, pools={"income": table})


INCOME = "event.action == 'transfer' && event.from_outside && event.to_community"


def hours(n: int) -> dict[str, Any]:
    return {"n": n, "scale": 0, "unit": "hour"}


def euros(n: int) -> dict[str, Any]:
    return {"n": n, "scale": 2, "unit": "EUR"}


class Workshop(Council):
    """A council that works and earns."""

    def work(self, name: str, n: int, by: str | None = None, **over: Any) -> Record:
        """Record work, attested by `by`."""
        data = {"action": "work", "provider": self.id(name), "effortQuantity": hours(n)} | over
        done = self.write(name, "event", data)
        if by:
            self.attest(done, by)
        return done

    def attest(self, event: Record, by: str) -> Record:
        """Say yes to an event."""
        return self.write(by, "attest", {"event": event.id, "say": "yes"})

    def earn(self, n: int, by: str = "Jun", **over: Any) -> Record:
        """Record income from outside, attested by `by`."""
        data = {
            "action": "transfer",
            "provider": CUSTOMER,
            "receiver": self.community,
            "resourceQuantity": euros(n),
            "newInventoriedResource": {},
        }
        came = self.write("Mei", "event", data | over)
        self.attest(came, by)
        return came

    def settle(self, n: int, name: str, *owed: bytes) -> Record:
        """Record that the community paid somebody on their claims."""
        data: dict[str, Any] = {"action": "transfer", "provider": self.community}
        data |= {"receiver": self.id(name), "resourceQuantity": euros(n)}
        return self.write("Mei", "event", data | {"settles": [*owed]})

    def paid(self) -> dict[str, int]:
        """Return what each has been paid, by name."""
        names = {pen.owner.id: name for name, pen in self.pens.items()}
        names[self.community] = "community"  # type: ignore[index]
        found = pools.shares(self.history.final)
        return {names[member]: amount for (member, _, _), amount in found.items()}  # type: ignore[index]


def busy() -> Workshop:
    """Return a workshop with several cuts, a change of the rules and late records."""
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    shop.work("Jun", 3, by="Ana")
    late = shop.work("Ana", 2)
    came = shop.earn(1000)
    shop.cut()
    (owed,) = claims.claims(shop.history.final)
    paid = shop.settle(300, "Jun", owed.id)
    shop.attest(paid, "Jun")
    proposal = shop.patch("Jun", {"value": {"work": {"points": "event.effort * 2"}}})
    shop.say(proposal, "yes", "Mei Jun Ana")
    shop.cut()
    shop.attest(late, "Bo")
    shop.earn(777)
    less = {"action": "transfer", "corrects": came.id, "resourceQuantity": euros(-100)}
    shop.write("Mei", "event", less)
    shop.write("Jun", "attest", {"event": came.id, "say": "yes", "corrections": 1})
    shop.cut(25)
    shop.settle(200, "Jun", owed.id)
    shop.work("Bo", 7, by="Jun")
    shop.earn(55)
    shop.cut()
    shop.work("Mei", 1, by="Jun")
    return shop


def proposed(points: str) -> Ruleset:
    return from_map(paying(points))
