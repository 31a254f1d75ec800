"""What members of a simulated market do: they offer, need, agree, give, pay and lend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.ledger.exchange.commitments import (
    COMMITMENT,
    PROMISED,
    CommitmentRow,
    commitment_row,
)
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    AGREEMENT,
    ASKED,
    AgreementRow,
    signed_row,
)
from commonweal.protocol.ledger.exchange.offers import intents
from commonweal.protocol.ledger.exchange.offers.intents import INTENT, IntentRow
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records.record import RecordId
from tests.sim.exchange.lend import ONE, hour
from tests.sim.exchange.parted import ID_BYTES, final, member, named_in
from tests.sim.exchange.trade import hours
from tests.sim.world.node import Node

NEAR = 12
"""A member looks at so many others' offers, deals and payments at most."""
HOURS_MAX = 4
BEGINS_MAX, LASTS_MAX = 30, 10
"""Hours: the last beginning of a booking, and the longest one."""
THOUGHTS = 5
ACTS = (
    *("offer", "need", *["deal"] * 3, *["answer"] * 3, *["give"] * 3, "pay", "pay"),
    *("withdraw", "counter", "end", "book", "lend", "lend", "repair"),
)

Row = TypeVar("Row")


class Trader:
    """One member of the market, who knows what is final at their node."""

    def __init__(self, node: Node, things: list[RecordId]) -> None:
        self.node, self.things, self.rng = node, things, node.world.rng
        self._has_acted = False

    def act(self) -> None:
        """Do one thing that can be done, of those that come to mind."""
        self._has_acted = False
        for name in self.rng.sample(ACTS, THOUGHTS):
            if not self._has_acted:
                self.act_as(name)

    def act_as(self, name: str) -> None:
        """Do one thing by its name, or nothing where there is nothing to do."""
        acts: dict[str, Callable[[], None]] = {
            "offer": self.offer,
            "need": self.need,
            "deal": self.deal,
            "answer": self.answer,
            "give": self.give,
            "pay": self.pay,
            "withdraw": self.withdraw,
            "counter": self.counter,
            "end": self.end,
            "book": self.book,
            "lend": self.lend,
            "repair": self.repair,
        }
        acts[name]()

    # Offers and needs.

    def offer(self) -> None:
        """Offer some hours."""
        self.write("intent", hours(self.rng.randint(1, HOURS_MAX)) | {"provider": self.me})

    def need(self) -> None:
        """Ask for some hours."""
        self.write("intent", hours(self.rng.randint(1, HOURS_MAX)) | {"receiver": self.me})

    def withdraw(self) -> None:
        """Withdraw one of their own offers, or take back a yes."""
        mine = [id for id, row in self.open_intents() if row.member == self.me]
        if mine and self.rng.random() < 0.5:
            self.write("intent.withdraw", {"intent": self.rng.choice(mine)})
        elif deal := self.pick(self.asked(has_signed=True)):
            self.write("agreement.sign", {"agreement": deal[0], "say": "withdraw"})

    # Deals.

    def deal(self) -> None:
        """Propose to somebody a deal over what they offer or need."""
        found = self.pick((id, row) for id, row in self.open_intents() if row.member != self.me)
        if found is None:
            return
        id, row = found
        giver, taker = (row.member, self.me) if row.provider else (self.me, row.member)
        n = self.rng.randint(1, HOURS_MAX)
        data: dict[str, Value] = {"provider": giver, "receiver": taker, "clause": True}
        self.propose(hours(n) | data | {"satisfies": [id]})

    def counter(self) -> None:
        """Answer a deal with another one."""
        deal = self.pick(self.asked(has_signed=False))
        if deal is None:
            return
        id, row = deal
        clause = commitment_row(self.state, row.stipulates[0])
        assert clause is not None
        data: dict[str, Value] = {"provider": clause.provider, "receiver": clause.receiver}
        data |= {"clause": True, **hours(1)}
        if clause.action == "work":
            self.propose(data, counters=id)

    def answer(self) -> None:
        """Say yes, or now and then no, to what is asked of them."""
        deal = self.pick(self.asked(has_signed=False))
        if deal is not None:
            say = "yes" if self.rng.random() < 0.85 else "no"
            self.write("agreement.sign", {"agreement": deal[0], "say": say})

    def end(self) -> None:
        """Want a deal in force to end."""
        deal = self.pick(self.agreements(AGREED))
        if deal is not None:
            why = self.rng.choice(("done", "given up"))
            self.write("agreement.end", {"agreement": deal[0], "why": why})

    def give(self) -> None:
        """Give some hours of what they promised, now and then more than that."""
        promised = [
            (key[1:], row)
            for key, row in rows(self.state, COMMITMENT, CommitmentRow)
            if row.status in PROMISED and row.provider == self.me and row.action == "work"
        ]
        found = self.pick(iter(promised))
        if found is not None:
            id, row = found
            data: dict[str, Value] = {"provider": self.me, "receiver": row.receiver, "fulfills": id}
            self.write("event", hours(self.rng.randint(1, HOURS_MAX)) | data)

    # Hours.

    def pay(self) -> None:
        """Pay somebody some hours, however few are left."""
        others = [member(node) for node in self.node.world.nodes if node is not self.node]
        quantity: Value = {"n": self.rng.randint(1, 5), "scale": 0, "unit": "hour"}
        data: dict[str, Value] = {"provider": self.me, "receiver": self.rng.choice(others)}
        self.write("event", {"action": "transfer", "resourceQuantity": quantity, **data})

    # Things.

    def book(self) -> None:
        """Ask the community for one of its things."""
        begin = self.rng.randint(2, BEGINS_MAX)
        end = begin + self.rng.randint(1, LASTS_MAX)
        data: dict[str, Value] = {"action": "transferCustody", "clause": True, **ONE}
        data |= {"provider": self.node.community, "receiver": self.me}
        data |= {"resourceInventoriedAs": self.rng.choice(self.things)}
        data |= {
            "hasBeginning": hour(begin),
            "hasEnd": hour(end),
        }
        self.propose(data)

    def lend(self) -> None:
        """Accept what is asked of the community, as any member may who does not ask it."""
        community = self.node.community
        deal = self.pick(
            (id, row)
            for id, row in rows_of_agreements(self.state, ASKED)
            if community in row.parties and self.me not in row.parties
        )
        if deal is not None:
            self.write("agreement.sign", {"agreement": deal[0], "say": "yes", "for": community})

    def repair(self) -> None:
        """Take a thing out of use for an hour."""
        begin = self.rng.randint(2, BEGINS_MAX)
        data: dict[str, Value] = {"resource": self.rng.choice(self.things), "sort": "repair"}
        self.write("resource.block", {**data, "begin": hour(begin), "end": hour(begin + 1)})

    # What they know, and how they write.

    @property
    def me(self) -> bytes:
        """Return who they are."""
        return bytes(member(self.node))

    @property
    def state(self) -> State:
        """Return what is final at their node."""
        return final(self.node)

    def open_intents(self) -> Iterator[tuple[bytes, IntentRow]]:
        """Yield the offers and needs that are open."""
        for key, row in rows(self.state, INTENT, IntentRow):
            if row.status == intents.OPEN and row.left.n:
                yield key[1:], row

    def agreements(self, status: str) -> Iterator[tuple[bytes, AgreementRow]]:
        """Yield the agreements of which they are a party."""
        for id, row in rows_of_agreements(self.state, status):
            if self.me in row.parties:
                yield id, row

    def asked(self, *, has_signed: bool) -> Iterator[tuple[bytes, AgreementRow]]:
        """Yield the agreements that are asked, to which they said yes, or said nothing."""
        for id, row in self.agreements(ASKED):
            if (signed_row(self.state, id, self.me) is not None) is has_signed:
                yield id, row

    def pick(self, found: Iterator[tuple[bytes, Row]]) -> tuple[bytes, Row] | None:
        """Return one of what was found; None where nothing was."""
        near = [pair for pair, _ in zip(found, range(NEAR), strict=False)]
        return self.rng.choice(near) if near else None

    def write(self, kind: str, data: dict[str, Value]) -> None:
        """Write a record that cites what it names."""
        self.node.submit(Wish(kind, data, self.cited(data)))
        self._has_acted = True

    def propose(self, clause: dict[str, Value], **over: Value) -> None:
        """Write a clause and the agreement over it, at once."""
        id = RecordId(self.rng.randbytes(ID_BYTES))
        data: dict[str, Value] = {"stipulates": [id]}
        self.node.submit(
            Wish("commitment", clause, self.cited(clause), stand_in=id),
            Wish("agreement", data | over, self.cited(over)),
        )
        self._has_acted = True

    def cited(self, data: dict[str, Value]) -> tuple[RecordId, ...]:
        """Return the records that data name."""
        ids = dict.fromkeys(named_in(data))
        return tuple(id for id in ids if self.node.store.clock_of(id) is not None)


def rows(state: State, prefix: bytes, row: Callable[..., Row]) -> Iterator[tuple[bytes, Row]]:
    """Yield key and row of all in a table of the state."""
    for key, value in state.items(prefix):
        yield key, row(*value)


def rows_of_agreements(state: State, status: str) -> Iterator[tuple[bytes, AgreementRow]]:
    """Yield the agreements of a status, by id."""
    for key, row in rows(state, AGREEMENT, AgreementRow):
        if row.status == status:
            yield key[1:], row
