"""Plans: recipes, what is to be made by them, and the processes and intents that belong to it."""
