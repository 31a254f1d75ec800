"""Things that are lent: their terms, who has them when, and what is handed out and back."""
