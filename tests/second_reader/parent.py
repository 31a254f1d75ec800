"""The state of a parent in chunks, and who goes on from it: protocol.md section 14."""

from __future__ import annotations

from typing import Any

from tests.second_reader.records import Record
from tests.second_reader.values import hash32, subtree, unpack

LEFT_BEHIND = b"F#+DEPIQRVZKGOvHml1234%"


def read_chunk(data: bytes, root: bytes, depth: int, number: int) -> dict[bytes, Any]:
    """Return the pairs of a chunk, checked against a state root."""
    beside, pairs = unpack(data)
    assert len(beside) == depth and pairs == sorted(pairs) and len(pairs) >= 2
    leaves = sorted((hash32("key", key), hash32("value", value)) for key, value in pairs)
    assert all(int.from_bytes(key, "big") >> (256 - depth) == number for key, _ in leaves)
    found = subtree(leaves, depth)
    for level in range(depth - 1, -1, -1):
        is_right = number >> (depth - level - 1) & 1
        sides = (beside[level], found) if is_right else (found, beside[level])
        found = hash32("node", b"\1", *sides)
    assert found == root
    return {key: unpack(value) for key, value in pairs}


def inherited(founding: Record, chunks: list[bytes]) -> dict[bytes, Any]:
    """Return the state that a community begins with."""
    community, _, _, root, _, depth = founding.data["parent"]
    assert len(chunks) == 2**depth
    state: dict[bytes, Any] = {}
    for number, data in enumerate(chunks):
        state |= read_chunk(data, root, depth, number)
    return {
        key.replace(community, founding.id): _renamed(
            _changed(key, value, founding.id), community, founding.id
        )
        for key, value in _as_of_fold_2(state).items()
        if not _stays(key)
    }


def _as_of_fold_2(state: dict[bytes, Any]) -> dict[bytes, Any]:
    """Return a state with what fold 1 had in tables q and b at the end of the rows of events."""
    rows = {key: value for key, value in state.items() if key[:1] not in b"qb"}
    for key, value in state.items():
        if key[:1] == b"q":
            pending = state.get(b"b" + key[1:])
            more = [] if pending is None else [pending]
            rows[b"e" + key[1:]] = [*rows[b"e" + key[1:]], *value, *more]
    return rows


def _stays(key: bytes) -> bool:
    return key[0] in LEFT_BEHIND or key[:2] == b"9v" or (key[:1] == b"r" and key[33:] == b"witness")


def _changed(key: bytes, value: Any, first: bytes) -> Any:
    match key[:1]:
        case b"M":
            status, _, keys, threshold, _, _, _, powers = value
            return [status, 1, keys, threshold, 0, 0, None, powers]
        case b"C":
            named, sponsors, _, naming, change, _ = value
            changed = [first if change else b"", 1 if change else 0]
            return [named, sponsors, [], first if naming else b"", *changed]
    return value


def _renamed(value: Any, old: bytes, new: bytes) -> Any:
    match value:
        case bytes():
            return new if value == old else value
        case list():
            return [_renamed(part, old, new) for part in value]
        case dict():
            return {key: _renamed(part, old, new) for key, part in value.items()}
    return value
