"""Claims about `commands/node/`."""
