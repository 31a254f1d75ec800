"""Questions in SQL: what reads the views is answered, and nothing else happens."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from commonweal.protocol.errors import BadQuestion, QuestionTooLong
from commonweal.storage.ledger.views.views import VIEWS
from commonweal.storage.sqlite import readonly_sql
from commonweal.storage.sqlite.functions import VALUE_BYTES_MAX
from commonweal.storage.sqlite.heap_limit import heap_limit
from commonweal.storage.sqlite.readonly_sql import USUAL, QueryLimits, ask
from tests.protocol.ledger.archive import Archive
from tests.protocol.ledger.council import DAY, HOUR, SAID
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.workshop import Workshop, busy
from tests.storage.sqlite.view_stories import STORIES, reviewed, stored

ONE = {"n": 1, "scale": 0, "unit": "one"}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a community that worked, voted, sealed and was paid."""
    shop = busy()
    _lend(shop)
    _pay_hours(shop)
    _trade(shop)
    yield stored(shop, tmp_path_factory.mktemp("state") / "state?#.db")


def _pay_hours(shop: Workshop) -> None:
    """Give members balances: two are sealed, and one of them is paid more since."""
    table = {"floor": -9, "ceiling": 9, **SAID}
    proposal = shop.patch("Jun", {"credit": {"hour": table}})
    shop.say(proposal, "yes", "Mei Jun Ana")
    shop.cut()
    shop.cut(25)
    for payer, cuts in (("Ana", True), ("Mei", False)):
        amount = {"n": 15, "scale": 1, "unit": "hour"}
        sides = {"provider": shop.id(payer), "receiver": shop.id("Bo")}
        data = {"action": "transfer", "resourceQuantity": amount, **sides}
        shop.write(payer, "event", data)
        if cuts:
            shop.cut()


def _trade(shop: Workshop) -> None:
    """Let Ana offer and need an hour, and Bo ask for the one that is offered."""
    hour = {"action": "work", "effortQuantity": {"n": 1, "scale": 0, "unit": "hour"}}
    ana, bo = shop.id("Ana"), shop.id("Bo")
    need = shop.write("Ana", "intent", {**hour, "receiver": ana})
    shop.write("Ana", "proposal.offer", {"purpose": "request", "publishes": [need.id]})
    offer = shop.write("Ana", "intent", {**hour, "provider": ana})
    shop.write("Ana", "proposal.offer", {"purpose": "offer", "publishes": [offer.id]})
    clause = {**hour, "provider": ana, "receiver": bo, "satisfies": [offer.id]}
    asked = shop.write("Bo", "commitment", clause)
    shop.write("Bo", "agreement", {"stipulates": [asked.id]})


def _lend(shop: Workshop) -> None:
    """Let Ana book a thing of Bo, who accepts it after the next seal."""
    thing = {"provider": shop.id("Bo"), "action": "raise", "newInventoriedResource": {}}
    raised = shop.write("Bo", "event", thing | {"resourceQuantity": ONE})
    shop.write("Bo", "resource.terms", {"resource": raised.id, "accepts": "ask"})
    begin = shop.now_ms + 2 * DAY
    clause = {
        "action": "transferCustody",
        "provider": shop.id("Bo"),
        "receiver": shop.id("Ana"),
        "resourceQuantity": ONE,
        "resourceInventoriedAs": raised.id,
        "hasBeginning": begin,
        "hasEnd": begin + HOUR,
        "clause": True,
    }
    asked = shop.write("Ana", "commitment", clause)
    deal = shop.write("Ana", "agreement", {"stipulates": [asked.id]})
    shop.cut()
    shop.write("Bo", "agreement.sign", {"agreement": deal.id, "say": "yes"})


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_read(path: Path, view: str, tmp_path: Path) -> None:
    if view in STORIES:
        path = stored(STORIES[view](), tmp_path / "state.db")
    found = ask(path, f"SELECT * FROM {view}")
    assert found.columns
    assert found.rows
    counted = ask(path, f"SELECT count(*) FROM {view}")
    assert counted.rows == [(len(found.rows),)]


def test_views_are_joined_grouped_and_summed(path: Path) -> None:
    sums = ask(
        path,
        "WITH paid AS (SELECT member, sum(amount) AS amount FROM payouts GROUP BY member)"
        " SELECT members.status, paid.amount, rank() OVER (ORDER BY paid.amount DESC)"
        " FROM paid JOIN members ON members.id = paid.member",
    )
    assert sums.rows
    assert all(row[0] == "active" for row in sums.rows)
    events = ask(path, "SELECT final, count(*), max(claimed_at) FROM events GROUP BY final").rows
    assert {final for final, *_ in events} <= {0, 1}


def test_bookings_say_who_has_what_when_and_what_is_final(path: Path) -> None:
    (row,) = ask(path, 'SELECT status, begin = until, until = "end", final FROM bookings').rows
    assert row == ("agreed", 0, 1, 1)
    found = ask(path, "SELECT events.id FROM bookings JOIN events ON events.id = thing").rows
    assert len(found) == 1


def test_a_review_shows_its_stars_once_it_is_open(tmp_path: Path) -> None:
    town = reviewed()
    file = stored(town, tmp_path / "state.db")
    asked = "SELECT member, status, rating, on_time, as_agreed, opened IS NULL, final FROM reviews"
    assert sorted(ask(file, asked).rows) == sorted(
        [
            (town.id("Ana").hex(), "open", 5, 1, 1, 0, 0),
            (town.id("Bo").hex(), "written", None, None, None, 1, 1),
        ]
    )


def test_what_is_not_there_is_null_and_not_empty(tmp_path: Path) -> None:
    archive = Archive()
    archive.request()
    archive.grant()
    file = stored(archive, tmp_path / "state.db")
    asked = "SELECT status, giver, replaces, answers FROM consents ORDER BY status"
    jun = archive.jun.owner.id.hex()
    assert ask(file, asked).rows == [("asked", None, None, None), ("given", jun, None, None)]


def test_nobody_owes_a_commission_before_it_is_counted(tmp_path: Path) -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    town.cut()
    town.pay("Bo", 4_000, town.deal("Bo", 4_000), by="")
    town.cut()
    file = stored(town, tmp_path / "state.db")
    asked = "SELECT counted, seller, promoter, amount_n, unit FROM commissions"
    assert ask(file, asked).rows == [(0, None, None, None, None)]
    assert ask(file, "SELECT ended, who FROM promotions").rows == [(None, None)]


def test_claims_say_what_is_owed_paid_and_open(path: Path) -> None:
    found = ask(path, "SELECT amount, settled, said, open, status, final FROM claims").rows
    assert (1000, 300, 200, 700, "partly", 1) in found
    (corrections,) = ask(path, "SELECT sum(amount), max(corrects) FROM payouts WHERE corrects").rows
    assert corrections == (-100, 1)


def test_balances_sum_to_nothing_and_say_what_is_final(path: Path) -> None:
    found = ask(path, "SELECT unit, balance, scale, received, final FROM balances").rows
    assert sorted(found) == [
        ("hour", -15, 1, 0, 0),
        ("hour", -15, 1, 0, 1),
        ("hour", 30, 1, 30, 0),
    ]


ATTACKS = [
    "DELETE FROM members",
    "INSERT INTO members VALUES (1)",
    "UPDATE member_row SET status = 'x'",
    "DROP VIEW members",
    "CREATE TABLE t (a)",
    "CREATE TEMP TABLE t (a)",
    "CREATE TEMP VIEW v AS SELECT 1",
    "ATTACH DATABASE '{path}.stolen' AS a",
    "ATTACH ':memory:' AS a",
    "DETACH main",
    "VACUUM INTO '{path}.stolen'",
    "VACUUM",
    "PRAGMA writable_schema = ON",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA table_info(mark)",
    "SELECT * FROM pragma_table_info('mark')",
    "SELECT * FROM pragma_database_list",
    "SELECT load_extension('x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('{path}.stolen', 'x')",
    "SELECT fts3_tokenizer('x')",
    "SELECT randomblob(1000000000)",
    "SELECT zeroblob(1000000000)",
    "SELECT sqlite_version()",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_schema",
    "SELECT * FROM main.sqlite_master",
    "SELECT * FROM sqlite_temp_master",
    "SELECT * FROM sqlite_stat1",
    "SELECT * FROM dbstat",
    "SELECT * FROM generate_series(1, 1000000000)",
    "SELECT * FROM json_each('[1]')",
    "BEGIN EXCLUSIVE",
    "BEGIN; SELECT 1",
    "SELECT 1; DELETE FROM members",
    "ANALYZE",
    "REINDEX",
    "SAVEPOINT a",
    "SELECT ?",
    "",
    "-- nothing",
    "SELECT 1\0; DELETE FROM members",
]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("statement", ATTACKS)
def test_nothing_else_is_done(path: Path, statement: str) -> None:
    before = digest(path), sorted(path.parent.iterdir())
    with pytest.raises((BadQuestion, QuestionTooLong)):
        ask(path, statement.replace("{path}", str(path)))
    assert (digest(path), sorted(path.parent.iterdir())) == before


@pytest.mark.parametrize("table", ["mark", "state", "refused", "MARK", "State", '"refused"'])
def test_what_lies_behind_the_views_is_not_read(path: Path, table: str) -> None:
    for statement in (
        f"SELECT * FROM {table}",
        f"SELECT count(*) FROM {table}",
        f"SELECT count(*) FROM main.{table}",
        f"SELECT (SELECT count(*) FROM {table})",
        f"WITH members AS (SELECT * FROM {table}) SELECT * FROM members",
        f"WITH members AS (SELECT count(*) FROM {table}) SELECT * FROM members",
        f"WITH members AS (SELECT 1 FROM {table}) SELECT * FROM members",
    ):
        with pytest.raises(BadQuestion):
            ask(path, statement)


BOMBS = [
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    "SELECT count(*) FROM events a, events b, events c, events d, events e, events f, events g,"
    " events h, attests i, attests j",
    "SELECT group_concat(a.id) FROM events a, events b, events c, events d, events e, events f",
    "SELECT printf('%1000000000d', 1)",
    "SELECT replace(replace(replace(hex(printf('%.200000c', 'a')), '6', printf('%.9999c', 'b')),"
    " 'b', printf('%.9999c', 'c')), 'c', printf('%.9999c', 'd'))",
    "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "SELECT 1" + " UNION SELECT 1" * 600,
    "SELECT " + ",".join(["1"] * 3_000),
    "SELECT '" + "x" * 20_000 + "'",
    "SELECT a.id FROM events a, events b, events c, events d, events e ORDER BY a.id || b.id",
]


@pytest.mark.parametrize("statement", BOMBS)
def test_no_question_takes_long_or_much(path: Path, statement: str) -> None:
    start = time.process_time()
    try:
        found = ask(path, statement)
    except (BadQuestion, QuestionTooLong):
        pass
    else:
        assert len(found.rows) <= USUAL.rows
    assert time.process_time() - start < 10


def test_the_step_limit_is_what_ends_a_question(path: Path) -> None:
    statement = "SELECT count(*) FROM events a, events b, events c, events d"
    with pytest.raises(QuestionTooLong):
        ask(path, statement, QueryLimits(steps=1_000))
    (events,) = ask(path, "SELECT count(*) FROM events").rows[0]
    assert ask(path, statement).rows == [(events**4,)]


def test_the_row_limit_is_said(path: Path) -> None:
    some = ask(path, "SELECT id FROM events", QueryLimits(rows=2))
    assert (len(some.rows), some.is_cut) == (2, True)
    every = ask(path, "SELECT id FROM events LIMIT 2", QueryLimits(rows=2))
    assert (len(every.rows), every.is_cut) == (2, False)


def test_the_authorizer_is_what_refuses(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readonly_sql, "_may", lambda *_: sqlite3.SQLITE_OK)
    assert ask(path, "SELECT count(*) FROM mark").rows[0][0]
    with pytest.raises(BadQuestion):
        ask(path, "DELETE FROM mark")


def test_the_memory_of_a_question_is_bounded_and_of_what_comes_later_it_is_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = "SELECT e.id || f.id AS both FROM events e, events f LIMIT 20"
    hungry = f"SELECT count(DISTINCT printf('%900000s', both)) FROM ({some})"
    assert ask(path, hungry).rows == [(20,)]
    (events,) = ask(path, "SELECT count(*) FROM events").rows[0]
    monkeypatch.setattr(readonly_sql, "HEAP_BYTES_MAX", 8 * 1024 * 1024)
    with pytest.raises(QuestionTooLong):
        ask(path, hungry)
    with closing(sqlite3.connect(":memory:")) as later:
        later.execute("CREATE TABLE large AS SELECT zeroblob(16 * 1024 * 1024) AS value")
    assert ask(path, "SELECT count(*) FROM events").rows == [(events,)]


def test_a_text_is_replaced_up_to_the_largest_value_and_never_built_above_it(path: Path) -> None:
    asked = "SELECT length(replace(printf('%.{}c', 'a'), 'a', printf('%.{}c', 'b')))"
    assert ask(path, asked.format(1024, 1024)).rows == [(1024 * 1024,)]
    for above in (asked.format(1024, 1025), asked.format(64 * 1024, 1024)):
        tracemalloc.start()
        try:
            with pytest.raises(QuestionTooLong, match="too big"):
                ask(path, above)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8 * VALUE_BYTES_MAX, "the second would have 64 MiB"


def test_questions_at_the_same_time_each_have_their_memory(path: Path) -> None:
    table = "CREATE TABLE {} AS SELECT zeroblob({} * 1024 * 1024) AS value"
    with closing(sqlite3.connect(":memory:")) as one, closing(sqlite3.connect(":memory:")) as two:
        with heap_limit(one, 16 * 1024 * 1024):
            one.execute(table.format("a", 4))
            with pytest.raises((MemoryError, sqlite3.Error)):
                two.execute(table.format("b", 4))
            with heap_limit(two, 16 * 1024 * 1024):
                two.execute(table.format("b", 4))
            with pytest.raises((MemoryError, sqlite3.Error)):
                one.execute(table.format("c", 4))
        one.execute(table.format("c", 32))


def test_where_the_library_cannot_be_called_the_bound_is_set_all_the_same() -> None:
    program = (
        "import sqlite3\n"
        "from commonweal.storage.sqlite import heap_limit as bound\n"
        "bound._library = lambda: None\n"
        "one = sqlite3.connect(':memory:')\n"
        "with bound.heap_limit(one, 1_000_000):\n"
        "    print(*one.execute('PRAGMA hard_heap_limit').fetchone())\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout.strip() == "1000000", said.stderr
