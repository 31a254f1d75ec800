"""Claims about roots, snapshots and re-founding."""
