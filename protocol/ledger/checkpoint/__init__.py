"""The state as a whole: its Merkle roots, snapshots, and re-founding from one."""
