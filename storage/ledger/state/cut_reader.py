"""A state as a long fold reads it: what is read often is cached, what is new is not looked for.

Most keys that a fold reads name a record that is being folded, and the state has none of them yet.
One query for each table says of which it has; the others are never looked up one by one.
Nothing is concluded about keys from their form alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Any

from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.ledger.state.state import LOCAL
from commonweal.storage.ledger.state.state_db import FINAL, LayeredState, StateDb
from commonweal.storage.ledger.state.state_rows import NUMBERED

VALUES_CACHED_MAX = 20_000
"""Values that are cached during one fold."""

LISTS_CACHED_MAX, LIST_KEYS_MAX = 2_000, 32
"""Lists of pairs that are cached during one fold, and the keys of a list that is."""

_Pairs = tuple[tuple[bytes, Any], ...]

_LONGER = frozenset({LOCAL, b"9"})
"""First bytes of the prefixes of two bytes."""


NEW_FEW = 16
"""Number of new records up to which each is looked up: it costs less than one query for all."""


class CutReader:
    """The layers up to one of them, which do not change meanwhile; the base of a `State`."""

    __slots__ = ("_base", "_held", "_layers", "_lists", "_new", "_numbered", "_top", "_values")

    def __init__(self, layers: StateDb, top: int = FINAL) -> None:
        self._layers, self._top, self._base = layers, top, LayeredState(layers, top)
        self._values: dict[bytes, Any] = {}
        self._lists: dict[bytes, _Pairs] = {}
        self._new: dict[bytes, None] = {}
        self._numbered: list[bytes] | None = None
        """Those of the new records that the numbered tables may name; None: not looked for yet."""
        self._held: dict[bytes, Set[bytes]] = {}

    def begin(self, ids: Iterable[bytes]) -> None:
        """Note the records that are folded next."""
        new = dict.fromkeys(ids)
        self._new, self._held = new if len(new) > NEW_FEW else {}, {}
        self._numbered = None

    def get(self, key: bytes) -> Any:
        """Return the value of `key`, or None."""
        if self._is_absent(key):
            return None
        cache = self._values
        value = cache.get(key, cache)
        if value is cache:
            if len(cache) >= VALUES_CACHED_MAX:
                cache.clear()
            value = cache[key] = self._base.get(key)
        return value

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        """Yield the pairs (key, value) with a key that starts with `prefix`, by key."""
        if len(prefix) <= HASH_BYTES:
            return self._base.items(prefix)
        if self._is_absent(prefix):
            return iter(())
        cache = self._lists
        pairs = cache.get(prefix)
        if pairs is None:
            pairs = tuple(self._base.items(prefix))
            if len(pairs) <= LIST_KEYS_MAX:
                if len(cache) >= LISTS_CACHED_MAX:
                    cache.clear()
                cache[prefix] = pairs
        return iter(pairs)

    def _is_absent(self, key: bytes) -> bool:
        """Whether a key names a new record, and no key of its table names that one."""
        at = 2 if key[:1] in _LONGER else 1
        id = key[at : at + HASH_BYTES]
        if id not in self._new:
            return False
        held = self._held.get(key[:at])
        if held is None:
            held = self._held[key[:at]] = self._ids_held(key[:at])
        return id not in held

    def _ids_held(self, table: bytes) -> Set[bytes]:
        """Return those of the new records with which, after `table`, a key begins."""
        if table not in NUMBERED:
            return self._layers.ids_held(table, self._new, self._top)
        if self._numbered is None:
            self._numbered = self._layers.ids_numbered(self._new)
        return self._layers.ids_held(table, self._numbered, self._top)
