"""`make demo`: four nodes keep a ledger, change their rules, seal, and share an income.

Everything goes through the command `weal`, as a member would type it. Each step says what
it proves; the first that does not hold ends the demo with exit 1. The nodes are processes
on this machine, and their homes a temporary folder that is gone at the end.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench.demo import governance, replication
from bench.demo.shell import BEGAN, NotAsPromised, weal


def main() -> int:
    """Run the demo; return the exit code."""
    for asked in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, lambda number, _: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="weal-demo-"))
    try:
        replication.show(folder)
        governance.show(folder)
    except NotAsPromised as error:
        print(f"\nNot as promised: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEnded in the middle, as you asked. Homes and nodes go too.", file=sys.stderr)
        return 128 + signal.SIGINT
    finally:
        for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(asked, signal.SIG_IGN)
        with contextlib.suppress(NotAsPromised):
            weal("cluster", "down", "--dir", str(folder / "cluster"))
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nAll of it held, in {time.monotonic() - BEGAN:.0f} s. Homes and nodes are gone again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
