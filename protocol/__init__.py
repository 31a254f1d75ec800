"""What is true: bytes and values. Nothing here does IO, reads a clock, or draws a random number."""
