"""What suits each other: suggestions, rounds, rings and swaps, as every node computes them."""
