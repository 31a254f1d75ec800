"""What members undertake together, as they read and write it."""
