"""Nodes as background processes: starting, stopping, killing.

A new process gets the device's seed through a pipe, and nothing of the member's key. It writes
one line, its addresses or why it cannot run, and is then independent of its parent. A node is
first asked to stop; one that does not is killed by its own process id, which loses nothing that
was acknowledged. Nothing here runs the node itself.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from commonweal.node.control import program
from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.control import Stop
from commonweal.node.runtime import logs
from commonweal.protocol.errors import (
    HomeInUse,
    NodeNotRunning,
    NodeNotStarted,
    NotReachable,
    ReadOnlyDatabase,
    UsageError,
)
from commonweal.protocol.keys import SEED_BYTES
from commonweal.storage.home.home import Home
from commonweal.storage.home.keystore import Secrets

START_S_MAX = 60.0
"""Longest time until a new node listens."""
END_S_MAX = 6.0
"""Longest time that a node may take to stop before it is killed."""
PAUSE_S = 0.02
REPORT_BYTES_MAX = 64 * 1024
SAID_LINES = 2


class NodeProcess:
    """The process of a node that starts in the background; `addresses` waits for it."""

    def __init__(
        self,
        home: Home,
        secrets: Secrets,
        *,
        listen: tuple[str, ...] = (),
        announce: tuple[str, ...] = (),
        mdns: bool = True,
        port_mapping: bool = True,
        relay: bool = True,
    ) -> None:
        """Start the process. listen, announce, mdns, ...: as `weal up` takes them."""
        self._home = home
        command = [*program.command(), "up", "--detached", "--home", str(home)]
        command += [f"--listen={address}" for address in listen]
        command += [f"--announce={address}" for address in announce]
        command += [] if mdns else ["--no-mdns"]
        command += [] if port_mapping else ["--no-port-mapping"]
        command += [] if relay else ["--no-relay"]
        with _opened(home.log) as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                cwd=home.path,
                env=program.environment(),
            )
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as seed:
            seed.write(secrets.device_seed.hex().encode() + b"\n")

    def addresses(self) -> list[str]:
        """Return the node's addresses once it listens. Raises NodeNotStarted with the reason."""
        try:
            told = json.loads(self._report() or b"null")
        except ValueError:
            told = None
        match told:
            case {"addresses": list(addresses)}:
                self._process.returncode = 0  # it lives on; nobody waits for it
                return [str(address) for address in addresses]
            case {"sentence": str(sentence), "text": str(text), "exit": int(code)}:
                self._process.wait()
                raise _not_started(f"{sentence} {text}", code)
        code = self._process.wait()
        warnings = " / ".join(logs.last_warnings(self._home.log, SAID_LINES))
        raise _not_started(warnings or f"exit code {code}; see {self._home.log}")

    def give_up(self) -> None:
        """End the process, unless its node listens already."""
        if self._process.returncode is None:
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process.kill()
            self._process.wait()

    def _report(self) -> bytes:
        """Return the first line that the process writes, or less when it ends or hangs."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + START_S_MAX
        report = b""
        with self._process.stdout as told:
            while not report.endswith(b"\n") and len(report) < REPORT_BYTES_MAX:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([told], [], [], left)[0]:
                    self._process.kill()
                    break
                part = os.read(told.fileno(), REPORT_BYTES_MAX)
                if not part:
                    break
                report += part
        return report


def read_seed() -> Secrets:
    """Return what `NodeProcess` wrote to the input of this process.

    Raises UsageError when a member typed the flag by which a node reads it.
    """
    written = sys.stdin.readline(256).strip()
    if not re.fullmatch(f"[0-9a-f]{{{2 * SEED_BYTES}}}", written):
        raise UsageError("--detached is for weal itself; type: weal up --background")
    return Secrets(bytes.fromhex(written))


def detach_pipes() -> None:
    """Close the pipes to the process that started this one."""
    with Path(os.devnull).open("r+b") as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
        os.dup2(nothing.fileno(), 1)


def stop(home: Home) -> None:
    """Stop the node of a home and wait until it is gone.

    Raises NodeNotRunning when none runs, HomeInUse when it does not answer and has no process id
    here, as on another machine or in a container.
    """
    pid = home.holder()
    if pid is None:
        raise NodeNotRunning(str(home))
    deadline = time.monotonic() + END_S_MAX
    try:
        with LocalClient(home.socket_for_calling(), patience_s=END_S_MAX) as client:
            client.ask(Stop())
    except NotReachable:
        _force(home, pid, signal.SIGTERM)
    while home.holder() == pid:
        if time.monotonic() > deadline:
            _force(home, pid, signal.SIGKILL)
            deadline += END_S_MAX
        time.sleep(PAUSE_S)


def kill(home: Home) -> None:
    """End the node of a home with SIGKILL, as a crash would. Raises NotReachable when none runs."""
    pid = home.holder()
    if not pid:
        raise NotReachable(str(home))
    send_signal(pid, signal.SIGKILL)
    while home.holder() == pid:
        time.sleep(PAUSE_S)


def _force(home: Home, pid: int, number: signal.Signals) -> None:
    if not pid:
        raise HomeInUse(f"{home.path}: process ?")
    send_signal(pid, number)


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to one process; one that is gone is no error."""
    if pid > 0:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _not_started(text: str, code: int = 1) -> NodeNotStarted:
    error = NodeNotStarted(text)
    error.exit_code = code  # type: ignore[misc]  # that of the reason
    return error


def _opened(log: Path) -> IO[bytes]:
    """Return the log of a node, open for appending, mode 0600. Raises ReadOnlyDatabase."""
    try:
        return open(log, "ab", opener=lambda path, how: os.open(path, how | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise ReadOnlyDatabase(f"{log}: {error.strerror}") from error
