"""Intents and offers: what members and the community want to give and to have."""
