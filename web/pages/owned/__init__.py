"""Data that stays with its owner, on the page: what there is, what was used, what is opened."""
