"""Read-only SQL over the public views, with every resource bounded.

A query is one SELECT over the views of views.sql. It cannot attach, set, load or recurse; it ends
after a number of virtual-machine steps that takes about a second, and no value, statement or result
exceeds a limit. Never opens the ledger file itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from commonweal.protocol.errors import BadQuestion, QuestionTooLong
from commonweal.storage.sqlite.database import named
from commonweal.storage.sqlite.functions import VALUE_BYTES_MAX, put_functions
from commonweal.storage.sqlite.heap_limit import heap_limit

STATEMENT_CHARS_MAX = 10_000
COLUMNS_MAX = 100
DEPTH_MAX = 50
RESULT_BYTES_MAX = 64 * 1024 * 1024
HEAP_BYTES_MAX = 128 * 1024 * 1024
STEPS_PER_LOOK = 1_000

_FUNCTIONS = frozenset(
    (
        *("abs", "avg", "coalesce", "count", "date", "datetime", "dense_rank", "first_value"),
        *("format", "group_concat", "hex", "ifnull", "iif", "instr", "julianday", "lag"),
        *("last_value", "lead", "length", "like", "lower", "ltrim", "max", "min", "nth_value"),
        *("ntile", "nullif", "percent_rank", "printf", "rank", "replace", "round", "row_number"),
        *("rtrim", "sign", "strftime", "string_agg", "substr", "substring", "sum", "time", "total"),
        *("trim", "typeof", "unhex", "unicode", "unixepoch", "upper", "cume_dist", "glob"),
    )
)
"""Functions that a query may call: none reads a file, allocates freely, or is random."""

_HIDDEN = (
    *("mark", "state", "refused", "sealed_log", "tree", "sqlite_", "pragma_", "json_", "dbstat"),
    *("fts", "rtree", "bytecode", "tables_used", "generate_series", "completion"),
    "fsdir",
    "zipfile",
)
"""Prefixes of names that a query never reads: internal tables, ours and SQLite's."""

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: VALUE_BYTES_MAX,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 4 * STATEMENT_CHARS_MAX,
    sqlite3.SQLITE_LIMIT_COLUMN: COLUMNS_MAX,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: DEPTH_MAX,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 10,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 20_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


class QueryLimits(NamedTuple):
    """Bounds of one query: rows of its result, and steps of SQLite's virtual machine."""

    rows: int = 10_000
    steps: int = 50_000_000


USUAL = QueryLimits()


class QueryResult(NamedTuple):
    """Column names and rows. is_cut: whether there are more rows than the limit."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool


def ask(path: str | Path, statement: str, limits: QueryLimits = USUAL) -> QueryResult:
    """Return the result of one SELECT over the views in the file `path`.

    Raises BadQuestion for another statement or name; QuestionTooLong beyond a limit.
    """
    if len(statement) > STATEMENT_CHARS_MAX:
        raise QuestionTooLong(f"{len(statement):,} characters; at most {STATEMENT_CHARS_MAX:,}")
    if "\0" in statement:
        raise BadQuestion("it holds a zero byte")
    try:
        opened = _guarded(path, limits)
    except sqlite3.Error as error:
        raise named(error) from error
    with closing(opened) as connection, heap_limit(connection, HEAP_BYTES_MAX):
        try:
            cursor = connection.execute(statement)
            if cursor.description is None:
                raise BadQuestion("only SELECT")
            columns = [str(column[0]) for column in cursor.description]
            rows = list(_fitting(cursor, limits.rows))
        except sqlite3.Warning as error:  # several statements; an Error only from Python 3.12 on
            raise BadQuestion(str(error)) from error
        except sqlite3.Error as error:
            raise _named(error) from error
        except MemoryError as error:
            raise QuestionTooLong("memory") from error
    return QueryResult(columns, rows[: limits.rows], len(rows) > limits.rows)


def _guarded(path: str | Path, limits: QueryLimits) -> sqlite3.Connection:
    """Return a connection that can only read the views."""
    uri = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = ON")  # the views are ours; nobody writes here
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cell_size_check = ON")
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    put_functions(connection)
    looks = 0

    def look() -> int:
        nonlocal looks
        looks += 1
        return int(looks * STEPS_PER_LOOK > limits.steps)

    connection.set_progress_handler(look, STEPS_PER_LOOK)
    connection.set_authorizer(_may)
    return connection


def _may(
    action: int, first: str | None, second: str | None, database: str | None, _view: str | None
) -> int:
    """Authorizer: whether a statement may do something.

    The tables behind the views are readable too, as they say the same: SQLite does not tell which
    of both is read, since a query may name a subquery like a view.
    """
    match action:
        case sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        case sqlite3.SQLITE_READ:
            is_hidden = str(first).lower().startswith(_HIDDEN)
            is_here = database in ("main", None, "")
            return sqlite3.SQLITE_OK if is_here and not is_hidden else sqlite3.SQLITE_DENY
        case sqlite3.SQLITE_FUNCTION:
            is_known = str(second).lower() in _FUNCTIONS
            return sqlite3.SQLITE_OK if is_known else sqlite3.SQLITE_DENY
        case _:
            return sqlite3.SQLITE_DENY


def _fitting(cursor: sqlite3.Cursor, rows_max: int) -> Iterator[tuple[Any, ...]]:
    """Yield up to `rows_max` + 1 rows. Raises QuestionTooLong beyond RESULT_BYTES_MAX."""
    size = 0
    for number, row in enumerate(cursor):
        size += sum(len(cell) if isinstance(cell, str | bytes) else 8 for cell in row)
        if size > RESULT_BYTES_MAX:
            raise QuestionTooLong(f"the answer has more than {RESULT_BYTES_MAX:,} bytes")
        yield row
        if number >= rows_max:
            return


_TOO_LONG: Sequence[int] = (
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_FULL,
)


def _named(error: sqlite3.Error) -> BadQuestion | QuestionTooLong:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return QuestionTooLong(str(error)) if code in _TOO_LONG else BadQuestion(str(error))
