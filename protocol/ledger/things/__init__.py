"""Units, specifications, quantities and resources."""
