"""Projects: who is in them, what they have, and how they end."""
