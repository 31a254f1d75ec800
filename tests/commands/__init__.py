"""Claims about `commands/`."""
