"""What stands behind the source of an income: shares.md."""

from __future__ import annotations

from tests.second_reader.context import Context
from tests.second_reader.things import ACTIONS


def behind(c: Context, source: bytes) -> set[bytes]:
    """Return the events behind a source."""
    sorts = ("RESOURCE", "PROCESS", "EVENT")
    first = next((sort for sort in sorts if c.state.get(sort, source) is not None), None)
    if first is None:
        return set()
    walk = [(first, source)]
    for place in range(10_000):
        if place < len(walk):
            walk += [step for step in dict.fromkeys(_beside(c, *walk[place])) if step not in walk]
    return {id for sort, id in walk[:10_000] if sort == "EVENT"}


def _beside(c: Context, sort: str, id: bytes) -> list[tuple[str, bytes]]:
    if sort == "PROCESS":
        return [("EVENT", key[33:]) for key, _ in c.state.all("OF_PROCESS", id + b"i")]
    if sort == "RESOURCE":
        events = [key[32:] for key, _ in c.state.all("OF_RESOURCE", id)]
        return [("EVENT", event) for event in events if _flows_into(c, event, id)]
    row = c.state.known("EVENT", id)
    found = [] if row["output_of"] is None else [("PROCESS", row["output_of"])]
    if row["source"] is not None and not _flows_into(c, id, row["source"]):
        found.append(("RESOURCE", row["source"]))
    return found


def _flows_into(c: Context, event: bytes, resource: bytes) -> bool:
    row = c.state.known("EVENT", event)
    action = ACTIONS[row["action"]]
    is_made = action["side"] == "output" or action["accounting"] == "+."
    return bool(row["target"] == resource) or is_made
