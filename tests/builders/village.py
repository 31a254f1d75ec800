"""Two members of a community on two real nodes, with a little of everything in their ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commonweal.client import Member, create_home
from commonweal.client.exchange.deals.terms import ClauseTerms

LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)


@dataclass(frozen=True, slots=True)
class Village:
    """The homes of Mei, who founded it, and of Bo. Their nodes run."""

    mei: Path
    bo: Path


@contextmanager
def village(folder: Path, rules: str = "value-network") -> Iterator[Village]:
    """Give a village with work, income, a seal, an open vote, a booked thing, and what waits."""
    homes = Village(folder / "mei", folder / "bo")
    create_home(homes.mei, "Mei")
    create_home(homes.bo, "Bo")
    with Member(homes.mei) as mei, Member(homes.bo) as bo:
        mei.found("Lanxi", rules=rules)
        try:
            mei.start_node(listen=LOOPBACK, mdns=False)
            bo.join(mei.invite().link)
            bo.start_node(listen=LOOPBACK, mdns=False)
            _fill(mei, bo)
            yield homes
        finally:
            for member in (bo, mei):
                if member.home.holder() is not None:
                    member.stop_node()


def _fill(mei: Member, bo: Member) -> None:
    """Let both give, attest and seal; leave a record of each for the other to attest."""
    work = bo.record("work", 3, "hours", note="修好了篱笆 mended the fence", scope="garden")
    income = bo.income(30, "EUR", note="sold at the market")
    bo.wait_until_held([work, income], peers=1)
    mei.attest_all()
    mei.seal()
    mei.add_resource("ladder", 1, "piece")
    ladder = next(row.id for row in mei.resources() if row.name == "ladder")
    mei.set_terms(ladder)
    waits = [mei.record("work", 2, "hours", note="cooked for all")]
    mei.wait_until_held(waits, peers=1)
    bo.refresh()
    asked = bo.book(ladder, "tomorrow 9:00-17:00").bookings
    bo.wait_until_held(asked, peers=1)
    more = [bo.record("work", 1, "hour", note="<script>alert(1)</script> \u202eevil")]
    bo.wait_until_held(more, peers=1)
    mei.refresh()
    bo.refresh()
    mei.propose_decision("Shall we meet on Friday?")
    mei.offer("Childcare", 3, "hours", price=["1 hour"], until="in 3 weeks")
    bike = bo.offer("Bike repair 修自行车", 2, "hours", price=["10 EUR"], tags=["bike"])
    need = bo.need("Plumber", 2, "hours", price=["20 EUR an hour"], due="in 2 weeks")
    bo.wait_until_held([bike, need], peers=1)
    _deal(mei, bo)
    mei.refresh()


def _deal(mei: Member, bo: Member) -> None:
    """Let Bo ask Mei for a deal and for a ring with the community; one more is under way."""
    hours = ClauseTerms("Bo", "Mei", "work", "2", "hours", due="3d")
    money = ClauseTerms("Mei", "Bo", "transfer", "9", "EUR", in_return=True)
    ring = (
        ClauseTerms("Bo", "Mei", "work", "1", "hour"),
        ClauseTerms("Mei", "community", "work", "1", "hour"),
        ClauseTerms("community", "Bo", "transfer", "5", "EUR"),
    )
    made = [bo.propose_deal([hours, money], note="周五可以吗？ Is Friday good?")]
    made += [bo.propose_deal(ring, answer_by="7d"), bo.propose_deal([hours])]
    bo.wait_until_held(made, peers=1)
    mei.refresh()
    mei.accept_deal(made[-1].id)
