"""Claims about `commands/keep/`."""
