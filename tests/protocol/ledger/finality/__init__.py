"""Claims about what seals make final."""
