"""A workshop that raises money for a press: campaigns, pledges, payments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonweal.protocol.ledger.claims import claims
from commonweal.protocol.ledger.exchange.commitments import CommitmentRow, commitment_row
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.campaigns import campaign_row as rows
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import CampaignRow, PledgeRow
from commonweal.protocol.ledger.ventures.campaigns.collection import pool_of
from commonweal.protocol.ledger.ventures.campaigns.pledges import counted
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import HOUR, SAID, Council, rules
from tests.protocol.ledger.treasury import Treasury


def yuan(n: int) -> dict[str, Any]:
    """Return a quantity of whole CNY."""
    return {"n": n, "scale": 0, "unit": "CNY"}


class Press(Treasury):
    """A workshop with a campaign, named by the record that began it."""

    campaign: Record

    def __init__(self, document: Mapping[str, Any], *names: str) -> None:
        """Found the workshop, and let a first seal say what time it is."""
        super().__init__(document, *names)
        self.cut()

    def terms(self, minimum: int = 1_000, **over: Any) -> dict[str, Any]:
        """Return what a campaign of 40 hours says; over: None leaves a key out."""
        data: dict[str, Any] = {"unit": "CNY", "scale": 0, "minimum": minimum, "sort": "all"}
        data |= {"gives": "gift", "deadline": self.now_ms + 40 * HOUR}
        data |= {"collectBy": self.now_ms + 80 * HOUR}
        return {name: value for name, value in (data | over).items() if value is not None}

    def begin(self, by: str = "Mei", minimum: int = 1_000, **over: Any) -> Record:
        """Begin a campaign, which the other calls are about from now on."""
        self.campaign = self.write(by, "campaign", self.terms(minimum, **over))
        return self.campaign

    def pledge(self, by: str, n: int, **over: Any) -> Record:
        """Let a member pledge whole CNY."""
        return self.write(by, "pledge", self.pledge_data(n) | over)

    def pledge_data(self, n: int) -> dict[str, Any]:
        """Return what a pledge of whole CNY says."""
        return {"campaign": self.campaign.id, "quantity": yuan(n)}

    def withdraw(self, by: str) -> Record:
        """Let a member pledge nothing."""
        return self.write(by, "pledge.withdraw", {"campaign": self.campaign.id})

    def cancel(self, by: str = "Mei") -> Record:
        """Let a member cancel the campaign."""
        return self.write(by, "campaign.cancel", {"campaign": self.campaign.id})

    def close(self) -> None:
        """Let a seal pass the deadline; a campaign that no seal covers is sealed before."""
        self.learn()
        if rows.campaign_row(self.history.final, self.campaign.id) is None:
            self.cut()
        self.now_ms = max(self.now_ms, self.current.deadline - HOUR)
        self.cut()

    def end_collecting(self) -> None:
        """Let a seal pass the time to pay."""
        self.learn()
        self.now_ms = max(self.now_ms, self.current.collect_by - HOUR)
        self.cut()

    def pays(self, by: str, n: int, attested: str = "Mei", **over: Any) -> Record:
        """Let a member pay what they pledged, attested by another; empty: by nobody."""
        data: dict[str, Any] = {"action": "transfer", "provider": self.id(by)}
        data |= {"receiver": self.community, "resourceQuantity": yuan(n)}
        paid = self.write(by, "event", data | {"fulfills": self.pledged(by).record} | over)
        if attested:
            self.attest(paid, attested)
        return paid

    def vote(self, decide: str, /, by: str = "Jun", **over: Any) -> Record:
        """Propose what a vote decides of the campaign."""
        data = {"subject": "campaign", "campaign": self.campaign.id, "decide": decide}
        return self.write(by, "rules.propose", {**data, **over})

    def verdict(self, record: Record) -> Reason | None:
        """Return why a record counts for nothing, as far as everything held says."""
        self.learn()
        return self.history.verdict(record.id)

    @property
    def current(self) -> CampaignRow:
        """The campaign, as far as everything held says."""
        row = rows.campaign_row(self.history.state, self.campaign.id)
        assert row is not None, "the campaign counts"
        return row

    @property
    def stands(self) -> str:
        """How the campaign stands."""
        return self.current.status

    def pledged(self, by: str) -> PledgeRow:
        """Return what a member pledges."""
        row = rows.pledge_row(self.history.state, self.campaign.id, self.id(by))
        assert row is not None, "they pledged"
        return row

    def counted(self) -> dict[str, int]:
        """Return how much of each pledge would count, by name, in order."""
        rows = counted(self.history.state, self.campaign.id, self.current)
        return {self.name(pledge.member): pledge.amount for pledge in rows}

    def promise(self, by: str) -> CommitmentRow | None:
        """Return what a member promises since the campaign was met."""
        return commitment_row(self.history.state, self.pledged(by).record)

    def promised(self) -> dict[str, int]:
        """Return how much each member promises, by name."""
        promises = {name: self.promise(name) for name in self.pens if self._has_pledged(name)}
        return {name: row.quantity[0] for name, row in promises.items() if row is not None}

    def owed_back(self) -> dict[str, int]:
        """Return what is owed back to who paid, by name: the sum of their claims."""
        sums: dict[str, int] = {}
        pool = pool_of(self.campaign.id, self.current)
        for claim in claims.claims(self.history.final):
            if claim.row.pool == pool:
                name = self.name(claim.row.member)
                sums[name] = sums.get(name, 0) + claim.row.amount
        return sums

    def _has_pledged(self, name: str) -> bool:
        row = rows.pledge_row(self.history.state, self.campaign.id, self.id(name))
        return row is not None


def raising(gives: str, short: str) -> Council:
    """Return a press with campaigns that are met, fail, are short, extended and cancelled."""
    pool = {"unit": "CNY", "scale": 0, "buckets": [], **SAID}
    pool["buckets"] = [{"name": "all", "share": "100%", "to": "community", **SAID}]
    document = rules(pools={"income": pool}, campaigns={"short": short, **SAID})
    press = Press(document, "Jun", "Ana", "Bo")
    reward = {"n": 2, "scale": 0, "unit": "one"} if gives == "reward" else None
    press.begin("Bo", minimum=0, sort="keep")
    press.begin("Jun", minimum=5_000)
    press.pledge("Ana", 4_999)
    press.begin("Ana")
    press.cancel("Ana")
    press.begin(maximum=1_200, matching=2, perPledgeMin=10, gives=gives, reward=reward)
    for name, n, over in (
        ("Jun", 300, {}),
        ("Ana", 100, {"matches": True}),
        ("Jun", 700, {}),
        ("Bo", 900, {"part": True}),
        ("Mei", 500, {}),
        ("Mei", 5, {}),
    ):
        press.pledge(name, n, **over)
    press.withdraw("Mei")
    press.pledge("Mei", 500)
    press.close()
    late = press.vote("extend", until=press.current.collect_by + 24 * HOUR)
    paid = press.pays("Jun", 700)
    press.pays("Ana", 50, attested="")
    press.cut()
    press.say(late, "yes", "Mei Ana Jun")
    less = {"action": "transfer", "corrects": paid.id, "resourceQuantity": yuan(-100)}
    press.write("Jun", "event", less)
    press.write("Mei", "attest", {"event": paid.id, "say": "yes", "corrections": 1})
    press.end_collecting()
    press.pays("Bo", 500)
    press.attest(paid, "Bo")
    press.end_collecting()
    press.pays("Jun", 100)
    cancel = press.vote("cancel", by="Mei")
    press.cut()
    press.say(cancel, "yes", "Mei Ana Jun")
    press.cut(25)
    return press
