"""Node processes for measurements, and nodes that differ from `weal up` in one respect."""
