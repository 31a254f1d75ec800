"""What is kept: records, bodies, proofs, addresses and secrets on this member's disk."""
