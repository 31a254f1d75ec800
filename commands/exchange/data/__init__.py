"""Commands about data that stays with its owner."""
