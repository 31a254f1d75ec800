"""What members get and are owed: shares, claims, explanations, and the seals that make it final."""
