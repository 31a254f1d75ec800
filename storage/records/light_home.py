"""Whether a home is light, and of how many heights it keeps all records.

A light home keeps the chain of seals, the final state, the logs of its own member, governance
records, and all records of its last heights. Nothing here removes any.
"""

from __future__ import annotations

from commonweal.storage.records.settings import SettingStore

HEIGHTS_KEPT = 100
"""Of so many heights a light home keeps all records, unless its member wants another number."""
HEIGHTS_KEPT_MIN, HEIGHTS_KEPT_MAX = 1, 1_000_000

LIGHT = "light.heights"
"""Setting of a light home: of how many heights it keeps all records, in decimal digits."""
FOLLOWED = "light.followed"
"""Setting of the height whose cut the bases of logs have followed, in decimal digits."""


def heights_kept(store: SettingStore) -> int | None:
    """Return of how many heights a light home keeps all records; None for a full home."""
    return _number(store, LIGHT)


def keep_heights(store: SettingStore, heights: int | None) -> None:
    """Make a home light, or, by None, full. The caller commits."""
    assert heights is None or HEIGHTS_KEPT_MIN <= heights <= HEIGHTS_KEPT_MAX
    store.put_setting(LIGHT, None if heights is None else str(heights).encode())


def followed(store: SettingStore) -> int:
    """Return the height whose cut the bases of logs have followed; 0 before the first."""
    return _number(store, FOLLOWED) or 0


def put_followed(store: SettingStore, height: int) -> None:
    """Note the height whose cut the bases of logs have followed. The caller commits."""
    store.put_setting(FOLLOWED, str(height).encode())


def _number(store: SettingStore, name: str) -> int | None:
    data = store.setting(name)
    return int(data) if data and data.isdigit() else None
