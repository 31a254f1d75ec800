"""The page as a background process: started, found, ended."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from commonweal.node.control import program
from commonweal.node.control.daemon import send_signal
from commonweal.protocol.errors import PageNotStarted, ReadOnlyDatabase
from commonweal.web.serving.page_file import PageAddress, PageFile

START_SECONDS_MAX = 30.0
END_SECONDS_MAX = 6.0
PAUSE_SECONDS = 0.02
READY = b"ready\n"
"""What the process writes once it listens."""


def address_of(home: Path) -> PageAddress | None:
    """Return where the page of a home listens; None when it does not run."""
    file = PageFile(home)
    return None if file.holder() is None else file.read()


def start(home: Path, port: int = 0) -> PageAddress:
    """Start the page of a home unless it runs, and return where it listens.

    port: as `serving.process.run` takes it. Raises PageNotStarted with what the process said.
    """
    if (running := address_of(home)) is not None:
        return running
    file = PageFile(home)
    command = [*program.command(), "web", "--detached", "--home", str(home), "--port", str(port)]
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = os.open(file.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ReadOnlyDatabase(f"{file.log}: {error.strerror}") from error
    with os.fdopen(log, "ab") as errors:
        begins = errors.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            cwd=home,
            env=program.environment(),
        )
    if _is_ready(process) and (address := file.read()) is not None:
        process.returncode = 0  # it lives on; nobody waits for it
        return address
    process.kill()
    process.wait()
    if (running := address_of(home)) is not None:  # another start was quicker
        return running
    raise PageNotStarted(_last_line(file.log, begins))


def tell_ready() -> None:
    """Tell the process that started this one that the page listens, and part from it."""
    os.write(1, READY)
    with Path(os.devnull).open("r+b") as nothing:
        os.dup2(nothing.fileno(), 1)


def stop(home: Path) -> bool:
    """End the page of a home, wait until it is gone, and return whether one ran."""
    file = PageFile(home)
    pid = file.holder()
    if not pid:
        return False
    send_signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS_MAX
    while file.holder() == pid:
        if time.monotonic() > deadline:
            send_signal(pid, signal.SIGKILL)
            deadline += END_SECONDS_MAX
        time.sleep(PAUSE_SECONDS)
    return True


def _is_ready(process: subprocess.Popen[bytes]) -> bool:
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS_MAX
    told = b""
    with process.stdout as output:
        while told != READY:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                return False
            part = os.read(output.fileno(), len(READY))
            if not part:
                return False
            told += part
    return True


def _last_line(log: Path, begins: int) -> str:
    with suppress(OSError), log.open("rb") as file:
        file.seek(begins)
        lines = file.read(64 * 1024).decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), str(log))
    return str(log)
