"""What there is, who keeps it, what is made of it, and who outside gives and receives."""
