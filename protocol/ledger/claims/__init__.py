"""What members are owed: pools, claims and their settlement."""
