"""Share: balances, claims, payments and seals."""
