"""Reading many records at once, by columns: the same result as one by one, three times faster.

A run is mostly alike, so what is checked record by record in `record` is checked here
for a whole column in one step that Python does not interpret. Whatever is not plainly
good is read again one by one, which raises the error that it deserves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import chain, repeat
from operator import eq
from typing import Any

import msgpack

from commonweal.protocol import codec, keys, record
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.keys import SIGNATURE_BYTES
from commonweal.protocol.record import CONTEXT, FOUND, KIND_CHARS_MAX, Record

_pack = msgpack.Packer(use_bin_type=True).pack
_LEAVES = frozenset({str, bytes, bool, type(None)})
_EMPTY: tuple[()] = ()


def read(wires: Sequence[bytes]) -> list[Record]:
    """Return the records in `wires`, or raise, as `record.from_bytes_unchecked` does for each."""
    if len(wires) > 1:
        try:
            found = _read_alike(wires)
        except (ValueError, TypeError, OverflowError, msgpack.UnpackException, CommonwealError):
            found = None
        if found is not None:
            return found
    return [record.from_bytes_unchecked(wire) for wire in wires]


def _read_alike(wires: Sequence[bytes]) -> list[Record] | None:
    """Return the records where nothing is special; None where one by one must tell."""
    sizes = list(map(len, wires))
    if min(sizes) <= SIGNATURE_BYTES or max(sizes) > record.RECORD_BYTES_MAX:
        return None
    headers = [wire[:-SIGNATURE_BYTES] for wire in wires]
    unpacker = msgpack.Unpacker(raw=False, timestamp=3, max_buffer_size=sum(sizes))
    unpacker.feed(b"".join(headers))
    values: list[Any] = list(unpacker)
    if len(values) != len(wires) or not all(map(eq, map(_pack, values), headers)):
        return None
    if set(map(type, values)) != {list} or set(map(len, values)) != {12}:
        return None
    columns = list(zip(*values, strict=True))
    contexts, communities, authors, seqs, prevs, clocks, bases = columns[:7]
    deps, times, kinds, datas, bodies = columns[7:]
    if not (
        set(contexts) == {CONTEXT}
        and _are_ids(authors)
        and _are_ids(communities)
        and _are_ids(bases)
        and _are_counts(seqs, 1)
        and _are_ids(prevs)
        and _are_counts(clocks, 1)
        and _are_counts(times, 0)
        and _are_kinds(kinds)
        and set(map(type, deps)) == {list}
        and _are_maps(datas, codec.DEPTH_MAX - 1)
    ):
        return None
    if any(deps):
        deps = tuple(
            record.read_deps(*pair) if pair[0] else _EMPTY for pair in zip(deps, prevs, strict=True)
        )
    else:
        deps = (_EMPTY,) * len(wires)
    if bodies.count(None) < len(bodies):
        bodies = tuple(None if body is None else record.read_body_ref(body) for body in bodies)
    ids = [blake2b(wire, digest_size=32, person=keys.RECORD).digest() for wire in wires]
    rows = zip(ids, *columns[1:7], deps, times, kinds, datas, bodies, wires, strict=True)
    return list(map(tuple.__new__, repeat(Record), rows))


def _are_ids(column: tuple[Any, ...]) -> bool:
    return set(map(type, column)) == {bytes} and set(map(len, column)) == {32}


def _are_counts(column: tuple[Any, ...], least: int) -> bool:
    return set(map(type, column)) == {int} and min(column) >= least and max(column) <= codec.INT_MAX


def _are_kinds(column: tuple[Any, ...]) -> bool:
    distinct = set(column)
    return FOUND not in distinct and all(
        type(kind) is str and 0 < len(kind) <= KIND_CHARS_MAX for kind in distinct
    )


def _are_maps(maps: Iterable[Any], room: int) -> bool:
    """Say whether all are maps with sorted string keys and canonical values, `room` levels deep.

    That no key stands twice was seen when they were encoded again.
    """
    maps = list(maps)
    if room == 0 or set(map(type, maps)) != {dict}:
        return False
    for names in dict.fromkeys(map(tuple, maps)):
        if list(names) != sorted(names) or (names and type(names[0]) is not str):
            return False
    return _are_values(list(chain.from_iterable(map(dict.values, maps))), room)


def _are_values(values: list[Any], room: int) -> bool:
    types = set(map(type, values)) - _LEAVES
    if int in types and max(value for value in values if type(value) is int) > codec.INT_MAX:
        return False
    if list in types:
        items = [value for value in values if type(value) is list]
        if room == 1 or not _are_values(list(chain.from_iterable(items)), room - 1):
            return False
    if dict in types and not _are_maps(
        [value for value in values if type(value) is dict], room - 1
    ):
        return False
    return types <= {int, list, dict}
