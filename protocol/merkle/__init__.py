"""A Merkle tree over (key, value) pairs: one root for a whole state, updated per change.

A binary radix tree over H(key): leaf H(0, H(key), H(value)), inner node H(1, left, right), 32
zero bytes for an empty subtree; a leaf that is alone in its subtree replaces it. A set of pairs
therefore has one tree, whatever the order of insertion. An audit path proves that a pair is in
the tree; absence is never proven. (docs/protocol.md, "Seals".)

The caller stores pages, by place (`pages`); this package only returns what to write.
"""

from commonweal.protocol.merkle.hashes import DEPTH_MAX, EMPTY, prefix_of
from commonweal.protocol.merkle.pages import PageReader
from commonweal.protocol.merkle.paths import (
    audit_path,
    siblings_above,
    verify_path,
)
from commonweal.protocol.merkle.tree import (
    Subtree,
    Update,
    graft,
    proven_subtree,
    restore,
    root_of,
    update,
)

__all__ = [
    "DEPTH_MAX",
    "EMPTY",
    "PageReader",
    "Subtree",
    "Update",
    "audit_path",
    "graft",
    "prefix_of",
    "proven_subtree",
    "restore",
    "root_of",
    "siblings_above",
    "update",
    "verify_path",
]
