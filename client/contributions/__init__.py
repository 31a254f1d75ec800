"""Contributions, attestations, withdrawals and single records."""
