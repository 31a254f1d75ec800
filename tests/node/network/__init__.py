"""Claims about `node/network/`."""
