"""Commands about what there is, what is made of it, and who outside gives and receives."""
