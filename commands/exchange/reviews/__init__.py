"""`weal review`: what the parties of a done deal think of each other."""
