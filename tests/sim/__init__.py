"""A community in one thread: the real `Service` under a virtual clock, network and disk."""
