"""Commands about what members undertake together, typed."""
