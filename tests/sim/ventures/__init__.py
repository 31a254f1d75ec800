"""What members undertake together, in a parted community."""
