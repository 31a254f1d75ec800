"""The Python API of a member."""
