"""The expressions of rules."""
