"""Claims about `commands/decide/`."""
