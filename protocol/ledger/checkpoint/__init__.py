"""The state as a whole: commitment roots, snapshots, and re-founding from one."""
