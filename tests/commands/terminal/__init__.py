"""Claims about `commands/terminal/`."""
