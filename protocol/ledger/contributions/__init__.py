"""Contributions: events, attestations, value, plans and provenance."""
