"""The loop of a node, its threads, and its settings."""
