"""The exchange between members: offers and needs, what is promised, and how it is fulfilled."""
