"""Tests of records, logs, proofs, frontiers, messages, hellos and links."""
