"""A reader written from docs/protocol alone comes to the same roots, whatever a project does."""

from __future__ import annotations

import pytest

from commonweal.protocol.seal.cut import delta_to_bytes
from commonweal.protocol.seal.formats import sealed_to_bytes
from tests.protocol.ledger.council import HOUR, Council
from tests.protocol.ledger.fellowship import Fellowship
from tests.second_reader.fold import Reader
from tests.second_reader.records import Record


def reads_alike(shop: Council) -> None:
    """Let the second reader read every seal, and compare what it comes to."""
    records = [Record.read(record.wire) for record in shop.records]
    reader = Reader(bytes(shop.community), records, shop.documents)
    for sealed, delta in shop.sealed:
        height = reader.read(sealed_to_bytes(sealed), delta_to_bytes(delta))
        seal = sealed.seal
        roots = (height.state_root, height.distribution_root, height.cut_root)
        assert roots == (seal.state_root, seal.distribution_root, seal.cut_root), seal.height


def told(split: str) -> Fellowship:
    """Return the story of a project from its opening to a correction after its close."""
    shop = Fellowship(settled_hours=2, period_hours=5)
    press = shop.open("Jun", split=split)
    shop.open("Ana", "Press")
    shop.open("Bo", "shop", end=1)
    shop.cut()
    shop.enter(press, "Ana", "Bo")
    shop.enter(press, "Ana")
    task = shop.task("Jun")
    shop.task("Ana", 3)
    shop.take(task, "Mei", 2)
    shop.work("Ana", 3, by="Bo", inScopeOf="press")
    shop.work("Bo", 2, by="Ana", inScopeOf="press")
    came = shop.earn(10_001, inScopeOf="press")
    shop.earn(0, inScopeOf="press", resourceQuantity={"n": 7, "scale": 0, "unit": "JPY"})
    shop.earn(3_000)
    shop.spend(1_000, "Bo")
    shop.cut(3)
    vote = shop.end(press, "Jun")
    shop.cut()
    shop.enter(press, "Mei")
    shop.say(vote, "yes", "Jun Ana")
    shop.cut()
    shop.less(came, -5_000)
    shop.earn(500, inScopeOf="press")
    shop.leave(press, "Bo")
    shop.cut()
    assert shop.project(press).cause == "vote"
    return shop


@pytest.mark.parametrize("split", ["equal", "points", "community"])
def test_from_the_opening_to_a_correction_after_the_close(split: str) -> None:
    reads_alike(told(split))


def test_ends_voids_and_departures() -> None:
    shop = Fellowship(open_per_member=2)
    shop.work("Ana", 1, inScopeOf="shop")
    shop.cut()
    shop.open("Jun", "shop")
    ends = shop.open("Jun", end=shop.now_ms + 3 * HOUR)
    alone = shop.open("Bo", "garden")
    shop.open("Jun", "third")
    shop.cut()
    shop.earn(900, inScopeOf="press")
    vote = shop.end(ends, "Jun")
    shop.say(vote, "no", "Jun")
    shop.write("Bo", "member.leave", {})
    shop.cut()
    data = {"subject": "project", "project": ends.id}
    shop.write("Ana", "rules.propose", data)
    shop.end(ends, "Jun")
    shop.cut(4)
    causes = [shop.project(one).cause for one in (ends, alone)]
    assert causes == ["end", "nobody"]
    reads_alike(shop)
