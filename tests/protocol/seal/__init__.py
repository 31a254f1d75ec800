"""Seals: formats, quorums, witnesses, the agreement, and the root of the state."""
