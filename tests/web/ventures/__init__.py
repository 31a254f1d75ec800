"""Pages of what members undertake together."""
