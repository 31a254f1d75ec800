"""Seals: cuts of the logs, votes and certificates that make them final, and proofs of that."""
