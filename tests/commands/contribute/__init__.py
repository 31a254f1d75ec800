"""Claims about `commands/contribute/`."""
