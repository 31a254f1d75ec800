"""Any number of values is looked for, and of rows inserted, by few statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest

from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.ledger.state.state_file import VALUES_AT_ONCE, VALUES_PER_INSERT
from commonweal.storage.sqlite.placeholders import in_list


def test_values_fill_up_to_a_power_of_two_and_choose_the_same_rows() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE one (number INTEGER)")
        database.executemany("INSERT INTO one VALUES (?)", [(number,) for number in range(40)])
        for count in range(34):
            wanted = [2 * number for number in range(count)]
            places, values = in_list(wanted)
            assert len(values) in {0, 1, 2, 4, 8, 16, 32, 64}
            assert len(values) < 2 * max(1, count)
            asked = f"SELECT number FROM one WHERE number IN ({places}) ORDER BY number"
            rows = [number for (number,) in database.execute(asked, values)]
            assert rows == [number for number in wanted if number < 40]


def test_pages_of_a_tree_are_read_by_few_statements_whatever_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statements: dict[str, None] = {}
    rows = StateDb.rows

    def noted(self: StateDb, statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        statements[statement] = None
        return rows(self, statement, values)

    monkeypatch.setattr(StateDb, "rows", noted)
    count = 2 * VALUES_AT_ONCE + 3
    places = [number.to_bytes(2, "big") for number in range(count)]
    with closing(StateDb()) as layers:
        layers.put_pages(0, {place: b"page " + place for place in places})
        for number in [*range(70), count]:
            pages = layers.pages(0, places[:number])
            assert pages == {place: b"page " + place for place in places[:number]}
    assert len(statements) == VALUES_AT_ONCE.bit_length() == 7, "1, 2, 4 and so on to 64"


def test_any_number_of_rows_is_inserted_in_order_by_two_statements() -> None:
    traced: list[str] = []
    at_once = VALUES_PER_INSERT // 2
    with closing(StateDb()) as layers:
        layers._connection.set_trace_callback(traced.append)
        for count in range(2 * at_once + 2):
            rows = [(f"name {number % 20:02}", b"%d" % number) for number in range(count)]
            traced.clear()
            layers.insert_many("INSERT OR REPLACE INTO mark VALUES (?, ?)", iter(rows))
            assert len(traced) == sum(divmod(count, at_once))
            written = layers.rows("SELECT name, value FROM mark ORDER BY name")
            assert written == sorted(dict(rows).items()), "of two with one name the last one"
            layers.change("DELETE FROM mark")


@pytest.mark.parametrize("count", [2, VALUES_PER_INSERT // 2])
def test_where_a_row_is_there_none_is_inserted(count: int) -> None:
    with closing(StateDb()) as layers:
        with pytest.raises(sqlite3.IntegrityError), layers.writing():
            layers.insert_many("INSERT INTO mark VALUES (?, ?)", [("name", b"")] * count)
        assert not layers.rows("SELECT 1 FROM mark")
