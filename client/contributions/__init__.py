"""Contributions, attestations, single records, and the resources that they change."""
