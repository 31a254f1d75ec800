"""Exchange: what members offer, promise and owe each other."""
