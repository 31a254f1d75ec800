"""Reviews: parties of a done deal judge each other, and neither sees what the other wrote first."""
