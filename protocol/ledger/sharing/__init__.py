"""Sharing: the value of events, the splits of pools, corrections, and their explanation."""
