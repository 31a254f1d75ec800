"""Records, logs, frontiers, proofs of forks."""
