"""Market: what members offer and need, and what suits each other."""
