"""Replication in simulation: records and texts reach all, whatever logs and peers are odd."""
