"""Agreement on seals: the height driver, votes, the chain, and its sync."""
