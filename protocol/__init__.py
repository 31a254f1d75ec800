"""The protocol: what is true of bytes and values, the same on every node.

Records, logs, identities, rules, seals, the ledger, and the messages between nodes. Nothing here
does I/O, reads a clock or draws a random number. The names below are what another program needs to
check a record, to read a proof and to fold a log; each loads its module when it is first used.
docs/internals/protocol.md has an example of each.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonweal.protocol.errors import (
        BadSignature,
        CommonwealError,
        InvalidProof,
        InvalidRecord,
        Malformed,
    )
    from commonweal.protocol.keys import DeviceKey, MemberId, Signer
    from commonweal.protocol.ledger.fold.fold import Ledger
    from commonweal.protocol.ledger.members.membership import MemberStatus, members
    from commonweal.protocol.records.log import Tip, read_run
    from commonweal.protocol.records.record import (
        CommunityId,
        Record,
        RecordId,
        community_of,
        is_body,
    )
    from commonweal.protocol.records.record import from_bytes as record_from_bytes
    from commonweal.protocol.seal.finality_proof import ProvenRecord, verify_proof

__all__ = [
    "BadSignature",
    "CommonwealError",
    "CommunityId",
    "DeviceKey",
    "InvalidProof",
    "InvalidRecord",
    "Ledger",
    "Malformed",
    "MemberId",
    "MemberStatus",
    "ProvenRecord",
    "Record",
    "RecordId",
    "Signer",
    "Tip",
    "community_of",
    "is_body",
    "members",
    "read_run",
    "record_from_bytes",
    "verify_proof",
]

_MODULES = {
    "errors": ("BadSignature", "CommonwealError", "InvalidProof", "InvalidRecord", "Malformed"),
    "keys": ("DeviceKey", "MemberId", "Signer"),
    "ledger.fold.fold": ("Ledger",),
    "ledger.members.membership": ("MemberStatus", "members"),
    "records.log": ("Tip", "read_run"),
    "records.record": ("CommunityId", "Record", "RecordId", "community_of", "is_body"),
    "seal.finality_proof": ("ProvenRecord", "verify_proof"),
}
_PLACES = {name: (module, name) for module, names in _MODULES.items() for name in names}
_PLACES["record_from_bytes"] = ("records.record", "from_bytes")


def __getattr__(name: str) -> Any:
    """Return a name of `__all__`, its module loaded now (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"commonweal.protocol has no {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)
