"""Plan: recipes, and what is to be done by when."""
