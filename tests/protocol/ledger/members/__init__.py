"""Claims about members, their keys and their devices."""
