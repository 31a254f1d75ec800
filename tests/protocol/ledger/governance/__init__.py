"""Claims about votes, what they decide, and who witnesses."""
