"""`weal project`: what members undertake together."""
