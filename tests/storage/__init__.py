"""Claims about `storage/`."""
