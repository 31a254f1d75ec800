"""The permanent bodies of a store as a mapping by their hash, read one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from commonweal.storage.records.log_store import Store

NONE: Mapping[bytes, bytes] = MappingProxyType({})


class Documents(Mapping[bytes, bytes]):
    """Those that are held, and `more` that are not yet."""

    def __init__(self, store: Store, more: Mapping[bytes, bytes] = NONE) -> None:
        self._store, self._more = store, more

    def __getitem__(self, digest: bytes) -> bytes:
        found = self._more.get(digest) or self._store.body(digest)
        if found is None:
            raise KeyError(digest)
        return found

    def __iter__(self) -> Iterator[bytes]:
        held = "SELECT hash FROM body WHERE permanent AND content NOTNULL"
        return iter(dict.fromkeys([*self._more, *(one for (one,) in self._store.rows(held))]))

    def __len__(self) -> int:
        return len(list(iter(self)))
