"""Data that stays with its owner: added, used under a consent, handed over and opened."""
