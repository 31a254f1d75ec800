"""The program `weal` of the pages: passes what is typed to `command_server`, and ends as it did.

It runs without site and environment (`python -IS`), so it imports nothing of ours.
"""

import json
import os
import signal
import socket
import struct
import sys
import time

NUMBER = struct.Struct("!i")
LOOK_S = 0.001


def main(place: str, words: list[str]) -> int:
    """Have a command run; return its exit code, or 128 and more when a signal ended it."""
    folder = os.getcwd()  # noqa: PTH109  to load pathlib takes longer than all of this
    asked = {"words": words, "folder": folder, "environment": dict(os.environ)}
    data = json.dumps(asked).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(place)
        socket.send_fds(line, [struct.pack("!I", len(data))], [0, 1, 2])
        line.sendall(data)
        pid = _number(line)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda given, _frame: os.kill(pid, given))
        try:
            return _number(line)
        except EOFError:
            return 128 + signal.SIGKILL
        finally:
            _wait_for_end_of(pid)


def _wait_for_end_of(pid: int) -> None:
    """Wait until the process is gone: its socket may close before it gives its locks free."""
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(LOOK_S)


def _number(line: socket.socket) -> int:
    data = b""
    while len(data) < NUMBER.size:
        more = line.recv(NUMBER.size - len(data))
        if not more:
            raise EOFError
        data += more
    return int(NUMBER.unpack(data)[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
