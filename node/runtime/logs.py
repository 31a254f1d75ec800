"""The log of a running node: to a terminal, or as JSON lines to its log file.

A line of the file is one JSON object in which everything but ASCII is escaped, so nothing that a
peer sent can forge a line or control a terminal. The file is bounded: a full file becomes the old
one, and the previous old one is deleted. It only writes; what is logged is decided elsewhere.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from commonweal.protocol.errors import ReadOnlyDatabase

FILE_BYTES_MAX = 4 * 1024 * 1024
FILES_KEPT = 1
"""Full log files that stay beside the current one."""
TEXT_CHARS_MAX = 4_000
TRACE_CHARS_MAX = 16_000


@contextmanager
def log_to(level: str, file: Path | None) -> Iterator[None]:
    """Write log messages from `level` on to `file`, or to the terminal when it is None.

    Raises ReadOnlyDatabase when the file cannot be written.
    """
    root = logging.getLogger()
    handler = logging.StreamHandler() if file is None else _to_file(file)
    handler.setFormatter(_Plain() if file is None else _Json())
    before = root.level
    root.addHandler(handler)
    root.setLevel(level.upper())
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()


def last_warnings(file: Path, lines_max: int = 5) -> list[str]:
    """Return the last warnings and errors in a log file, as sentences."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - FILE_BYTES_MAX // 64))
            lines = opened.read().decode("ascii", "replace").splitlines()
    except OSError:
        return []
    texts: list[str] = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in ("warning", "error", "critical"):
            texts.append(str(entry.get("text", "")))
    return texts[-lines_max:]


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name.removeprefix("commonweal."),
            "text": record.getMessage()[:TEXT_CHARS_MAX],
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)[-TRACE_CHARS_MAX:]
        return json.dumps(entry, ensure_ascii=True)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = json.dumps(record.getMessage()[:TEXT_CHARS_MAX], ensure_ascii=False)[1:-1]
        shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
        mark = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        line = f"{_time(record).astimezone():%H:%M:%S} {mark}{shown}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _to_file(file: Path) -> RotatingFileHandler:
    try:
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        return RotatingFileHandler(
            file, maxBytes=FILE_BYTES_MAX, backupCount=FILES_KEPT, encoding="ascii"
        )
    except OSError as error:
        raise ReadOnlyDatabase(f"{file}: {error.strerror}") from error
