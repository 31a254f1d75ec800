"""Reviews of deals: written unseen, opened together, and counted beside what was kept."""
