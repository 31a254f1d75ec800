"""Claims about `commands/imports/`."""
