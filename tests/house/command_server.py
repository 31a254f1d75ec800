"""`weal` for the pages: every command in a process of its own that is forked, not started.

To load Python and the command takes longer than most commands do, and the pages type some two
thousand. `serving` puts a program `weal` in a folder: it passes its words, folder, environment and
the first three files to a server that has loaded all commands and forks. What runs, and how it
ends, is as if the installed `weal` had been typed; README.md types that one. The nodes that such a
command starts are forked, too: to load one takes 0.6 s of processor time.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

CALL = Path(__file__).with_name("command_call.py")
ASK_BYTES_MAX = 1 << 20
FILES = 3
LENGTH = struct.Struct("!I")
PID_AND_CODE = struct.Struct("!i")
START_S = 60.0


@contextmanager
def serving(folder: Path) -> Iterator[Path]:
    """Give a folder with the program `weal`; its server ends with the block."""
    place, programs = folder / "commands.socket", folder / "bin"
    programs.mkdir()
    program = programs / "weal"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {CALL} {place} "$@"\n', "utf-8")
    program.chmod(0o755)
    typed = [sys.executable, "-m", __name__, str(place), str(program)]
    server = subprocess.Popen(typed, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE)
    assert server.stdin is not None
    try:
        until = time.monotonic() + START_S
        while not place.exists():
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the server of commands did not start")
            time.sleep(0.02)
        yield programs
    finally:
        server.stdin.close()
        server.wait()


def main(place: str, program: str) -> NoReturn:
    """Load every command, then fork for each that is typed, until standard input ends.

    program: what such a command starts a node with.
    """
    _load(program)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(place + ".new")
        listener.listen(64)
        Path(place + ".new").rename(place)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the commands
        while True:
            ready, _, _ = select.select([listener.fileno(), 0], [], [])
            if 0 in ready:  # who began it is gone
                os._exit(0)
            caller, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _run(caller)
            caller.close()


def _load(started_with: str) -> None:
    import commonweal.client.member
    import commonweal.commands
    import commonweal.node.control.server
    import commonweal.node.runtime.process
    from commonweal import cli
    from commonweal.node.control import program

    assert cli.weal is not None
    program.command = lambda: [started_with]
    for module in pkgutil.walk_packages(commonweal.commands.__path__, "commonweal.commands."):
        import_module(module.name)
    gc.collect()
    gc.freeze()


def _run(caller: socket.socket) -> NoReturn:
    """Be the command that the caller types, and tell the caller how it ended."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        caller.sendall(PID_AND_CODE.pack(os.getpid()))
        words, folder, environment, files = _asked(caller)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        random.seed()
        sys.argv = ["weal", *words]
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  for all its life
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        from commonweal.cli import main as weal

        code = weal()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        with suppress(OSError):
            caller.sendall(PID_AND_CODE.pack(code))
        os._exit(code)


def _asked(caller: socket.socket) -> tuple[list[str], str, dict[str, str], list[int]]:
    """Return the words, folder, environment and files of what is typed."""
    head, files, _flags, _sender = socket.recv_fds(caller, LENGTH.size, FILES)
    size = LENGTH.unpack(head)[0]
    assert size <= ASK_BYTES_MAX
    data = b""
    while len(data) < size:
        data += caller.recv(size - len(data))
    asked = json.loads(data)
    return asked["words"], asked["folder"], asked["environment"], list(files)


if __name__ == "__main__":
    main(*sys.argv[1:])
