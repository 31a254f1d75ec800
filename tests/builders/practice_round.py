"""A chapter of the practice community: it holds a giving round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.workshop import euros

if TYPE_CHECKING:
    from tests.builders.practice_community import Practice


def hold(practice: Practice) -> None:
    """Let members adopt a round, give points, be paid by them, and lose the income again."""
    fund = {"name": "fund", "share": "10%", "to": "community", **SAID}
    fed = {"name": "thanks", "share": "100%", "of": "remainder", "to": "round", **SAID}
    giving = {"points": 100, "most": 80, "every_hours": 48, "open_hours": 24, **SAID}
    income = {"buckets": [fund, fed | {"round": "thanks"}]}
    patch = {"rounds": {"thanks": giving}, "pools": {"income": income}}
    proposal = practice.patch("Jun", patch)
    practice.say(proposal, "yes", "Mei Jun Ana Dan")
    practice.witnessed(1, "Mei", "Jun")
    opened = practice.history.cut.height
    for name, given in (
        *(("Mei", {"Ana": 60, "Jun": 20}), ("Jun", {"Mei": 81}), ("Jun", {"Mei": 80})),
        *(("Jun", {"Mei": 50, "Ana": 40}), ("Ana", {"Ana": 1}), ("Ana", {"Mei": 70, "Jun": 31})),
        *(("Ana", {"Cai": 1}), ("Ana", {"Jun": 70, "Mei": 30})),
    ):
        points = sorted([practice.id(to), n] for to, n in given.items())
        data = {"round": "thanks", "opened": opened, "points": points}
        practice.write(name, "round.give", data)
    practice.came = practice.earn(10_001)
    practice.witnessed(2, "Mei", "Jun")
    practice.write("Ana", "round.give", {"round": "thanks", "opened": opened, "points": []})
    practice.witnessed(22, "Mei", "Jun")
    late = {"round": "thanks", "opened": opened, "points": [[practice.id("Jun"), 1]]}
    practice.write("Ana", "round.give", late)
    less = {"action": "transfer", "corrects": practice.came.id, "resourceQuantity": euros(-10_001)}
    practice.write("Mei", "event", less)
    practice.write("Jun", "attest", {"event": practice.came.id, "say": "yes", "corrections": 1})
    practice.witnessed(25, "Mei", "Jun")
