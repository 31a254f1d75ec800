"""Settings of one home: named values in its database.

Knows nothing of what a value means; each owner of a setting encodes its own.
"""

from __future__ import annotations

from commonweal.storage.sqlite.database import Database

RESTORING = "restoring"
"""Setting of a home that was restored from a backup and has not caught up with a peer since."""


class SettingStore(Database):
    """The table `setting`."""

    def setting(self, name: str) -> bytes | None:
        """Return the value stored under `name`, or None."""
        row = self.row("SELECT value FROM setting WHERE name = ?", (name,))
        return row[0] if row else None

    def put_setting(self, name: str, value: bytes | None) -> None:
        """Store `value` under `name`; None removes the setting."""
        if value is None:
            self.change("DELETE FROM setting WHERE name = ?", (name,))
        else:
            self.change("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))
