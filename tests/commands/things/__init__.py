"""Claims about `commands/things/`."""
