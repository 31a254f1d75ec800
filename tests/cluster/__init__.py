"""Claims about real node processes."""
