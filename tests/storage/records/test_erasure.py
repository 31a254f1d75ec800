"""What is erased leaves the write-ahead log too."""

from __future__ import annotations

from pathlib import Path

from commonweal.protocol.records import record
from tests.storage.sqlite.test_database import opened, path

__all__ = ["path"]


def test_the_write_ahead_log_forgets_what_was_erased_at_the_next_checkpoint(path: Path) -> None:
    wal = Path(f"{path}-wal")
    data, ref = record.erasable_body(bytes(16), "text/plain", b"a word best forgotten")
    with opened(path) as store:
        store.checkpoint()
        store.put_body(ref, data)
        store.commit()
        assert b"best forgotten" in wal.read_bytes()
        with opened(path, readonly=True) as reader, reader.snapshot():
            assert not reader.is_erased(ref.hash)
            store.erase_body(ref.hash)
            store.commit()
            store.checkpoint()
            assert b"best forgotten" in wal.read_bytes(), "somebody reads there"
        store.checkpoint()
        assert store.is_erased(ref.hash)
        assert b"best forgotten" not in wal.read_bytes() + path.read_bytes()


def test_the_first_checkpoint_forgets_what_was_erased_before_a_crash(path: Path) -> None:
    data, ref = record.erasable_body(bytes(16), "text/plain", b"a word best forgotten")
    with opened(path) as store, opened(path) as again:
        store.put_body(ref, data)
        store.erase_body(ref.hash)
        store.commit()
        again.checkpoint()
        assert Path(f"{path}-wal").stat().st_size == 0
