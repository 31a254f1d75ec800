"""What members undertake together, for other programs."""
