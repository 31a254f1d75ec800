"""What a member reads and does, as a Python API. It prints nothing and asks nobody."""
