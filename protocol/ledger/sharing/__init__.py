"""Sharing income: distribution, corrections, explanations."""
