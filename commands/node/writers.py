"""Who wrote most of what a node keeps: named by `weal doctor` and `weal peers`."""

from __future__ import annotations

from typing import Any

from commonweal.client.directory import People
from commonweal.client.visible_text import visible
from commonweal.commands.terminal.language import _
from commonweal.protocol.ledger.members import registry
from commonweal.storage.records.log_store import Store

WRITERS_NAMED_MAX = 3
"""More are not named in a sentence."""

MIB = 1024 * 1024


def writers(store: Store, people: People) -> list[dict[str, Any]]:
    """Return what each member's logs have this node keep, the largest first.

    Logs of people who were not admitted stand under the member that they name, if any.
    """
    writers: dict[bytes | None, dict[str, Any]] = {}
    for row in store.logs():
        device = registry.device_row(people.state, row.author)
        member = None if device is None else device.member
        writer = writers.setdefault(
            member,
            {
                "member": member and member.hex(),
                "member_name": people.name(member) or None,
                "records": 0,
                "bytes": 0,
                "documents": 0,
                "texts": 0,
            },
        )
        writer["records"] += row.length
        writer["bytes"] += row.size
        writer["documents"] += row.documents
        writer["texts"] += row.texts
    return sorted(writers.values(), key=lambda writer: (-writer["bytes"], writer["member"] or ""))


def largest(writers: list[dict[str, Any]]) -> str:
    """Return the largest of them in words, with what they have this node keep."""
    named = [
        _("{name} {size} MiB").format(
            name=visible(writer["member_name"] or _("not a member yet")),
            size=f"{writer['bytes'] / MIB:,.1f}",
        )
        for writer in writers[:WRITERS_NAMED_MAX]
    ]
    return ", ".join(named)
