"""Intents and offers: who writes them, what is left of them, and when they end."""
