"""PostgreSQL, two servers of this machine: logical replication of a table over loopback.

Its programs are looked for on the PATH, and where Debian puts them. As root it runs as the user
`postgres`, since it refuses root. It waits for the disk, as is its default.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NAME = "PostgreSQL"
USER = "postgres"
WAIT_S_MAX = 120
POLL_S = 0.02
TABLE = "CREATE TABLE record (id bigint PRIMARY KEY, author integer, wire bytea)"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: its port on loopback."""

    port: int

    @property
    def connection(self) -> str:
        """The words by which the other server connects to it."""
        return f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres"

    def ask(self, statement: str) -> str:
        """Run a statement; return what it prints."""
        command = [str(_program("psql")), "-AtqX", "-d", self.connection, "-c", statement]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=WAIT_S_MAX
        ).stdout.strip()


def is_installed() -> bool:
    """Whether its programs are here, and may run."""
    programs = all(_program(name) for name in ("initdb", "postgres", "psql"))
    return programs and (os.getuid() != 0 or shutil.which("runuser") is not None)


def cold_rate(rows: int, size: int) -> float:
    """Return how many rows a second a new subscriber takes from a table that is full."""
    with _server() as full, _server() as empty:
        full.ask(TABLE)
        text = f"decode(left(repeat(md5(n::text), {size // 16 + 1}), {size * 2}), 'hex')"
        full.ask(
            f"INSERT INTO record SELECT n, n % 10, {text} FROM generate_series(1, {rows}) AS n"
        )
        full.ask("CREATE PUBLICATION everything FOR TABLE record")
        empty.ask(TABLE)
        start = time.perf_counter()
        empty.ask(f"CREATE SUBSCRIPTION it CONNECTION '{full.connection}' PUBLICATION everything")
        deadline = start + WAIT_S_MAX
        while empty.ask("SELECT count(*) FROM record") != str(rows):
            assert time.perf_counter() < deadline, "the rows did not come"
            time.sleep(POLL_S)
        seconds = time.perf_counter() - start
        empty.ask("DROP SUBSCRIPTION it")
    return rows / seconds


@contextmanager
def _server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="weal-bench-"))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, USER)
        data = str(folder / "data")
        _as_user("initdb", "-D", data, "-A", "trust", "-U", USER)
        port = _free_port()
        process = subprocess.Popen(
            [
                *_prefix(),
                str(_program("postgres")),
                *("-D", data, "-p", str(port), "-k", str(folder)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "wal_level=logical"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _answering(Server(port))
        finally:
            pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGQUIT)  # ends at once, without a checkpoint
            process.wait()
    finally:
        shutil.rmtree(folder)


def _answering(server: Server) -> Server:
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        try:
            server.ask("SELECT 1")
        except subprocess.CalledProcessError:
            assert time.monotonic() < deadline, "the server did not begin"
            time.sleep(POLL_S)
        else:
            return server


def _as_user(name: str, *words: str) -> None:
    subprocess.run(
        [*_prefix(), str(_program(name)), *words],
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=WAIT_S_MAX,
    )


def _prefix() -> list[str]:
    return ["runuser", "-u", USER, "--"] if os.getuid() == 0 else []


def _program(name: str) -> Path | None:
    on_path = shutil.which(name)
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return Path(on_path) if on_path else (debian[-1] if debian else None)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
