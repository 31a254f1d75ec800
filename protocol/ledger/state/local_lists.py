"""Lists beside the state of what is of one member, so that nobody reads that of everybody for it.

A list is in local keys: how many it has, what has each number, and the number of each. Whatever is
asked of it costs as much as it names, not as much as ever was in it: a member may leave and return
many times in a cut. A list is in the order in which it was filled, and nothing follows from that.
"""

from __future__ import annotations

from commonweal.protocol.ledger.state.state import State

NUMBER_BYTES = 8
"""How long a number is in a key: never as long as an id."""


def add(state: State, sort: bytes, owner: bytes, id: bytes) -> None:
    """Add an id to the list of a sort that an owner has; once. sort: a prefix of local keys."""
    every = sort + owner
    if state.get(every + id) is not None:
        return
    count = state.get(every) or 0
    state.put(every + _number(count), id)
    state.put(every + id, count)
    state.put(every, count + 1)


def remove(state: State, sort: bytes, owner: bytes, id: bytes) -> None:
    """Remove an id from a list; the last one takes its number."""
    every = sort + owner
    number = state.get(every + id)
    if number is None:
        return
    left = state.get(every) - 1
    last = state.get(every + _number(left))
    state.delete(every + _number(left))
    state.delete(every + id)
    if last != id:
        state.put(every + _number(number), last)
        state.put(every + last, number)
    if left:
        state.put(every, left)
    else:
        state.delete(every)


def take(state: State, sort: bytes, owner: bytes) -> list[bytes]:
    """Empty a list; return the ids that it had, ascending."""
    every = sort + owner
    count = state.get(every) or 0
    ids: list[bytes] = [state.get(every + _number(number)) for number in range(count)]
    for number, id in enumerate(ids):
        state.delete(every + _number(number))
        state.delete(every + id)
    if count:
        state.delete(every)
    return sorted(ids)


def _number(number: int) -> bytes:
    return number.to_bytes(NUMBER_BYTES)
