"""What is live: one watch on the node, told to every open page."""
