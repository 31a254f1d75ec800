"""Claims about Commonweal, each of which can fail."""
