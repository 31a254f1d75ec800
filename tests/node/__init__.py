"""Claims about `node/`."""
