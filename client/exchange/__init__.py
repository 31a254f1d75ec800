"""The exchange: what members offer and need, and what they agree on."""
