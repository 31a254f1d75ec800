"""Claims about `commands/share/`."""
