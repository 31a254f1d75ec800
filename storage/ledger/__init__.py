"""The folded ledger on disk: final state, overlay, proposals, snapshots, views."""
