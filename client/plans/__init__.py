"""Recipes, and plans of what is to be done by when."""
