"""The rows of campaigns and pledges are what the state says, however records and seals arrived."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.ventures.campaigns import campaign_row
from commonweal.storage.ledger import ledger
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.views import campaign_views
from commonweal.storage.ledger.views.views import write_all
from commonweal.storage.sqlite.readonly_sql import ask
from tests.protocol.ledger.council import HOUR, SAID, rules
from tests.protocol.ledger.press import Press, raising
from tests.storage.ledger.test_ledger import Home, in_pieces

CAMPAIGNS = "SELECT id, status, height, met, total, paid, final FROM campaign_row ORDER BY id"
PLEDGES = """
    SELECT campaign, member, record, amount, number, withdrawn, counted, back, final
    FROM pledge_row ORDER BY id
"""


def expected(state: State, final: State) -> list[list[tuple[object, ...]]]:
    campaigns: list[tuple[object, ...]] = []
    pledges: list[tuple[object, ...]] = []
    for id, row in campaign_row.campaigns(state):
        closed = (row.height, int(row.met), row.total) if row.height else (None, None, None)
        is_final = campaign_row.campaign_row(final, id) == row
        campaigns.append((id, row.status, *closed, row.paid if row.met else None, int(is_final)))
        for member, own in sorted(campaign_row.pledges(state, id)):
            is_final = campaign_row.pledge_row(final, id, member) == own
            back = None if own.counted is None else own.back
            last = (own.amount, own.number, own.withdrawn, own.counted, back, int(is_final))
            pledges.append((id, member, own.record, *last))
    return [campaigns, pledges]


def rows(kept: LedgerState) -> list[list[tuple[object, ...]]]:
    return [kept.layers.rows(asked) for asked in (CAMPAIGNS, PLEDGES)]


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_what_the_state_says_after_each_piece(seed: int) -> None:
    press = raising("loan", "return")
    home = Home(press.community, press.documents)
    home.hold(press.records)
    assert isinstance(press, Press)
    home.seal(press)
    pledged = False
    for kept in in_pieces(home, Random(seed)):
        assert rows(kept) == expected(kept.state, kept.final)
        pledged |= bool(rows(kept)[1])
    assert pledged
    for table in campaign_views.TABLES:
        kept.layers.change(f"DELETE FROM {table}")
    write_all(kept.layers, home.store)
    assert rows(kept) == expected(kept.final, kept.final), "as from a state that was taken"


def kept_file(press: Press, path: Path) -> Path:
    """Write the file of a press whose records and seals all came."""
    home = Home(press.community, press.documents)
    home.hold(press.records)
    home.seal(press)
    for author, log in home.logs.items():
        home.arrive(author, len(log))
    with ledger.open_ledger(path, home.store, press.community):
        pass
    ask(path, "SELECT 1 FROM members")  # SQLite makes the files of its log at the first reading
    return path


def test_the_views_say_what_was_pledged_and_what_became_of_it(tmp_path: Path) -> None:
    press = Press(rules(campaigns={"short": "go_on", **SAID}), "Jun", "Ana", "Bo")
    reward = {"n": 15, "scale": 1, "unit": "hour"}
    press.begin(maximum=1_200, gives="reward", reward=reward, inScopeOf="press")
    press.pledge("Jun", 700)
    press.pledge("Ana", 400)
    press.pledge("Bo", 300, part=True)
    press.cut()
    before = kept_file(press, tmp_path / "before.db")
    asked = "SELECT status, height, met, total, paid, final FROM campaigns"
    assert ask(before, asked).rows == [("open", None, None, None, None, 1)]
    press.now_ms = press.current.deadline
    press.cut()
    press.pays("Jun", 700)
    press.cut(1)
    after = kept_file(press, tmp_path / "after.db")
    asked = "SELECT status, height, met, total, paid, final FROM campaigns"
    assert ask(after, asked).rows == [("collecting", press.current.height, 1, 1_200, 700, 1)]
    asked = "SELECT reward_n, reward_scale, reward_unit, scope, maximum, optimum FROM campaigns"
    assert ask(after, asked).rows == [(15, 1, "hour", "press", 1_200, None)]
    times = ask(after, "SELECT (julianday(collect_by) - julianday(deadline)) * 24 FROM campaigns")
    assert [round(hours) for (hours,) in times.rows] == [
        (press.current.collect_by - press.current.deadline) // HOUR
    ]
    asked = """
        SELECT pledges.amount, pledges.part, counted, withdrawn, open_n, status
        FROM pledges JOIN clauses USING (id) ORDER BY pledges.number
    """
    assert ask(after, asked).rows == [
        (700, 0, 700, None, 0, "agreed"),
        (400, 0, 400, None, 400, "agreed"),
        (300, 1, 100, None, 100, "agreed"),
    ]
