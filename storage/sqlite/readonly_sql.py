"""Questions in SQL that only read the public views: nothing else can be named, or lasts long.

A question is one SELECT over the views of views.sql. It attaches nothing, sets nothing,
loads nothing, and calls itself never; it ends after a number of steps of SQLite's machine
that takes about a second, and no value, statement or result grows beyond a limit.
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
from commonweal.storage.sqlite.functions import put_functions

STATEMENT_CHARS_MAX = 10_000
VALUE_BYTES_MAX = 1024 * 1024
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
"""What a question may call. None reads a file, grows memory freely, or differs by chance."""

_HIDDEN = (
    *("mark", "state", "refused", "sealed_log", "tree", "sqlite_", "pragma_", "json_", "dbstat"),
    *("fts", "rtree", "bytecode", "tables_used", "generate_series", "completion"),
    "fsdir",
    "zipfile",
)
"""How the names begin of what a question never reads: our own tables, and those of SQLite."""

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
    """How much a question may take: rows of its answer, and steps of SQLite's machine."""

    rows: int = 10_000
    steps: int = 50_000_000


USUAL = QueryLimits()


class QueryResult(NamedTuple):
    """The answer: names of its columns, its rows, and whether there would be more."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool


def ask(path: str | Path, statement: str, limits: QueryLimits = USUAL) -> QueryResult:
    """Return the answer of one SELECT over the views in the file `path`.

    Raises BadQuestion when it is none, or names anything else; QuestionTooLong beyond a limit.
    """
    if len(statement) > STATEMENT_CHARS_MAX:
        raise QuestionTooLong(f"{len(statement):,} characters; at most {STATEMENT_CHARS_MAX:,}")
    if "\0" in statement:
        raise BadQuestion("it holds a zero byte")
    try:
        opened = _guarded(path, limits)
    except sqlite3.Error as error:
        raise named(error) from error
    with closing(opened) as connection:
        try:
            found = connection.execute(statement)
            if found.description is None:
                raise BadQuestion("only SELECT")
            columns = [str(column[0]) for column in found.description]
            rows = list(_fitting(found, limits.rows))
        except sqlite3.Warning as error:  # several statements; an Error only from Python 3.12 on
            raise BadQuestion(str(error)) from error
        except sqlite3.Error as error:
            raise _named(error) from error
        except MemoryError as error:
            raise QuestionTooLong("memory") from error
    return QueryResult(columns, rows[: limits.rows], len(rows) > limits.rows)


def _guarded(path: str | Path, limits: QueryLimits) -> sqlite3.Connection:
    """Return a connection that can do nothing but read the views."""
    uri = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = ON")  # the views are ours; nobody writes here
    connection.execute(f"PRAGMA hard_heap_limit = {HEAP_BYTES_MAX}")
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
    action: int, one: str | None, two: str | None, database: str | None, _view: str | None
) -> int:
    """Answer SQLite's question whether a statement may do something.

    The rows behind the views say what the views say; which of both is read cannot be told
    apart, since a question may name a part of its own like a view.
    """
    match action:
        case sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        case sqlite3.SQLITE_READ:
            is_hidden = str(one).lower().startswith(_HIDDEN)
            is_here = database in ("main", None, "")
            return sqlite3.SQLITE_OK if is_here and not is_hidden else sqlite3.SQLITE_DENY
        case sqlite3.SQLITE_FUNCTION:
            is_known = str(two).lower() in _FUNCTIONS
            return sqlite3.SQLITE_OK if is_known else sqlite3.SQLITE_DENY
        case _:
            return sqlite3.SQLITE_DENY


def _fitting(found: sqlite3.Cursor, rows_max: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows up to one more than the limit, while they fit in memory."""
    size = 0
    for number, row in enumerate(found):
        size += sum(len(one) if isinstance(one, str | bytes) else 8 for one in row)
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
