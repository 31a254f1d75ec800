"""Seals: what makes a cut of the logs final, and how witnesses agree on it."""
