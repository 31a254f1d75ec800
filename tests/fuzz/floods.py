"""32 MiB of hostile bytes at every door, in a process of its own, whose memory is measured.

`python -m tests.fuzz.floods` prints, for each door, the most seconds of CPU that one input
took, and last how much the process grew. What a door refuses by size it never looks at.
Neither depends on what else runs: the clock is that of the CPU, and the peak that of this
process alone (`ru_maxrss` would begin with that of the parent).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from commonweal.protocol.errors import CommonwealError
from tests.fuzz.doors import DOORS

FLOOD_BYTES = 32 * 1024 * 1024
CPU_SECONDS_MAX = 120
"""All doors together: the process is ended beyond it."""


def floods(size: int) -> Iterator[bytes]:
    """Yield inputs of `size` bytes: values that take much more room than their bytes."""
    count = size - 5
    for item in (b"\x80", b"\x90", b"\x91\x80"):
        items = count // len(item)
        yield b"\xdd" + items.to_bytes(4, "big") + item * items
    yield b"\xdf" + (count // 2).to_bytes(4, "big") + b"\xa0\x01" * (count // 2)
    yield b"\xc6" + count.to_bytes(4, "big") + bytes(count)
    yield (b"\xdd" + (size // 2).to_bytes(4, "big")) * (size // 5)
    for text in (b"9", b"a,", b"weal://"):
        yield text * (size // len(text))


def sizes() -> tuple[int, ...]:
    """The whole flood, and what the limit of a frame lets in."""
    return FLOOD_BYTES, 1024 * 1024 - 64


def peak_kib() -> int:
    """The most memory that this process has had since it began its program."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Flood each door that is named, or all; print what it took, as JSON."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    longest = dict.fromkeys(sys.argv[1:] or DOORS, 0.0)
    before = peak_kib()
    for size in sizes():
        for data in floods(size):
            for name in longest:
                begun = time.process_time()
                with suppress(CommonwealError):
                    DOORS[name].enter(data)
                longest[name] = max(longest[name], time.process_time() - begun)
    json.dump({"seconds": longest, "grown_kib": peak_kib() - before}, sys.stdout)


if __name__ == "__main__":
    main()
