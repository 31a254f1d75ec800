"""What contributions are counted in and done with: units, specifications, quantities, resources."""
