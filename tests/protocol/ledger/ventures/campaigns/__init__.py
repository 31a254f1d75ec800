"""What members undertake together: the records, and what seals decide of them."""
