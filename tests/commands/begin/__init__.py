"""Claims about `commands/begin/`."""
