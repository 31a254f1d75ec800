"""Claims about claims and what pays them."""
