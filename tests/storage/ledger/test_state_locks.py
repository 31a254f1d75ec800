"""The state file in several connections of one process, and in another one beside them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from commonweal.storage.ledger.state.state_file import StateFile
from commonweal.storage.records.logs.log_store import Store

OPENED_AND_CLOSED = """
import sys
from pathlib import Path
from commonweal.storage.ledger.state.state_file import StateFile
from commonweal.storage.records.logs.log_store import Store
({"state.db": StateFile, "ledger.db": Store}[Path(sys.argv[1]).name])(sys.argv[1]).close()
"""


def test_a_second_connection_leaves_the_first_its_locks_on_the_state(tmp_path: Path) -> None:
    """Else the last command that closes deletes the log under a node, and its state is damaged."""
    path = tmp_path / "state.db"
    with closing(StateFile(path)) as first:
        first.begin()
        first.put_mark("a", 1)
        first.commit()
        with closing(StateFile(path)) as second:
            _open_and_close(path)
            assert Path(f"{path}-wal").exists()
            assert second.mark("a") == 1


def test_a_second_connection_leaves_the_first_its_locks_on_the_records(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(Store(path)) as first, closing(Store(path)):
        first.change("INSERT INTO setting VALUES (?, ?)", ("a", b"1"))
        first.commit()
        _open_and_close(path)
        assert Path(f"{path}-wal").exists()


def _open_and_close(path: Path) -> None:
    """Let another process open the file and close it."""
    subprocess.run([sys.executable, "-c", OPENED_AND_CLOSED, str(path)], check=True, timeout=60)
