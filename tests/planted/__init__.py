"""Faults planted on purpose, so that every test against a threat is known to be able to fail."""
