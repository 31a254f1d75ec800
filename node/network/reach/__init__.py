"""How a node is reached from outside its network: its own addresses and what routers grant."""
