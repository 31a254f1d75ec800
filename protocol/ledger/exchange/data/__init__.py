"""Data that stays with its owner: what it is, who consents to its use, and who used it for what."""
