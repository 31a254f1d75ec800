"""What members undertake together, as pages."""
