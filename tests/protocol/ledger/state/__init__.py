"""Claims about the state and the time of seals."""
