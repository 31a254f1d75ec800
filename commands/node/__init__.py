"""Node: run it, ask how it is, run several for a test."""
