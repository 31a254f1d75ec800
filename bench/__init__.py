"""Measurements, each with its ratio to a baseline of the same run."""
