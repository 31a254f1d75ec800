"""Backup: one file from which a home can be made again, by `client.keep.restore`.

It may be taken while the node runs: the ledger in it is the state of one moment. The keystore goes
in as it is, under its passphrase.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from commonweal.client.access import HomeAccess
from commonweal.client.home.files import place_for
from commonweal.client.home.reminders import remember_backup
from commonweal.client.home.submit import now_ms
from commonweal.client.keep.archive import CONFIG, KEYSTORE, LEDGER, pack
from commonweal.protocol.errors import FileRefused
from commonweal.storage.home import keystore
from commonweal.storage.home.contents import FOLDER, Contents
from commonweal.storage.home.home import Settings


@dataclass(frozen=True, slots=True)
class WrittenBackup:
    """A backup that is on the disk. size: in bytes.

    is_protected: whether a passphrase protects the keys in it; else whoever reads it is the member.
    unremembered: why the inbox will not know of it, None where it does. The backup is good anyway.
    """

    file: Path
    size: int
    records: int
    is_protected: bool
    unremembered: str | None


class Backups(HomeAccess):
    """Backups of the home."""

    def backup(self, file: Path) -> WrittenBackup:
        """Write the ledger, the keys, the settings and the contents to `file`, whole or not at all.

        Raises UnusableText for a place in the home, MissingDatabase, KeystoreMissing, FileRefused,
        or a StorageError when there is no room.
        """
        file = place_for(file, self.home, self.words)
        began_ms = now_ms()
        is_protected = keystore.needs_passphrase(self.home.keystore)
        size, records = self._packed(file)
        return WrittenBackup(file, size, records, is_protected, self._remembered(began_ms))

    def _packed(self, file: Path) -> tuple[int, int]:
        """Write `file`; return its size in bytes and the number of records in it."""
        with self.home.store(readonly=True) as store:
            Settings.read(store)
            records = store.counts().records
            try:
                with TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
                    ledger = Path(folder) / LEDGER
                    store.backup(ledger)
                    files = {KEYSTORE: self.home.keystore, LEDGER: ledger}
                    if self.home.config.exists():
                        files[CONFIG] = self.home.config
                    kept = Contents(self.home)
                    for digest in kept.hashes():
                        files[f"{FOLDER}/{digest.hex()}"] = kept.path(digest)
                    return pack(files, file), records
            except OSError as error:
                raise FileRefused(f"{file}: {error.strerror}") from error

    def _remembered(self, at_ms: int) -> str | None:
        """Let the home know of its backup; return why that cannot be written."""
        try:
            remember_backup(self.home, at_ms)
        except FileRefused as error:
            return str(error)
        return None
